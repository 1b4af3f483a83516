import { beforeAll, describe, expect, test } from "vitest";
import {
  ENGINES,
  type Query,
  queryAs,
  useDatabase,
} from "../support/databases.ts";

const AGENT = "40000000-0000-4000-8000-000000000001";
const TOOL = "50000000-0000-4000-8000-000000000001";
const CHAIRMAN = { sub: AGENT, app_metadata: { role: "chairman" } };
const MEMBER = { sub: AGENT };

/** Policies that the ledger may get besides the chairman's, and how many of the ten rows a member then sees. */
const POLICIES: [string, string, number][] = [
  ["none more", "", 0],
  ["one that looks at a column", "using (tokens_consumed > 5)", 5],
  [
    "one that looks at the whole row",
    "using (tool_usage_ledger is not null and tokens_consumed < 3)",
    0,
  ],
  ["one that looks at a system column", "using (tableoid is not null)", 10],
  [
    "one with a subquery on the row",
    "using (exists (select from public.agent_registry a where a.id = agent_id))",
    0,
  ],
  ["one that looks at nothing and admits", "using (true)", 10],
  ["one that looks at nothing and refuses", "using (false)", 0],
];

describe.each(ENGINES)("list_log() on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  beforeAll(async () => {
    await db.exec(`
      insert into public.agent_registry (id, name) values ('${AGENT}', 'a');
      insert into public.tool_registry (id, name) values ('${TOOL}', 't');
      insert into public.tool_usage_ledger (agent_id, tool_id, tokens_consumed)
        select '${AGENT}', '${TOOL}', i from generate_series(1, 10) i;`);
  });

  const list = async (query: Query) => {
    const [{ page }] = await query<{ page: { rows: { id: string }[] } }>(
      "select public.list_log('tool_usage_ledger', 'created_at') as page",
    );
    return page.rows.map((row) => row.id).sort();
  };
  const select = async (query: Query) => {
    const rows = await query<{ id: string }>(
      "select id from public.tool_usage_ledger",
    );
    return rows.map((row) => row.id).sort();
  };

  test.each(POLICIES)(
    "returns the rows of row security, with %s",
    async (_name, condition, count) => {
      if (condition) {
        await db.exec(
          `create policy extra on public.tool_usage_ledger for select to authenticated ${condition}`,
        );
      }
      try {
        const member = await db.as(
          "authenticated",
          MEMBER,
          async (query) => [await list(query), await select(query)],
        );
        expect(member[0]).toEqual(member[1]);
        expect(member[0]).toHaveLength(count);
        const chairman = await db.as("authenticated", CHAIRMAN, list);
        expect(chairman).toHaveLength(10);
      } finally {
        await db.exec(
          "drop policy if exists extra on public.tool_usage_ledger",
        );
      }
    },
  );

  test("a restrictive policy admits no rows", async () => {
    await db.exec(
      "create policy extra on public.tool_usage_ledger as restrictive for select to authenticated using (false)",
    );
    try {
      expect(await db.as("authenticated", CHAIRMAN, list)).toEqual([]);
    } finally {
      await db.exec("drop policy extra on public.tool_usage_ledger");
    }
  });

  test("reads no row without an admitting policy, and every row for a service", async () => {
    const plan = await db.as("authenticated", MEMBER, async (query) => {
      const [{ gate }] = await query<{ gate: string }>(
        "select ledger.build_gate('public.tool_usage_ledger') as gate",
      );
      const rows = await query<Record<string, string>>(
        `explain (analyze, timing off, costs off, summary off) select from public.tool_usage_ledger where ${gate}`,
      );
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    });
    expect(plan).toMatch(/One-Time Filter[^]*never executed/);
    expect(await db.as("service_role", null, list)).toHaveLength(10);
  });

  test("a filter on an unknown column is refused", async () => {
    const attempt = queryAs(
      db,
      "service_role",
      null,
      "select public.list_log('tool_usage_ledger', 'created_at', filters => ($1::text)::jsonb)",
      [JSON.stringify({ "1=1) or (1": ["x"] })],
    );
    await expect(attempt).rejects.toThrow("has no column");
  });

  test("filter values are never SQL", async () => {
    const attempt = queryAs(
      db,
      "service_role",
      null,
      "select public.list_log('tool_usage_ledger', 'created_at', filters => ($1::text)::jsonb)",
      [JSON.stringify({ agent_id: ["' or true --"] })],
    );
    await expect(attempt).rejects.toThrow("uuid");
  });
});
