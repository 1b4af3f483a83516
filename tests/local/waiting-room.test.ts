import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createWaitingRoom, TurnedAway } from "../../local/waiting-room.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that ends when the test resolves or rejects it. */
function startWork(enter: ReturnType<typeof createWaitingRoom>) {
  const work = Promise.withResolvers<string>();
  let started = false;
  const result = enter(() => {
    started = true;
    return work.promise;
  });
  result.catch(() => {});
  return { ...work, result, hasStarted: () => started };
}

test("work runs in the order of arrival, as soon as a place is free", async () => {
  const enter = createWaitingRoom({ places: 1, maxWaiting: 9, maxWaitMs: 99 });
  const [first, second, third] = [1, 2, 3].map(() => startWork(enter));
  expect(first.hasStarted()).toBe(true);
  first.resolve("done");
  expect(await first.result).toBe("done");
  await vi.waitUntil(() => second.hasStarted());
  expect(third.hasStarted()).toBe(false);
  second.reject(new Error("failed"));
  await expect(second.result).rejects.toThrow("failed");
  await vi.waitUntil(() => third.hasStarted());
});

test("work beyond the limit of waiting work is refused at once, and work that waits too long after maxWaitMs", async () => {
  const enter = createWaitingRoom({ places: 1, maxWaiting: 1, maxWaitMs: 99 });
  const [running, waiting, beyond] = [1, 2, 3].map(() => startWork(enter));
  await expect(beyond.result).rejects.toThrow(TurnedAway);
  vi.advanceTimersByTime(99);
  await expect(waiting.result).rejects.toThrow(TurnedAway);
  const next = startWork(enter);
  running.resolve("done");
  await vi.waitUntil(() => next.hasStarted());
  expect([waiting.hasStarted(), beyond.hasStarted()]).toEqual([false, false]);
  expect(vi.getTimerCount()).toBe(0);
});
