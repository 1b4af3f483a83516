import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
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

silenceConsole();

const CLIENTS = 4;
const BATCHES = 15;
const BATCH = 100;
const KILLS = 2;

let server: PostgresServer;
let stack: Stack;

beforeAll(async () => {
  // Off, a commit is acknowledged before it is written, and a crash may lose it.
  server = await startPostgres({ settings: { synchronous_commit: "on" } });
  stack = await startStack({ port: 0, databaseUrl: server.url });
});
afterAll(async () => {
  await stack?.stop();
  await server?.stop();
});

test(
  "a server killed during a stream of batches loses no acknowledged event, and retries record the others",
  async () => {
    const url = `${stack.url}/functions/v1/llm-usage`;
    const outcomes: EventOutcome[] = [];
    let refused = 0;
    const sendAll = async (client: number) => {
      const sent = [];
      for (let batch = 0; batch < BATCHES; batch++) {
        const first = (client * BATCHES + batch) * BATCH;
        const events = makeEvents(first, BATCH);
        sent.push(...events.map(toSent));
        const answer = await sendUntilAnswered(
          () => postBatch(url, stack.secretKey, events),
          HURRIED,
        );
        outcomes.push(...answer.results);
        refused += answer.refused.length;
      }
      return sent;
    };

    const sending = Promise.all(
      Array.from({ length: CLIENTS }, (_, client) => sendAll(client)),
    );
    for (let kill = 1; kill <= KILLS; kill++) {
      const enough = kill * CLIENTS * BATCHES * BATCH / (KILLS + 1);
      await expect.poll(() => outcomes.length, { interval: 1, timeout: 30_000 })
        .toBeGreaterThanOrEqual(enough);
      await server.kill();
      const acknowledged = [...outcomes];
      await server.restart();
      expect(findFalseOutcome(acknowledged, await readRows())).toBeNull();
    }
    const sent = (await sending).flat();

    expect(refused).toBeGreaterThan(0);
    const rows = await readRows();
    expect(findFault(sent, rows)).toBeNull();
    expect(outcomes).toHaveLength(sent.length);
    expect(findFalseOutcome(outcomes, rows)).toBeNull();
    const sql = postgres(server.url, { max: 1 });
    expect(await findFaultInLog(sql, "llm_usage_log", sent)).toBeNull();
    await sql.end();
  },
  60_000,
);

async function readRows() {
  const sql = postgres(server.url, { max: 1 });
  try {
    return await readRecorded(sql);
  } finally {
    await sql.end();
  }
}
