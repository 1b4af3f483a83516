import { expect, test } from "vitest";
import { ENGINES } from "../support/databases.ts";
import { usePricedDatabase } from "../support/priced-database.ts";

const priced = usePricedDatabase(ENGINES[1]);

test(
  "a million calls of 0.0000000025 USD sum to exactly 0.0025 USD, though each row shows 0.000000",
  { timeout: 120_000 },
  async () => {
    await priced.enter({ match_value: "tiny", input_usd_per_mtok: "0.0025" });
    const one = await priced.recordOne({ model: "tiny", input_tokens: 1 });
    expect(one).toMatchObject({
      cost_usd: "0.000000",
      cost_usd_exact: "0.0000000025",
    });
    await copyRow("llm_usage_log");
    await copyRow("llm_usage_details");
    expect(await priced.summarise()).toMatchObject({
      count: 1_000_000,
      priced_count: 1_000_000,
      unpriced_count: 0,
      cost_usd: "0.000000",
      cost_usd_exact: "0.0025",
      is_floor: false,
    });
  },
);

/** Adds 999,999 copies of the only row, without checks of its foreign keys. */
async function copyRow(table: string): Promise<void> {
  const [{ columns }] = await priced.db.query<{ columns: string }>(
    `select string_agg(quote_ident(column_name), ', ') as columns from information_schema.columns
     where table_schema = 'public' and table_name = $1 and column_name <> 'id'`,
    [table],
  );
  await priced.db.exec(`
    set session_replication_role = replica;
    insert into public.${table} (id, ${columns})
      select ('70000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, ${columns}
      from public.${table}, generate_series(2, 1000000) i;
    reset session_replication_role;`);
}
