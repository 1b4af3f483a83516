import { describe, expect, test } from "vitest";
import { describeSchema } from "../../scripts/schema.ts";
import { ENGINES, readMigrations, useDatabase } from "../support/databases.ts";

const read = (path: string) =>
  Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

describe.each(ENGINES)("supabase/schema.sql on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  /** The lines that `change` adds to the description, and those that it removes. */
  async function compare(change: string) {
    const before = (await describeSchema(db)).split("\n");
    await db.exec(`begin; ${change}`);
    try {
      const after = (await describeSchema(db)).split("\n");
      return {
        added: after.filter((line) => !before.includes(line)),
        removed: before.filter((line) => !after.includes(line)),
      };
    } finally {
      await db.exec("rollback");
    }
  }

  test("is the schema after all migrations", async () => {
    expect(await describeSchema(db)).toBe(await read("supabase/schema.sql"));
  });

  test("does not depend on the session's search path", async () => {
    const text = await describeSchema(db);
    await db.exec("begin; set local search_path = ledger, public");
    try {
      expect(await describeSchema(db)).toBe(text);
    } finally {
      await db.exec("rollback");
    }
  });

  test("does not depend on the order in which objects were created", async () => {
    const first =
      "create function ledger.a() returns int language sql as $$ select 1 $$; grant execute on function ledger.a() to anon;";
    const second =
      "create table ledger.b (id int primary key); grant select on ledger.b to service_role; grant select on ledger.b to anon;";
    expect(await compare(first + second)).toEqual(
      await compare(second + first),
    );
  });

  test.each([
    [
      "a column",
      "alter table public.audit_log add note text default 'x'",
      "  note text DEFAULT 'x'::text,",
    ],
    [
      "an index",
      "create index later on public.audit_log (user_id)",
      "CREATE INDEX later ON public.audit_log USING btree (user_id);",
    ],
    [
      "a policy",
      "create policy p on public.firms for insert to anon with check (true)",
      "CREATE POLICY p ON public.firms FOR INSERT TO anon",
    ],
    [
      "a table privilege",
      "grant update on public.firms to anon",
      "GRANT UPDATE ON public.firms TO anon;",
    ],
    [
      "a column privilege",
      "grant update (name) on public.firms to anon",
      "GRANT UPDATE ON public.firms (name) TO anon;",
    ],
    [
      "a function privilege",
      "grant execute on function ledger.seal to anon",
      "GRANT EXECUTE ON FUNCTION ledger.seal(integer) TO anon;",
    ],
    [
      "a default privilege",
      "alter default privileges in schema public grant select on tables to anon",
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon;",
    ],
    [
      "a function's setting",
      "alter function ledger.seal set work_mem = '7MB'",
      " SET work_mem TO '7MB'",
    ],
    [
      "a comment",
      "comment on column public.firms.name is 'what it''s called'",
      "COMMENT ON COLUMN public.firms.name IS 'what it''s called';",
    ],
    [
      "a trigger's state",
      "alter table public.audit_log disable trigger capture_insert",
      "ALTER TABLE public.audit_log DISABLE TRIGGER capture_insert;",
    ],
    [
      "a constraint",
      "alter table public.firms add constraint c check (name <> '')",
      "  CONSTRAINT c CHECK ((name <> ''::text))",
    ],
  ])("changes with %s", async (_, change, line) => {
    expect((await compare(change)).added).toContain(line);
  });

  test("changes when a privilege of the owner is revoked", async () => {
    const { added } = await compare(
      "revoke update on public.firms from current_user",
    );
    expect(added).toEqual(["REVOKE UPDATE ON public.firms FROM CURRENT_USER;"]);
  });

  test.each([
    ["a view", "create view ledger.v as select 1", "view ledger.v"],
    ["a sequence of its own", "create sequence public.s", "sequence public.s"],
    [
      "an aggregate",
      "create aggregate ledger.a (int) (sfunc = int4pl, stype = int)",
      "function ledger.a(integer)",
    ],
    [
      "a range type",
      "create type ledger.r as range (subtype = int)",
      "type ledger.r",
    ],
    [
      "a rule",
      "create rule r as on insert to public.firms do also nothing",
      "rule r on table public.firms",
    ],
  ])(
    "cannot be described with %s",
    async (_, change, name) => {
      await expect(compare(change)).rejects.toThrow(
        /^cannot describe .*: add objects of its kind to scripts\/schema\.sql/,
      );
      await expect(compare(change)).rejects.toThrow(name);
    },
  );
});

describe("the migrations", async () => {
  const migrations = await readMigrations();

  test.each(migrations)("$name has lines of at most 120 columns", ({ sql }) => {
    expect(sql.split("\n").filter((line) => line.length > 120)).toEqual([]);
  });

  test("define each object of the baseline once, and drop the drafts only", () => {
    const baseline = migrations.filter(({ name }) => name < "20261202");
    const script = baseline.map(({ sql }) => sql).join("");
    const defined = [...script.matchAll(
      /^ *create (?:or replace )?(?:function|table|type|domain|index|policy) ("[^"]+"|[\w.]+)/gm,
    )].map(([, name]) => name);
    expect(defined.length).toBeGreaterThan(120);
    expect(defined.filter((name, at) => defined.indexOf(name) !== at)).toEqual(
      [],
    );
    // The drafts that the documented tables are compared with.
    expect(script.match(/^ *drop .*$/gm)).toEqual([
      "  drop schema ledger_draft cascade;",
    ]);
  });
});
