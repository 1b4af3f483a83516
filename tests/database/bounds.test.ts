import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ApiRole,
  ENGINES,
  type TestDatabase,
} from "../support/databases.ts";
import { insertParents, type ParentRows } from "../support/log-rows.ts";

/** An insert into a log with one value as given. */
type Insert = [table: string, columns: Record<string, string>];

describe.each(ENGINES)("the bounds of a row on $name", (engine) => {
  let db: TestDatabase;
  let parents: ParentRows;
  beforeAll(async () => {
    db = await engine.migrated();
    parents = await insertParents(db);
  }, 30_000);
  afterAll(() => db.close());

  const insert = (role: ApiRole, [table, columns]: Insert) =>
    db.as(role, null, (query) =>
      query(
        `insert into public.${table} (${Object.keys(columns)})
         select ${
          Object.keys(columns)
        } from jsonb_populate_record(null::public.${table}, $1::text::jsonb)`,
        [JSON.stringify(columns)],
      ));

  const call = (columns: Record<string, string>): Insert => [
    "llm_usage_log",
    {
      id: crypto.randomUUID(),
      firm_id: parents.firm1,
      model: "m",
      task_type: "extraction",
      input_tokens: "1",
      output_tokens: "1",
      cost_usd: "1",
      created_at: "2026-01-01T00:00:00Z",
      ...columns,
    },
  ];
  const report = (columns: Record<string, string | null>): Insert => [
    "model_usage_log",
    {
      id: crypto.randomUUID(),
      reported_model_name: "m",
      reported_model_id: "m",
      captured_at: "2026-01-01T00:00:00Z",
      ...columns,
    } as Record<string, string>,
  ];
  const toolUse = (columns: Record<string, string>): Insert => [
    "tool_usage_ledger",
    {
      id: crypto.randomUUID(),
      agent_id: parents.agent,
      tool_id: parents.tool,
      created_at: "2026-01-01T00:00:00Z",
      ...columns,
    },
  ];
  const action = (columns: Record<string, string>): Insert => [
    "audit_log",
    {
      id: crypto.randomUUID(),
      firm_id: parents.firm1,
      action: "a",
      entity_type: "t",
      created_at: "2026-01-01T00:00:00Z",
      ...columns,
    },
  ];
  const inDays = (days: number) =>
    new Date(Date.now() + days * 86_400_000).toISOString();

  test.each<[string, () => Insert]>([
    ["a call that costs NaN", () => call({ cost_usd: "NaN" })],
    ["a tool use that costs NaN", () => toolUse({ cost_usd: "NaN" })],
    ["a call at infinity", () => call({ created_at: "infinity" })],
    ["an action at -infinity", () => action({ created_at: "-infinity" })],
    ["a report without a time", () => report({ captured_at: null })],
    [
      "a report of the year 9999",
      () => report({ captured_at: "9999-01-01T00:00:00Z" }),
    ],
    [
      "a report before 1970",
      () => report({ captured_at: "1969-12-31T23:59:59Z" }),
    ],
    ["a report BC", () => report({ captured_at: "0044-03-15 00:00:00+00 BC" })],
    ["a tool use in two days", () => toolUse({ created_at: inDays(2) })],
  ])("refuse %s from a secret key, and name the bounds", async (_name, row) => {
    await expect(insert("service_role", row())).rejects.toThrow(
      /^a row of public\.\w+ is refused: amounts must be finite, times between 1970 and one day from now/,
    );
  });

  test.each<[string, () => Insert]>([
    [
      "the first second of 1970",
      () => report({ captured_at: "1970-01-01T00:00:00Z" }),
    ],
    ["a time within a day", () => report({ captured_at: inDays(0.9) })],
    ["the largest cost", () => call({ cost_usd: "9999.999999" })],
    ["a negative cost of a tool", () => toolUse({ cost_usd: "-1" })],
  ])("let through %s", async (_name, row) => {
    await insert("service_role", row());
  });

  test.each(["anon", "authenticated"] as const)(
    "refuse more than 64 KiB from %s, in one column or several",
    async (role) => {
      const size = (bytes: number) => ({
        reported_model_name: "é".repeat(bytes / 4),
        reported_model_id: "x".repeat(bytes / 2),
      });
      await insert(role, report(size(60_000)));
      await expect(insert(role, report(size(70_000)))).rejects.toThrow(
        "64 KiB",
      );
      const metadata = JSON.stringify({ note: "x".repeat(70_000) });
      await expect(
        db.as(role, null, (query) =>
          query(
            `insert into public.model_usage_log (reported_model_name, reported_model_id, metadata)
             values ('m', 'm', $1::text::jsonb)`,
            [metadata],
          )),
      ).rejects.toThrow("64 KiB");
      await insert("service_role", report(size(70_000)));
    },
  );

  test.each([
    ["a back-reference", String.raw`^(.*)(.*)\1zq$`],
    ["look-behind", "^x(?<=a)b"],
    ["a director", "***=x"],
    ["a count above 20", "^(a?){21}b$"],
    ["a count above 20 at the end of a range", "^a{1,99}b$"],
  ])("refuse a price pattern with %s", async (_name, pattern) => {
    await expect(
      db.query(
        `insert into public.model_prices (provider, match_kind, match_value, effective_from, source)
         values ('acme', 'regex', $1, '2026-01-01Z', 's')`,
        [pattern],
      ),
    ).rejects.toThrow("model_prices_match_value_check");
  });

  test.each(["NaN", "Infinity"])("refuse a rating of %s", async (cost) => {
    const [{ id }] = await db.query<{ id: string }>(
      `insert into public.llm_usage_log (firm_id, model, task_type, input_tokens, output_tokens, cost_usd)
       values ('${parents.firm1}', 'm', 'extraction', 1, 1, 1) returning id`,
    );
    await expect(db.query(
      `insert into public.llm_usage_ratings (usage_id, firm_id, cost_source, cost_usd_exact, cost_is_floor, reason)
       values ('${id}', '${parents.firm1}', 'unpriced', '${cost}', true, 'r')`,
    )).rejects.toThrow("llm_usage_ratings_cost_usd_exact_check");
  });
});

describe("a cost of NaN from before the installation", () => {
  test("leaves sums as they are without it", async () => {
    const db = await ENGINES[1].migrated();
    const parents = await insertParents(db);
    await db.exec(`
      alter table public.llm_usage_log disable trigger bound_values;
      insert into public.llm_usage_log (firm_id, model, task_type, input_tokens, output_tokens, cost_usd, created_at)
      values ('${parents.firm1}', 'm', 'extraction', 1, 1, 'NaN', '2026-01-01Z'),
        ('${parents.firm1}', 'm', 'extraction', 1, 1, 2.5, '2026-01-01Z')`);
    const summary = await db.as(
      "service_role",
      null,
      (query) =>
        query<{ answer: { groups: unknown[] } }>(
          `select public.summarise_log('llm_usage_log', 'created_at', '{}', '{}', '2026-01-01Z', '2026-01-02Z', '{}') as answer`,
        ),
    );
    expect(JSON.stringify(summary)).toContain('"cost_usd":"2.500000"');
    await db.close();
  });
});
