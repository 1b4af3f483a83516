import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../support/seeded-random.ts";
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
import { type ProxiedStack, startProxiedStack } from "./proxied-stack.ts";
import { makeEvents, postBatch, toSent } from "./sent-events.ts";
import { silenceConsole } from "./silence.ts";
import type { TcpProxy, Verdict } from "./tcp-proxy.ts";

/** A seed to run alone: its cuts come at the same places, not at the same times. */
const ONLY_SEED = Deno.env.get("FAULT_SEED");

const RUNS = 50;
const CLIENTS = 2;
const BATCHES = 2;
const BATCH = 20;
/** Passages with which a connection to PostgreSQL begins, in one direction. */
const HANDSHAKE = 4;
/** Places of a run, in passages through a proxy, at which there may be a cut. */
const PASSAGES = { http: 12, database: 60 };

let stack: ProxiedStack;

silenceConsole();
beforeAll(async () => {
  stack = await startProxiedStack();
});
afterAll(() => stack?.close());

/** Cuts a proxy's connections at some of its next passages. */
function schedule(
  proxy: TcpProxy,
  passages: number,
  cuts: number,
  below: (limit: number) => number,
): void {
  const places = new Map<number, Verdict>();
  for (let cut = 0; cut < cuts; cut++) {
    const verdict = below(2) === 0 ? "cut" : "pass half and cut";
    places.set(below(passages), verdict);
  }
  let passage = 0;
  proxy.judge = ({ earlier }) => {
    // A connection that is cut while it is made costs the stack five seconds.
    if (proxy === stack.toDatabase && earlier < HANDSHAKE) return "pass";
    const verdict = places.get(passage++) ?? "pass";
    if (verdict !== "pass") cutsMade++;
    return verdict;
  };
}

let cutsMade = 0;

async function run(seed: number): Promise<string | null> {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  schedule(stack.toFunction, PASSAGES.http, below(4), below);
  schedule(stack.toRest, PASSAGES.http, below(4), below);
  schedule(stack.toDatabase, PASSAGES.database, below(2), below);

  const from = seed * 1_000;
  const outcomes: EventOutcome[] = [];
  const pool = makeEvents(from, BATCH * 2);
  const sent = new Set<(typeof pool)[number]>();
  await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
    for (let batch = 0; batch < BATCHES; batch++) {
      // Clients overlap by half, in the opposite order.
      const events = pool.slice(client * BATCH / 2).slice(0, BATCH);
      if (client % 2 === 1) events.reverse();
      if (batch === 1) events.splice(0, BATCH / 2, ...pool.slice(-BATCH / 2));
      events.forEach((event) => sent.add(event));
      const { results } = await sendUntilAnswered(
        () =>
          postBatch(
            `http://127.0.0.1:${stack.toFunction.port}/llm-usage`,
            stack.secretKey,
            events,
          ),
        HURRIED,
      );
      outcomes.push(...results);
    }
  }));
  const rows = await readRecorded(stack.sql, from, from + 1_000);
  everything.push(...[...sent].map(toSent));
  return findFault([...sent].map(toSent), rows) ??
    findFalseOutcome(outcomes, rows);
}

/** What all runs sent. */
const everything: { id: string; cost: string }[] = [];

test(
  `${RUNS} seeded runs over PostgreSQL, whose connections are cut at any place, record each event once`,
  async () => {
    const seeds = ONLY_SEED === undefined
      ? Array.from({ length: RUNS }, (_, n) => n + 1)
      : [Number(ONLY_SEED)];
    for (const seed of seeds) {
      const fault = await run(seed);
      if (fault) throw new Error(`FAULT_SEED=${seed}: ${fault}`);
    }
    expect(cutsMade).toBeGreaterThan(seeds.length);
    expect(await findFaultInLog(stack.sql, "llm_usage_log", everything))
      .toBeNull();
  },
  120_000,
);

describe("the check of these runs", () => {
  const from = 1_000_000;

  test("finds an event that is sent again without an id", async () => {
    const events = makeEvents(from, 1);
    const withoutId = events.map(({ id: _id, ...event }) => event);
    for (const proxy of [stack.toFunction, stack.toRest, stack.toDatabase]) {
      proxy.judge = () => "pass";
    }
    const url = `http://127.0.0.1:${stack.toFunction.port}/llm-usage`;
    for (let time = 0; time < 2; time++) {
      const response = await postBatch(url, stack.secretKey, withoutId);
      await response.body?.cancel();
    }
    const sent = events.map((event) => ({ ...toSent(event), id: null }));
    const rows = await readRecorded(stack.sql, from, from + 1_000);
    expect(findFault(sent, rows)).toBe(`event ${from} is recorded twice`);
    expect(await findFaultInLog(stack.sql, "llm_usage_log", everything))
      .toBe("2 rows were not sent");
    everything.push(...rows);
  });

  test("finds an event that is lost, a wrong sum, and a row without evidence", async () => {
    const check = (sent: { id: string; cost: string }[]) =>
      findFaultInLog(stack.sql, "llm_usage_log", sent);
    const [lost] = makeEvents(from + 1, 1).map(toSent);
    expect(await check([...everything, lost])).toBe("1 events are lost");
    const [first, ...rest] = everything;
    expect(await check([...rest, { ...first, cost: "0.000009" }]))
      .toMatch(/^the sum is/);
    await stack
      .sql`delete from ledger.pending_leaves where row_id = ${first.id}`;
    expect(await check(everything))
      .toBe("1 rows or leaves without their counterpart");
  });
});
