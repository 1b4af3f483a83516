import { afterAll, describe, expect, test, vi } from "vitest";
import { runSimulation, type Wrong } from "./simulated-run.ts";
import { silenceConsole } from "./silence.ts";

/** A seed to run alone: `FAULT_SEED=17 npm test -- tests/faults/seeded`. */
const ONLY_SEED = Deno.env.get("FAULT_SEED");

const SIMULATED_RUNS = 1_000;
const CONTROL_RUNS = 40;

const stubFetch = (fetch: typeof globalThis.fetch) =>
  void vi.stubGlobal("fetch", fetch);

silenceConsole();
afterAll(() => {
  vi.unstubAllGlobals();
});

const seedsBelow = (count: number) =>
  ONLY_SEED === undefined
    ? Array.from({ length: count }, (_, n) => n + 1)
    : [Number(ONLY_SEED)];

/** Says how to see it again, and what happened. */
function explain(seed: number, fault: string, steps: string[]): string {
  return `FAULT_SEED=${seed}: ${fault}\n${steps.join("\n")}`;
}

test(
  `${SIMULATED_RUNS} seeded runs over a simulated store record each event once, whatever is lost, late, doubled, cut or restarted`,
  async () => {
    for (const seed of seedsBelow(SIMULATED_RUNS)) {
      const { fault, steps } = await runSimulation(seed, stubFetch);
      if (fault) throw new Error(explain(seed, fault, steps));
    }
  },
  120_000,
);

test("a seed is reproducible", async () => {
  const first = await runSimulation(7, stubFetch);
  const again = await runSimulation(7, stubFetch);
  expect(again.steps).toEqual(first.steps);
  expect(first.steps.length).toBeGreaterThan(2);
});

describe("the check of the seeded runs", () => {
  test.each<[string, Wrong, RegExp]>([
    [
      "a client that retries without ids",
      { client: "without ids" },
      /is recorded twice/,
    ],
    [
      "a store that forgets ids",
      { store: "forgets ids" },
      /is recorded twice|is there twice/,
    ],
    [
      "a store that acknowledges what it may lose",
      { store: "acknowledges before it keeps" },
      /is lost/,
    ],
  ])("finds %s", async (_what, wrong, pattern) => {
    const faults = new Set<string>();
    for (let seed = 1; seed <= CONTROL_RUNS; seed++) {
      const { fault } = await runSimulation(seed, stubFetch, wrong);
      if (fault) faults.add(fault);
    }
    expect(faults.size).toBeGreaterThan(0);
    for (const fault of faults) expect(fault).toMatch(pattern);
  });
});
