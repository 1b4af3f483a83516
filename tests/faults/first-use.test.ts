import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMigratedDatabase } from "../support/databases.ts";
import { EVENTS, FIRM, SLUGS, TABLES } from "../support/running-stack.ts";

const SEED = new URL("../../supabase/seed.sql", import.meta.url);
const TRICKLE = 10;
const BATCHES = 4;
const BATCH = 500;

let sql: postgres.Sql;

beforeAll(async () => {
  sql = postgres(await createMigratedDatabase(), {
    max: 1,
    onnotice: () => {},
  });
  await sql.unsafe(await Deno.readTextFile(SEED)).simple();
  await sql`select public.set_llm_budget(${FIRM}, null, 1000, '{80}', 'UTC')`;
  // The log is known to be empty, as after a restore.
  await sql.unsafe("vacuum analyze");
});
afterAll(() => sql?.end());

test.each(SLUGS)(
  "a session whose first use found %s empty does not scan it for each later batch",
  async (slug) => {
    const record = async (count: number) => {
      const events = Array.from({ length: count }, () => ({
        ...EVENTS[slug],
        id: crypto.randomUUID(),
      }));
      // Twice: as new events, and as duplicates.
      for (let time = 0; time < 2; time++) {
        await sql.unsafe(
          `select public.record_${TABLES[slug]}($1::text::jsonb)`,
          [JSON.stringify(events)],
        );
      }
    };
    for (let n = 0; n < TRICKLE; n++) await record(1);
    const before = await readRowsScanned();
    for (let n = 0; n < BATCHES; n++) await record(BATCH);
    const scanned = await readRowsScanned() - before;
    // One scan of all rows would be more than the small tables together.
    expect(scanned).toBeLessThan(BATCHES * BATCH / 2);
  },
);

/** Rows that scans without an index have read of the logs and what belongs to them. */
async function readRowsScanned(): Promise<number> {
  await sql`select pg_stat_force_next_flush()`;
  const [{ rows }] = await sql`
    select sum(seq_tup_read)::int as rows from pg_stat_user_tables
    where relname ~ '^(llm_usage|tool_usage|model_usage|audit)|^(salts|pending_leaves)$'`;
  return rows;
}
