import { describe, expect, test } from "vitest";
import {
  applyMigrations,
  ENGINES,
  type TestDatabase,
} from "../../support/databases.ts";
import { LOGS } from "../../support/specification.ts";
import {
  FIRST_DATABASE,
  FIRST_LOGS,
  FIRST_OTHERS,
  SECOND_DATABASE,
  SECOND_LOGS,
  SECOND_OTHERS,
  TOOL_USAGE_ROWS,
} from "./existing-databases.ts";
import {
  keptOfLog,
  missingFrom,
  readFacts,
  readFunctions,
  readRows,
} from "./snapshots.ts";

const DATABASES = [
  {
    title: "the first database",
    script: FIRST_DATABASE + TOOL_USAGE_ROWS,
    logs: FIRST_LOGS,
    others: FIRST_OTHERS,
  },
  {
    title: "the second database",
    script: SECOND_DATABASE,
    logs: SECOND_LOGS,
    others: SECOND_OTHERS,
  },
  {
    title: "a project with all four logs",
    script: FIRST_DATABASE + TOOL_USAGE_ROWS + SECOND_DATABASE,
    logs: [...FIRST_LOGS, ...SECOND_LOGS],
    others: [...FIRST_OTHERS, ...SECOND_OTHERS],
  },
];

describe.each(ENGINES)("a takeover on $name", (engine) => {
  describe.each(DATABASES)("$title", ({ script, logs, others }) => {
    test("keeps rows, columns, policies, functions and grants, without a finding of the doctor", async () => {
      const db = await engine.empty();
      await db.exec(script);
      const before = await snapshot(db, logs, others);
      await applyMigrations(db);
      const after = await snapshot(db, logs, others);
      expect(after.others).toEqual(before.others);
      expect(after.rows).toEqual(before.rows);
      expect(after.functions).toEqual(
        before.functions.length > 0 ? before.functions : after.functions,
      );
      expect(missingFrom(after.logs, keptOfLog(before.logs))).toEqual([]);

      expect(await db.query("select * from ledger.doctor()")).toEqual([]);
      await expectOnlyGrants(db);
      await expectNoIndexTwice(db);
      for (const log of LOGS) {
        const [{ rows }] = await db.query<{ rows: number }>(
          `select count(*)::int as rows from public.${log}`,
        );
        expect(rows > 0).toBe((logs as readonly string[]).includes(log));
      }
      await db.close();
    });
  });
});

async function snapshot(
  { query }: TestDatabase,
  logs: readonly string[],
  others: string[],
) {
  return {
    rows: await readRows(query, [...logs, ...others]),
    others: await readFacts(query, others),
    logs: await readFacts(query, logs),
    functions: await readFunctions(query),
  };
}

/** Of the logs, the API's roles may do what append-only allows, and nothing else. */
async function expectOnlyGrants({ query }: TestDatabase) {
  const grants = await query<{ privilege_type: string }>(
    `select distinct privilege_type from information_schema.role_table_grants
      where table_schema = 'public' and table_name = any ($1)
        and grantee in ('anon', 'authenticated', 'service_role', 'PUBLIC') order by 1`,
    [LOGS],
  );
  expect(grants.map((grant) => grant.privilege_type))
    .toEqual(["INSERT", "SELECT"]);
}

async function expectNoIndexTwice({ query }: TestDatabase) {
  const twice = await query(
    `select indrelid::regclass, array_agg(indexrelid::regclass) from pg_index
      where indrelid = any ($1::regclass[])
      group by indrelid, indkey, indoption, indpred::text, indexprs::text, indclass having count(*) > 1`,
    [LOGS.map((log) => `public.${log}`)],
  );
  expect(twice).toEqual([]);
}
