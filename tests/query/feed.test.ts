import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import { EVENTS, FIRM, newId, RunningStack } from "../support/running-stack.ts";

const LLM = EVENTS["llm-usage"];

describe("reading a log with order=asc during concurrent writes", () => {
  const ledger = new RunningStack();
  let sql: postgres.Sql;

  beforeAll(async () => {
    const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
    ledger.stack = await startStack({ port: 0, databaseUrl });
    sql = postgres(databaseUrl, { max: 4, onnotice: () => {} });
  });
  afterAll(async () => {
    await sql?.end();
    await ledger.stack?.stop();
  });

  /** A reader that continues from its last cursor. */
  function follow(limit = 100) {
    let cursor = "";
    return async () => {
      const ids: string[] = [];
      while (true) {
        const query = `?order=asc&limit=${limit}${
          cursor && `&cursor=${cursor}`
        }`;
        const { status, body } = await ledger.post(
          `llm-usage${query}`,
          undefined,
          { method: "GET" },
        );
        expect(status).toBe(200);
        ids.push(...body.rows.map((row: { id: string }) => row.id));
        cursor = body.next_cursor;
        if (!body.has_more) return ids;
      }
    };
  }

  /**
   * Ids of the next `count` rows. A transaction that is open in any
   * database of the server, such as another test's, delays rows.
   */
  async function collect(
    next: () => Promise<string[]>,
    count: number,
  ): Promise<string[]> {
    const ids = await next();
    for (let waits = 0; ids.length < count && waits < 200; waits++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      ids.push(...await next());
    }
    return ids;
  }

  const insert = (sql: postgres.Sql, id: string) =>
    sql`insert into public.llm_usage_log (id, firm_id, model, task_type, input_tokens, output_tokens, cost_usd)
      values (${id}, ${FIRM}, 'm', 'extraction', 1, 1, 0)`;

  test("a row whose transaction began first and commits last is not skipped", async () => {
    const next = follow();
    await next();
    const [slow, inSavepoint, quick] = [newId(), newId(), newId()];
    await sql.begin(async (open) => {
      await insert(open as unknown as postgres.Sql, slow);
      await open.savepoint((inner) =>
        insert(inner as unknown as postgres.Sql, inSavepoint)
      );
      await insert(sql, quick);
      // Rows after an open transaction wait for it.
      expect(await next()).toEqual([]);
    });
    const after = await collect(next, 3);
    expect(after.sort()).toEqual([slow, inSavepoint, quick].sort());
    expect(await next()).toEqual([]);
  });

  test("every row of many writers is delivered exactly once", async () => {
    const next = follow(7);
    await next();
    const sent: string[] = [];
    const delivered: string[] = [];
    let writing = true;
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let round = 0; round < 15; round++) {
        const events = Array.from(
          { length: 1 + (round + writer) % 9 },
          () => ({ ...LLM, id: newId() }),
        );
        sent.push(...events.map((event) => event.id));
        expect((await ledger.post("llm-usage", events)).status).toBe(201);
      }
    });
    const reader = (async () => {
      while (writing) delivered.push(...await next());
    })();
    await Promise.all(writers);
    writing = false;
    await reader;
    delivered.push(...await collect(next, sent.length - delivered.length));
    expect([...delivered].sort()).toEqual([...sent].sort());
  });

  test("pages in descending order neither repeat nor lose a row during concurrent writes", async () => {
    const model = newId();
    const before = Array.from(
      { length: 60 },
      () => ({ ...LLM, model, id: newId() }),
    );
    await ledger.post("llm-usage", before);
    const seen: string[] = [];
    let cursor = "";
    do {
      const { body } = await ledger.post(
        `llm-usage?model=${model}&limit=7${cursor && `&cursor=${cursor}`}`,
        undefined,
        { method: "GET" },
      );
      seen.push(...body.rows.map((row: { id: string }) => row.id));
      await ledger.post("llm-usage", Array(5).fill({ ...LLM, model }));
      cursor = body.next_cursor;
    } while (cursor);
    expect([...seen].sort()).toEqual(before.map((event) => event.id).sort());
  });
});
