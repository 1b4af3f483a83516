import { setImmediate } from "node:timers/promises";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import {
  BODY_TIMEOUT_MS,
  MAX_BODY_BYTES,
  MAX_BYTES_IN_PROGRESS,
  MAX_EVENTS,
  MAX_EVENTS_IN_PROGRESS,
  MAX_EXPORTS_IN_PROGRESS,
  MAX_EXPORTS_PER_CALLER,
  MAX_PAGE_ROWS,
  MAX_REQUESTS_IN_PROGRESS,
  MAX_ROWS_IN_PROGRESS,
} from "../../shared/limits.ts";
import { toolUsageLedger } from "../../shared/logs/tool-usage-ledger.ts";
import { serveLog } from "../../shared/serve-log.ts";
import { serveOtlp } from "../../shared/serve-otlp.ts";
import { serveWebhooks } from "../../shared/serve-webhooks.ts";
import {
  readWebhookSettings,
  signMessage,
} from "../../shared/webhooks/signatures.ts";
import { createHook } from "../support/supabase-payloads.ts";
import { EVENTS } from "../support/running-stack.ts";
import { AUTH_SECRETS } from "../support/receiving-stack.ts";
import { HeldDatabase, OTHER_KEYS, SECRET_KEY } from "./held-database.ts";

const EVENT = EVENTS["tool-usage"];
const BATCH = JSON.stringify(Array(MAX_EVENTS).fill(EVENT));
/** As many bytes as a body may have. */
const LONG = JSON.stringify(EVENT).padEnd(MAX_BODY_BYTES);

let database: HeldDatabase;
let serve: (request: Request) => Promise<Response>;
beforeAll(() => void (database = new HeldDatabase()));
afterAll(() => database.stop());
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  // What is in progress is counted for each instance of a function.
  serve = serveLog(toolUsageLedger, database.environment);
});
afterEach(() => void vi.restoreAllMocks());

const headers = { apikey: SECRET_KEY, "content-type": "application/json" };
const post = (body: BodyInit) =>
  serve(
    new Request("http://x/tool-usage", { method: "POST", headers, body }),
  );
const get = (
  query: string,
  accept = "application/json",
  apikey: string = SECRET_KEY,
) =>
  serve(
    new Request(`http://x/tool-usage${query}`, {
      headers: { ...headers, apikey, accept },
    }),
  );

/** Requests whose bodies have not come yet; they end with the test. */
const unfinished: ReadableStreamDefaultController[] = [];
const unfinishedAnswers: Promise<Response>[] = [];
function begin(
  handler: (request: Request) => Promise<Response>,
  url: string,
  type = "application/json",
): void {
  const body = new ReadableStream({
    start: (controller) => void unfinished.push(controller),
  });
  const init = {
    method: "POST",
    headers: { ...headers, "content-type": type },
  };
  unfinishedAnswers.push(handler(new Request(url, { ...init, body })));
}
async function endUnfinished(): Promise<void> {
  for (const controller of unfinished.splice(0)) controller.error("gone");
  for (const answer of await Promise.all(unfinishedAnswers.splice(0))) {
    expect(answer.status).toBe(400);
  }
}

const many = (count: number, send: () => Promise<Response>) =>
  Array.from({ length: count }, send);
const statuses = async (answers: Promise<Response>[]) =>
  (await Promise.all(answers)).map(({ status }) => status);

async function expectOverloaded(answer: Response): Promise<void> {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(answer.headers.get("x-request-id")).not.toBeNull();
  expect(await answer.json()).toMatchObject({ code: "overloaded" });
}

describe.each<[string, number, () => Promise<Response>]>([
  ["requests", MAX_REQUESTS_IN_PROGRESS, () => post(JSON.stringify(EVENT))],
  ["events", MAX_EVENTS_IN_PROGRESS / MAX_EVENTS, () => post(BATCH)],
  ["bytes of bodies", MAX_BYTES_IN_PROGRESS / MAX_BODY_BYTES, () => post(LONG)],
  [
    "rows of pages",
    MAX_ROWS_IN_PROGRESS / MAX_PAGE_ROWS,
    () => get(`?limit=${MAX_PAGE_ROWS}`),
  ],
  [
    "groups of summaries",
    MAX_ROWS_IN_PROGRESS / MAX_PAGE_ROWS,
    () => get("/summary?from=2026-01-01&to=2026-01-02"),
  ],
])("%s in progress", (_what, most, send) => {
  test("are admitted up to the limit, and again after they end", async () => {
    for (let round = 0; round < 2; round++) {
      const waiting = many(most, send);
      await database.holds(most);
      await expectOverloaded(await send());
      expect(database.held).toBe(most);
      database.release();
      for (const status of await statuses(waiting)) {
        expect(status).toBeLessThan(202);
      }
    }
  });
});

/** The exports of some callers, each with as many as it may have. */
async function openExports(callers: number): Promise<Response[]> {
  const answers = OTHER_KEYS.slice(0, callers).flatMap((key) =>
    many(MAX_EXPORTS_PER_CALLER, () => get("", "application/x-ndjson", key))
  );
  await database.holds(answers.length);
  database.release();
  return await Promise.all(answers);
}

async function expectCutOff(): Promise<void> {
  await vi.waitFor(() =>
    expect(console.log).toHaveBeenCalledWith(
      expect.stringMatching(/"route":"export","status":200.*"cut_off":true/),
    )
  );
}

test("one caller cannot take the exports of the others", async () => {
  const open = await openExports(1);
  await expectOverloaded(await get("", "text/csv", OTHER_KEYS[0]));
  const other = get("?limit=1", "text/csv", OTHER_KEYS[1]);
  await vi.waitUntil(() => database.held > 0);
  await open[0].body!.cancel();
  await expectCutOff();
  const again = get("?limit=1", "text/csv", OTHER_KEYS[0]);
  const rest = Promise.all(open.slice(1).map(({ body }) => body!.cancel()));
  // Streams begin to read their next pages as well.
  await vi.waitUntil(() => database.held >= 2);
  database.release();
  for (const answer of [await other, await again]) {
    expect(answer.status).toBe(200);
    await answer.body!.cancel();
  }
  await rest;
});

test("an export that its client cancels frees its place", async () => {
  const open = await openExports(
    MAX_EXPORTS_IN_PROGRESS / MAX_EXPORTS_PER_CALLER,
  );
  await expectOverloaded(await get("", "text/csv"));
  await open[0].body!.cancel();
  await expectCutOff();
  const next = get("?limit=1", "text/csv");
  await vi.waitUntil(() => database.held > 0);
  const reading = Promise.all(
    open.slice(1).map((response) => response.body!.cancel()),
  );
  database.release();
  expect((await next).status).toBe(200);
  await (await next).text();
  await reading;
});

test("a thousand refused requests free their places", async () => {
  for (let round = 0; round < 1_000; round++) {
    const { status } = await post("[");
    expect(status).toBe(400);
  }
  const waiting = many(MAX_REQUESTS_IN_PROGRESS, () => post("{}"));
  expect(new Set(await statuses(waiting))).toEqual(new Set([422]));
});

test("an OTLP sender at the limit gets a google.rpc.Status", async () => {
  const otlp = serveOtlp(database.environment);
  const url = "http://x/otlp/v1/traces";
  const send = (type: string) =>
    otlp(
      new Request(url, {
        method: "POST",
        headers: { ...headers, "content-type": type },
        body: "{}",
      }),
    );
  for (let n = 0; n < MAX_REQUESTS_IN_PROGRESS; n++) begin(otlp, url);
  const refused = await send("application/json");
  expect([refused.status, await refused.json()]).toMatchObject([503, {
    code: 14,
  }]);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  const { headers: answered } = await send("application/x-protobuf");
  expect(answered.get("content-type")).toBe("application/x-protobuf");
  await endUnfinished();
  expect((await send("application/json")).status).toBe(200);
});

test("Auth at the limit gets the answer that it needs, and its event is not recorded", async () => {
  const [{ text, bytes: secret }] = AUTH_SECRETS;
  const webhooks = serveWebhooks(
    database.environment,
    readWebhookSettings((name) =>
      name === "AUTH_HOOK_SECRETS" ? `v1,${text}` : undefined
    ),
  );
  const url = "http://x/webhooks/litellm";
  for (let n = 0; n < MAX_REQUESTS_IN_PROGRESS; n++) begin(webhooks, url);
  await expectOverloaded(
    await webhooks(new Request(url, { method: "POST", headers, body: "[]" })),
  );
  const body = new TextEncoder().encode(
    JSON.stringify(createHook("after-user-created")),
  );
  const signed = await signMessage({ id: "m", time: new Date(), body }, secret);
  const answer = await webhooks(
    new Request("http://x/webhooks/auth", {
      method: "POST",
      headers: { "content-type": "application/json", ...signed },
      body,
    }),
  );
  expect([answer.status, await answer.json()]).toEqual([200, {}]);
  expect(database.held).toBe(0);
  await vi.waitFor(() =>
    expect(console.error).toHaveBeenCalledWith(
      expect.stringMatching(
        /"route":"auth","status":200.*too many requests in progress/,
      ),
    )
  );
  await endUnfinished();
});

describe("an incomplete body", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => void vi.useRealTimers());

  test.each([
    ["at all", []],
    ["to its end", [JSON.stringify(EVENT)]],
  ])("%s times out", async (_when, chunks) => {
    const cancelled = vi.fn();
    const body = new ReadableStream({
      start(controller) {
        for (const chunk of chunks) {
          controller.enqueue(new TextEncoder().encode(chunk));
        }
      },
      cancel: cancelled,
    });
    let answered = false;
    const answer = post(body).finally(() => answered = true);
    // Checking the key comes first, and takes as long as it takes.
    while (vi.getTimerCount() === 0) await setImmediate();
    await vi.advanceTimersByTimeAsync(BODY_TIMEOUT_MS - 1);
    expect(answered).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const { status } = await answer;
    expect(status).toBe(408);
    expect(await (await answer).json()).toMatchObject({ code: "body_timeout" });
    expect(cancelled).toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
