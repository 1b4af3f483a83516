import postgres from "postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import {
  findFalseOutcome,
  findFault,
  findFaultInLog,
  readRecorded,
} from "./exactly-once.ts";
import {
  type EventOutcome,
  HURRIED,
  sendUntilAnswered,
} from "./retrying-client.ts";
import { makeEvents, postBatch, toSent } from "./sent-events.ts";
import { silenceConsole } from "./silence.ts";

const CLIENTS = 6;
const BATCHES = 10;
const BATCH = 50;
const KILLS = 8;

let stack: Stack;
let sql: postgres.Sql;
let url: string;
const sent: ReturnType<typeof toSent>[] = [];

silenceConsole();
beforeAll(async () => {
  const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
  sql = postgres(databaseUrl, { max: 2 });
  stack = await startStack({ port: 0, databaseUrl });
  url = `${stack.url}/functions/v1/llm-usage`;
});
afterAll(async () => {
  await stack?.stop();
  await sql?.end();
});

function take(count: number) {
  const events = makeEvents(sent.length, count);
  sent.push(...events.map(toSent));
  return events;
}

test("a function killed during the database call is a 5xx, and the retry finds the events recorded", async () => {
  const events = take(BATCH);
  const answer = await sql.begin(async (transaction) => {
    await transaction`lock table public.llm_usage_log`;
    const response = postBatch(url, stack.secretKey, events);
    await expect.poll(async () => {
      const waiting = await sql`select from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`;
      return waiting.length;
    }, { timeout: 10_000, interval: 10 }).toBe(1);
    stack.stopFunctions();
    return await response;
  });
  expect(answer.status).toBeGreaterThanOrEqual(500);
  await answer.body?.cancel();
  await expect.poll(async () => (await readRecorded(sql)).length, {
    timeout: 10_000,
    interval: 10,
  }).toBe(BATCH);
  const again = await postBatch(url, stack.secretKey, events);
  expect([again.status, await again.json()]).toMatchObject([
    200,
    { duplicate: BATCH },
  ]);
});

test("a function killed while its request arrives writes nothing, and the retry records", async () => {
  const events = take(BATCH);
  const text = new TextEncoder().encode(JSON.stringify(events));
  const half = text.length >> 1;
  const { promise: arriving, resolve: arrive } = Promise.withResolvers<void>();
  const body = new ReadableStream({
    type: "bytes",
    async pull(controller) {
      controller.enqueue(text.slice(0, half));
      await arriving;
      stack.stopFunctions();
      controller.enqueue(text.slice(half));
      controller.close();
    },
  });
  const headers = {
    apikey: stack.secretKey,
    "content-type": "application/json",
  };
  await stack.bootFunctions();
  const broken = fetch(url, { method: "POST", headers, body })
    .then(async (response) => {
      await response.body?.cancel();
      return response.status;
    }, () => 0);
  setTimeout(arrive, 100);
  expect([0, 500, 502, 503, 546]).toContain(await broken);
  const again = await postBatch(url, stack.secretKey, events);
  expect([again.status, await again.json()]).toMatchObject([
    201,
    { recorded: BATCH },
  ]);
});

test("functions killed repeatedly during a stream of batches leave each event once", async () => {
  const outcomes: EventOutcome[] = [];
  let refused = 0;
  const sending = Promise.all(Array.from({ length: CLIENTS }, async () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const events = take(BATCH);
      const answer = await sendUntilAnswered(
        () => postBatch(url, stack.secretKey, events),
        HURRIED,
      );
      outcomes.push(...answer.results);
      refused += answer.refused.length;
    }
  }));
  const total = CLIENTS * BATCHES * BATCH;
  for (let kill = 1; kill <= KILLS; kill++) {
    await expect.poll(() => outcomes.length, { interval: 1, timeout: 30_000 })
      .toBeGreaterThanOrEqual(kill * total / (KILLS + 1));
    stack.stopFunctions();
  }
  await sending;
  expect(refused).toBeGreaterThan(0);
  const rows = await readRecorded(sql);
  expect(findFault(sent, rows)).toBeNull();
  expect(outcomes).toHaveLength(total);
  expect(findFalseOutcome(outcomes, rows)).toBeNull();
  expect(await findFaultInLog(sql, "llm_usage_log", sent)).toBeNull();
});
