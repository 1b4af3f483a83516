import postgres from "postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { EVENTS, type Slug, SLUGS, TABLES } from "../support/running-stack.ts";
import { createRandom } from "../support/seeded-random.ts";
import { findFaultInLog } from "./exactly-once.ts";
import type { EventOutcome } from "./retrying-client.ts";
import { postBatch } from "./sent-events.ts";

const WRITERS = 32;
const BATCH = 500;
/** Of each log; every batch shares a fifth of its ids with the next. */
const BATCHES = 50;
const STRIDE = BATCH * 4 / 5;
const DISTINCT = BATCHES * STRIDE;

let stack: Stack;
let sql: postgres.Sql;

beforeAll(async () => {
  const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
  sql = postgres(databaseUrl, { max: 1 });
  stack = await startStack({ port: 0, databaseUrl });
  await stack.bootFunctions();
});
afterAll(async () => {
  await stack?.stop();
  await sql?.end();
});

/** An event of a log by its number, always with the same content. */
function makeEvent(slug: Slug, n: number) {
  const id = `${SLUGS.indexOf(slug)}0000000-0000-4000-8000-${
    String(n).padStart(12, "0")
  }`;
  const cost = slug === "llm-usage" || slug === "tool-usage"
    ? { cost_usd: `${n % 7}.${String(n * 7 % 1_000_000).padStart(6, "0")}` }
    : {};
  return { ...EVENTS[slug], ...cost, id };
}

/** All batches in any order; neighbours share ids, in the opposite order. */
function makeJobs() {
  const random = createRandom(1);
  return SLUGS.flatMap((slug) =>
    Array.from({ length: BATCHES }, (_, batch) => {
      const events = Array.from(
        { length: BATCH },
        (_, n) => makeEvent(slug, (batch * STRIDE + n) % DISTINCT),
      );
      if (batch % 2 === 1) events.reverse();
      return { slug, events, order: random() };
    })
  ).sort((one, other) => one.order - other.order);
}

test(
  `${WRITERS} writers of all four logs, whose batches overlap in opposite orders, record each of 100,000 events exactly once`,
  async () => {
    const jobs = makeJobs();
    const outcomes = new Map<Slug, EventOutcome[]>(SLUGS.map((s) => [s, []]));
    let sent = 0;
    await Promise.all(Array.from({ length: WRITERS }, async () => {
      for (let job = jobs.pop(); job; job = jobs.pop()) {
        const { slug, events } = job;
        const url = `${stack.url}/functions/v1/${slug}`;
        const response = await postBatch(url, stack.secretKey, events);
        const text = await response.text();
        // A deadlock would be a 503.
        expect([200, 201, 207], text.slice(0, 300)).toContain(response.status);
        outcomes.get(slug)!.push(...JSON.parse(text).results);
        sent += events.length;
      }
    }));
    expect(sent).toBe(100_000);

    for (const [slug, results] of outcomes) {
      const idsOf = (outcome: string) =>
        results.filter((result) => result.outcome === outcome)
          .map(({ id }) => id);
      expect(new Set(idsOf("recorded")).size).toBe(DISTINCT);
      expect(idsOf("recorded")).toHaveLength(DISTINCT);
      expect(idsOf("duplicate")).toHaveLength(BATCHES * BATCH - DISTINCT);
      const events = Array.from(
        { length: DISTINCT },
        (_, n): { id: string; cost_usd?: string } => makeEvent(slug, n),
      );
      const fault = await findFaultInLog(
        sql,
        TABLES[slug],
        events.map(({ id, cost_usd }) => ({ id, cost: cost_usd })),
      );
      expect([slug, fault]).toEqual([slug, null]);
    }
    const [{ deadlocks }] = await sql`select deadlocks::int
    from pg_stat_database where datname = current_database()`;
    expect(deadlocks).toBe(0);
  },
  120_000,
);

test.each(["llm-usage", "tool-usage"] as const)(
  "the summary of %s has their number and their exact sum",
  async (slug) => {
    const costs = Array.from(
      { length: DISTINCT },
      (_, n) => (makeEvent(slug, n) as { cost_usd: string }).cost_usd,
    );
    const [{ sum }] = await sql`
      select sum(cost::numeric)::text as sum
      from json_array_elements_text(${JSON.stringify(costs)}::text::json) cost`;
    const day = (days: number) =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const response = await fetch(
      `${stack.url}/functions/v1/${slug}/summary?from=${day(-1)}&to=${day(2)}`,
      { headers: { apikey: stack.secretKey } },
    );
    const { totals } = await response.json();
    expect(totals).toMatchObject({ count: DISTINCT, cost_usd: sum });
  },
);
