import { beforeAll, describe, expect, test } from "vitest";
import {
  applyMigrations,
  ENGINES,
  type Query,
  queryAs,
  readMigrations,
  SERVER_ONLY,
  type TestDatabase,
  useDatabase,
} from "../../support/databases.ts";
import { LOGS } from "../../support/specification.ts";
import { readMembers, sealAll } from "../../support/evidence-leaves.ts";
import { ACCEPTED } from "./accepted-tables.ts";
import {
  AGENTS,
  CHAIRMAN,
  FIRMS,
  FIRST_DATABASE,
  PROJECTS,
  SECOND_DATABASE,
  TOOL_ID,
  TOOL_USAGE_ROWS,
  USERS,
} from "./existing-databases.ts";
import { keptOfLog, missingFrom, readFacts, readRows } from "./snapshots.ts";

const BOTH = FIRST_DATABASE + SECOND_DATABASE + TOOL_USAGE_ROWS;

/** An event of each log, as the functions hand it to the database. */
const EVENTS: Record<string, Record<string, unknown>> = {
  llm_usage_log: {
    firm_id: FIRMS[0],
    cma_project_id: PROJECTS[0],
    model: "gemini-2.0-flash",
    task_type: "fallback",
    input_tokens: 3,
    output_tokens: 2,
    cost_usd: "0.000124",
  },
  audit_log: {
    firm_id: FIRMS[0],
    user_id: USERS[0],
    action: "a",
    entity_type: "e",
    metadata: { files: 2 },
  },
  tool_usage_ledger: { agent_id: AGENTS[0], tool_id: TOOL_ID },
  model_usage_log: {
    reported_model_name: "Opus",
    reported_model_id: "opus",
    metadata: { a: 1 },
  },
};

describe.each(SERVER_ONLY)("accepted tables on $name", (engine) => {
  const db = useDatabase(engine.empty);
  beforeAll(() => db.exec(BOTH));

  test.each(ACCEPTED)("$title", async ({ change }) => {
    const [{ sql }] = await readMigrations();
    await db.exec(`begin; ${change}`);
    try {
      const rows = await readRows(db.query, LOGS);
      const facts = await readFacts(db.query, LOGS);
      await db.exec(sql);
      expect(await readRows(db.query, LOGS)).toEqual(rows);
      const after = await readFacts(db.query, LOGS);
      expect(missingFrom(after, keptOfLog(facts))).toEqual([]);
    } finally {
      await db.exec("rollback");
    }
  });
});

describe.each(ENGINES)(
  "a project with all accepted differences on $name",
  (engine) => {
    const db = useDatabase(engine.empty);
    beforeAll(async () => {
      await db.exec(BOTH + ACCEPTED.map(({ change }) => change).join(""));
      await applyMigrations(db);
    });

    test("has no finding of the doctor", async () => {
      expect(await db.query("select * from ledger.doctor()")).toEqual([]);
    });

    test.each(LOGS)(
      "records into %s, finds duplicates and conflicts, and returns documented columns only",
      async (log) => {
        const id = crypto.randomUUID();
        const event = { id, ...EVENTS[log] };
        const record = (event: unknown) =>
          db.as("service_role", null, async (query) => {
            const [{ result }] = await query<{ result: unknown }>(
              `select public.record_${log}($1::text::jsonb, representation => true) as result`,
              [JSON.stringify([event])],
            );
            return (result as Record<string, unknown>[])[0];
          });
        const first = await record(event);
        expect(first).toMatchObject({ id, outcome: "recorded" });
        expect(await record(event)).toMatchObject({ id, outcome: "duplicate" });
        const [changed] = Object.keys(EVENTS[log]).slice(-1);
        const value = { files: 3 };
        const other = changed === "metadata"
          ? value
          : changed === "cost_usd"
          ? "1"
          : crypto.randomUUID();
        expect(await record({ ...event, [changed]: other }))
          .toMatchObject({ outcome: "conflict", fields: [changed] });

        const shown = await list(db, log, { id: [id] });
        expect(shown).toEqual([first.row]);
        const [{ columns }] = await db.query<{ columns: string[] }>(
          `select array_agg(c.name::text order by c.position) as columns
          from ledger.columns_of($1::regclass) c`,
          [`public.${log}`],
        );
        expect(Object.keys(shown[0]).sort()).toEqual(columns.sort());
        expect(columns).not.toContain("note");
        await expect(list(db, log, { tags: ["{}"] })).rejects.toThrow(
          /has no column tags/,
        );
        // The project's own trigger ran.
        expect(
          await db.query("select log from notices where id = $1", [id]),
        ).toEqual([{ log }]);
      },
    );

    test("leaves further columns to their defaults", async () => {
      const rows = await db.query(
        `select provider, service_tier, tags::text, team_id from public.llm_usage_log
        where task_type = 'fallback' and input_tokens = 3`,
      );
      expect(rows).toEqual([
        { provider: null, service_tier: "own", tags: "{}", team_id: null },
      ]);
      const [{ used }] = await db.query<{ used: number }>(
        "select count(*)::int as used from public.tool_usage_ledger where ticket is not null and number is not null",
      );
      expect(used).toBe(21);
    });

    test("returns the provider of the details, not the column of that name", async () => {
      const rows = await list(db, "llm_usage_log", {}, 200);
      expect(rows.map(({ provider }) => provider)).not.toContain("own");
      expect(
        await list(db, "llm_usage_log", { provider: ["own"] }),
      ).toEqual([]);
      expect(await list(db, "llm_usage_log", { service_tier: ["own"] }))
        .toEqual([]);
    });

    test("lets the project's fn_is_chairman decide who reads tool_usage_ledger", async () => {
      const read = (sub: string) =>
        db.as(
          "authenticated",
          { sub },
          (query) => listOver(query, "tool_usage_ledger", {}, 100),
        );
      expect((await read(CHAIRMAN)).length).toBeGreaterThan(20);
      expect(await read(USERS[0])).toEqual([]);
      const [{ summary }] = await queryAs<
        { summary: { totals: { count: number } } }
      >(
        db,
        "authenticated",
        { sub: CHAIRMAN },
        "select public.summarise_log('tool_usage_ledger', 'created_at') as summary",
      );
      expect(summary.totals.count).toBeGreaterThan(20);
    });

    test("lets a project's foreign key null its column only", async () => {
      const [{ id }] = await db.query<{ id: string }>(
        "select id from public.audit_log where team_id is not null order by id limit 1",
      );
      const before = await readMembers(db.query, "audit_log", id);
      await db.query("delete from public.teams");
      expect(
        await db.query("select team_id from public.audit_log where id = $1", [
          id,
        ]),
      ).toEqual([{ team_id: null }]);
      expect(await readMembers(db.query, "audit_log", id)).toEqual(before);
      const leaves = await db.query(
        "select kind from ledger.pending_leaves where row_id = $1",
        [id],
      );
      expect(leaves).toEqual([{ kind: "backfill" }]);
    });

    test("has leaves of the documented columns only", async () => {
      await sealAll(db);
      for (const log of LOGS) {
        const [{ columns }] = await db.query<{ columns: string[] }>(
          "select array_agg(name::text order by position) as columns from ledger.log_columns($1)",
          [log],
        );
        const texts = await db.query<{ texts: string[] }>(
          `select t.texts from ledger.row_texts($1, array(select id from public.${log})) t`,
          [log],
        );
        for (const row of texts) {
          expect(row.texts).toHaveLength(columns.length - 1);
        }
      }
    });
  },
);

type Row = Record<string, unknown>;

/** The rows that the service role sees. */
function list(
  db: TestDatabase,
  log: string,
  filters: Record<string, string[]>,
  maxRows = 100,
): Promise<Row[]> {
  return db.as(
    "service_role",
    null,
    (query) => listOver(query, log, filters, maxRows),
  );
}

async function listOver(
  query: Query,
  log: string,
  filters: Record<string, string[]>,
  maxRows: number,
): Promise<Row[]> {
  const [{ page }] = await query<{ page: { rows: Row[] } }>(
    "select public.list_log($1, $2, filters => $3::text::jsonb, max_rows => $4) as page",
    [
      log,
      log === "model_usage_log" ? "captured_at" : "created_at",
      JSON.stringify(filters),
      maxRows,
    ],
  );
  return page.rows;
}
