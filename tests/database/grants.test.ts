import { beforeAll, describe, expect, test } from "vitest";
import {
  applyMigrations,
  ENGINES,
  type TestDatabase,
  useDatabase,
} from "../support/databases.ts";
import { APPEND_ONLY, GRANTS } from "../support/side-tables.ts";

const API_ROLES = ["anon", "authenticated", "service_role"];
const PRIVILEGES = [
  "SELECT",
  "INSERT",
  "UPDATE",
  "DELETE",
  "TRUNCATE",
  "REFERENCES",
  "TRIGGER",
  "MAINTAIN",
];

/** What a project created before the autumn of 2026 grants on everything that is created later. */
const OLD_DEFAULTS = `
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
`;

const PROJECTS = [
  { project: "a project of late 2026", defaults: "" },
  {
    project: "an older project, which grants everything by default",
    defaults: OLD_DEFAULTS,
  },
];

describe.each(ENGINES)("privileges on $name", (engine) => {
  describe.each(PROJECTS)("in $project", ({ defaults }) => {
    const db = useDatabase(defaults ? engine.empty : engine.migrated);
    beforeAll(async () => {
      if (!defaults) return;
      await db.exec(defaults);
      await applyMigrations(db);
    });

    test.each(APPEND_ONLY)(
      "%s grants each role the documented privileges",
      async (table) => {
        const rows = await db.query<{ role: string; privilege: string }>(
          `select role, privilege
          from unnest($2::text[]) role, unnest($3::text[]) privilege
          where has_table_privilege(role, $1, privilege)`,
          [`public.${table}`, [...API_ROLES, "public"], PRIVILEGES],
        );
        expect(groupByRole(rows)).toEqual(sorted(GRANTS[table]));
      },
    );

    test.each(APPEND_ONLY)(
      "%s grants nothing to other roles, and no grant option",
      async (table) => {
        const rows = await db.query<{ role: string; grantable: boolean }>(
          `select distinct a.grantee::regrole::text as role, a.is_grantable as grantable
          from pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
          where c.oid = $1::regclass and a.grantee <> c.relowner`,
          [`public.${table}`],
        );
        expect(rows.filter((row) => row.grantable)).toEqual([]);
        expect(rows.map((row) => row.role).sort()).toEqual(
          Object.keys(GRANTS[table]).sort(),
        );
      },
    );

    test("no column has column privileges", async () => {
      const rows = await db.query(
        `select attrelid::regclass::text, attname from pg_attribute
          where attrelid = any ($1::regclass[]) and attacl is not null`,
        [APPEND_ONLY.map((table) => `public.${table}`)],
      );
      expect(rows).toEqual([]);
    });

    test("no API role may create in schema ledger", async () => {
      const rows = await db.query(
        `select role from unnest($1::text[]) role
          where has_schema_privilege(role, 'ledger', 'create')`,
        [API_ROLES],
      );
      expect(rows).toEqual([]);
    });

    test("API roles may read documented tables of schema ledger only, and write none", async () => {
      const rows = await db.query<{ name: string; open: string[] }>(
        `select c.relname as name, array(
            select role || ' ' || privilege
            from unnest($1::text[]) role, unnest($2::text[]) privilege
            where has_table_privilege(role, c.oid, privilege) order by 1) as open
          from pg_class c
          where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r'
          order by 1`,
        [[...API_ROLES, "public"], PRIVILEGES],
      );
      const open = ["authenticated SELECT", "service_role SELECT"];
      expect(rows).toEqual([
        { name: "accepted_functions", open: [] },
        { name: "accepted_state", open: [] },
        { name: "backlog", open: [] },
        { name: "budget_months", open },
        { name: "checkpoints", open: [] },
        { name: "leaves", open: [] },
        { name: "logs", open },
        { name: "nodes", open: [] },
        { name: "pending_leaves", open: [] },
        { name: "producer_days", open: [] },
        { name: "producer_keys", open: [] },
        { name: "reservations", open },
        { name: "salts", open: [] },
        { name: "signers", open: [] },
        { name: "witnessed", open: [] },
      ]);
    });

    test("PUBLIC may execute no function", async () => {
      expect(await functionsOpenTo(db, "public")).toEqual([]);
    });

    test("anon may execute no function", async () => {
      expect(await functionsOpenTo(db, "anon")).toEqual([]);
    });
  });

  test("an older project's new tables are open without the migrations", async () => {
    const db = await engine.empty();
    await db.exec(
      OLD_DEFAULTS + "create table public.open_by_default (id int)",
    );
    const [row] = await db.query(
      "select has_table_privilege('anon', 'public.open_by_default', 'DELETE') as open",
    );
    expect(row).toEqual({ open: true });
    await db.close();
  });
});

/** Functions in public and ledger that the role may execute, fn_is_chairman aside. */
async function functionsOpenTo(db: TestDatabase, role: string) {
  return await db.query(
    `select oid::regprocedure::text as function from pg_proc
      where pronamespace in ('public'::regnamespace, 'ledger'::regnamespace)
        and oid <> 'public.fn_is_chairman()'::regprocedure
        and has_function_privilege($1::text, oid, 'execute')`,
    [role],
  );
}

function groupByRole(rows: { role: string; privilege: string }[]) {
  const groups: Record<string, string[]> = {};
  for (const { role, privilege } of rows) (groups[role] ??= []).push(privilege);
  return sorted(groups);
}

function sorted(groups: Record<string, string[]>) {
  return Object.fromEntries(
    Object.entries(groups).map(([role, names]) => [role, [...names].sort()]),
  );
}
