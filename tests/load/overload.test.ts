import postgres from "postgres";
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  inject,
  test,
  vi,
} from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { MAX_REQUESTS_IN_PROGRESS } from "../../shared/limits.ts";
import { EVENTS, newId } from "../support/running-stack.ts";
import {
  expectNoGrowth,
  readLines,
  type SpawnedStack,
  startSpawnedStack,
} from "../support/spawned-stack.ts";

const LLM = EVENTS["llm-usage"];
const BURST = 2_000;
const CLIENTS = 64;
const REFUSED = BURST - MAX_REQUESTS_IN_PROGRESS;

type Sent = {
  id: string;
  status: number;
  code: string;
  retryAfter: string | null;
};

describe("a burst while the database is slow", () => {
  let stack: SpawnedStack;
  let sql: postgres.Sql;
  beforeAll(async () => {
    const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
    sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    stack = await startSpawnedStack({ databaseUrl });
  });
  afterAll(async () => {
    await stack?.end();
    await sql?.end();
  });

  /** Sends a burst at a table that is locked until most of it is answered. */
  async function sendBurst() {
    const sent: Sent[] = [];
    const send = async () => {
      const id = newId();
      const { status, headers, body } = await stack.ledger.post(
        "llm-usage",
        { ...LLM, id },
      );
      const retryAfter = headers.get("retry-after");
      sent.push({ id, status, code: body.code, retryAfter });
    };
    const { all, early } = await sql.begin(async (sql) => {
      await sql`lock table public.llm_usage_log`;
      const all = Promise.all(Array.from({ length: BURST }, send));
      await vi.waitUntil(() => sent.length >= REFUSED, { timeout: 20_000 });
      // Wrapped, because the transaction would wait for it.
      return { all, early: [...sent] };
    });
    await all;
    return { sent, early };
  }

  test(
    "gets 201 or an early 503 with Retry-After, and no acknowledged event is lost",
    async () => {
      const { sent, early } = await sendBurst();
      for (const { status, code, retryAfter } of early) {
        expect([status, code]).toEqual([503, "overloaded"]);
        expect(Number(retryAfter)).toBeGreaterThan(0);
      }
      const rest = sent.filter((one) => !early.includes(one));
      for (const { status, retryAfter } of rest) {
        expect([201, 503]).toContain(status);
        if (status === 503) expect(Number(retryAfter)).toBeGreaterThan(0);
      }
      const acknowledged = sent.filter(({ status }) => status === 201);
      expect(acknowledged.length).toBeGreaterThan(0);
      const rows = await sql<{ id: string }[]>`select id from llm_usage_log`;
      const recorded = new Set(rows.map(({ id }) => id));
      for (const { id } of acknowledged) expect(recorded).toContain(id);
      for (const { id } of early) expect(recorded).not.toContain(id);
    },
    60_000,
  );

  test("is followed by sixty-four concurrent events that are all recorded", async () => {
    const answers = await Promise.all(
      Array.from(
        { length: CLIENTS },
        () => stack.ledger.post("llm-usage", LLM),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set([201]),
    );
  });

  test(
    "leaves no memory behind after another 2,000 refusals",
    async () => {
      await expectNoGrowth(stack, async () => {
        const { early } = await sendBurst();
        expect(early.length).toBeGreaterThanOrEqual(REFUSED);
      });
    },
    60_000,
  );

  test(
    "of direct requests gets PGRST003 from the REST API",
    async () => {
      const { url, secretKey } = stack.ledger.stack;
      const answers: unknown[] = [];
      const read = async () => {
        const response = await fetch(`${url}/rest/v1/llm_usage_log?limit=1`, {
          headers: { apikey: secretKey },
        });
        const code = response.ok ? "read" : (await response.json()).code;
        if (response.ok) await response.body?.cancel();
        answers.push([response.status, code]);
      };
      const { all, early } = await sql.begin(async (sql) => {
        await sql`lock table public.llm_usage_log`;
        const all = Promise.all(Array.from({ length: 600 }, read));
        await vi.waitUntil(() => answers.length > 0, { timeout: 8_000 });
        return { all, early: [...answers] };
      });
      await all;
      for (const answer of early) expect(answer).toEqual([504, "PGRST003"]);
      expect(answers).toContainEqual([200, "read"]);
    },
    30_000,
  );

  test("has one line of the access log per request", async () => {
    const lines = readLines(await stack.end());
    expect(lines).toHaveLength(2 * BURST + CLIENTS);
    const refused = lines.filter(({ code }) => code === "overloaded");
    expect(refused.length).toBeGreaterThanOrEqual(2 * REFUSED);
    expect(new Set(lines.map((line) => line.request_id)).size)
      .toBe(lines.length);
  });
});
