import { describe, expect, test } from "vitest";
import {
  applyMigrations,
  createEmptyDatabase,
  ENGINES,
  overPostgres,
  queryAs,
  type TestDatabase,
  useDatabase,
} from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";
import {
  addAudit,
  addLlmUsage,
  addToolUsage,
  insertParents,
} from "../support/log-rows.ts";

const PARENTS = [
  "firms",
  "users",
  "cma_projects",
  "agent_registry",
  "tool_registry",
  "ventures",
];

/**
 * A project that has all parents in its own way: more columns, other defaults and
 * actions, rows, policies, grants, triggers, and a fn_is_chairman of its own.
 */
const OWN_PARENTS = `
  create table public.firms (
    id uuid primary key default '00000000-0000-4000-8000-000000000000',
    name text, plan text not null default 'trial' check (plan in ('trial', 'paid')),
    tags text[] not null default '{}');
  create table public.users (
    id uuid constraint people_pk primary key,
    firm_id uuid references public.firms (id) on delete restrict,
    email text not null default 'nobody@example.org', "Nick Name" varchar(40));
  create table public.cma_projects (
    id uuid primary key, firm_id uuid, title text, owner uuid references public.users (id) on delete set null);
  create table public.agent_registry (id uuid primary key, name text, secret text);
  create table public.tool_registry (id uuid primary key, label text);
  create table public.ventures (id uuid primary key, budget numeric(20, 2) default 7);

  create unique index own_email on public.users (lower(email));
  create index own_title on public.cma_projects (title desc) where title <> '';
  alter table public.firms enable row level security;
  alter table public.ventures enable row level security;
  alter table public.ventures force row level security;
  create policy own_policy on public.firms as restrictive for update to authenticated
    using (plan = 'paid') with check (true);
  create policy "everyone reads" on public.users using (true);
  grant select, delete on public.firms to anon;
  grant select (email) on public.users to anon;
  grant all on public.cma_projects to authenticated with grant option;
  revoke all on public.agent_registry from public;
  comment on table public.users is 'ours';
  comment on column public.users.email is 'also ours';

  create function public.own_trigger() returns trigger language plpgsql as
    'begin return new; end';
  create trigger own_trigger before update on public.users
    for each row execute function public.own_trigger();
  create function public.fn_is_chairman() returns boolean language sql immutable
    as 'select 7 > 6 /* ours */';
  comment on function public.fn_is_chairman() is 'ours';

  insert into public.firms (name) values ('First');
  insert into public.users (id, firm_id) select id, id from public.firms;
  insert into public.cma_projects select id, firm_id, 'Title', id from public.users;
  insert into public.agent_registry select id, 'same', 's' from public.users;
  insert into public.agent_registry values (gen_random_uuid(), 'same', 't');
  insert into public.tool_registry select id, 'label' from public.users;
  insert into public.ventures select id from public.users;
`;

describe.each(ENGINES)("the parent tables on $name", (engine) => {
  describe("in an empty project", () => {
    const db = useDatabase(engine.migrated);

    test.each(PARENTS)(
      "%s is created with a uuid primary key id",
      async (parent) => {
        const rows = await db.query(
          `select a.attname as column, format_type(a.atttypid, a.atttypmod) as type
          from pg_constraint k
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
          where k.conrelid = $1::regclass and k.contype = 'p'`,
          [`public.${parent}`],
        );
        expect(rows).toEqual([{ column: "id", type: "uuid" }]);
      },
    );

    test.each(["agent_registry", "tool_registry"])(
      "two entries of %s cannot share a name",
      async (registry) => {
        const add = () =>
          db.query(`insert into public.${registry} (name) values ('twice')`);
        await add();
        await expect(add()).rejects.toMatchObject({ code: "23505" });
      },
    );

    test("a user belongs to an existing firm", async () => {
      await expect(db.query(
        "insert into public.users (id, firm_id) values (gen_random_uuid(), gen_random_uuid())",
      )).rejects.toMatchObject({ code: "23503" });
    });

    test.each(PARENTS)(
      "%s has row security on and is closed to anon",
      async (parent) => {
        const [row] = await db.query(
          `select relrowsecurity as on, has_table_privilege('anon', oid, 'SELECT,INSERT,UPDATE,DELETE') as open
          from pg_class where oid = $1::regclass`,
          [`public.${parent}`],
        );
        expect(row).toEqual({ on: true, open: false });
      },
    );
  });

  test("a project with every parent keeps each unchanged", async () => {
    const db = await engine.empty();
    await db.exec(OWN_PARENTS);
    const before = await snapshot(db, PARENTS);
    await applyMigrations(db);
    expect(await snapshot(db, PARENTS)).toEqual(before);
    for (const log of LOGS) {
      expect(await db.query(`select count(*)::int as rows from public.${log}`))
        .toEqual([{ rows: 0 }]);
    }
    await db.close();
  });

  test("a project's fn_is_chairman decides who reads tool_usage_ledger", async () => {
    const db = await engine.empty();
    await db.exec(OWN_PARENTS);
    await applyMigrations(db);
    const [{ id }] = await db.query<{ id: string }>(
      "select id from public.firms",
    );
    const entry = await addToolUsage(db.query, { agent_id: id, tool_id: id });
    const seen = await queryAs(
      db,
      "authenticated",
      null,
      "select id from public.tool_usage_ledger",
    );
    expect(seen).toEqual([{ id: entry }]);
    await db.close();
  });

  test.each(PARENTS)(
    "a project without %s gets it and keeps the others",
    async (missing) => {
      const db = await engine.empty();
      await db.exec(OWN_PARENTS);
      await db.exec(`drop table public.${missing} cascade`);
      const others = PARENTS.filter((parent) => parent !== missing);
      // The key of users to firms falls with firms.
      const before = await snapshot(db, others);
      await applyMigrations(db);
      expect(await snapshot(db, others)).toEqual(before);
      const [{ there }] = await db.query(
        "select to_regclass($1) is not null as there",
        [`public.${missing}`],
      );
      expect(there).toBe(true);
      await db.close();
    },
  );
});

test("the migrations need no superuser", async () => {
  const url = await createEmptyDatabase();
  const database = new URL(url).pathname.slice(1);
  const owner = `owner_of_${database}`;
  const superuser = overPostgres(url);
  await superuser.exec(`
    create role ${owner} login createrole createdb bypassrls;
    grant anon, authenticated, service_role to ${owner} with admin option;
    alter database ${database} owner to ${owner};
  `);
  const db = overPostgres(
    Object.assign(new URL(url), { username: owner }).href,
  );
  try {
    expect(
      await db.query(
        "select rolsuper as superuser from pg_roles where rolname = current_user",
      ),
    ).toEqual([{ superuser: false }]);
    await applyMigrations(db);
    const parents = await insertParents(db);
    const llm = await addLlmUsage(db.query, {
      firm_id: parents.firm1,
      cma_project_id: parents.project1,
    });
    await addAudit(db.query, {
      firm_id: parents.firm1,
      user_id: parents.user1,
    });
    const seen = await queryAs(
      db,
      "authenticated",
      { sub: parents.user1 },
      "select id from public.llm_usage_log",
    );
    expect(seen).toEqual([{ id: llm }]);
    await db.query("delete from public.firms where id = $1", [parents.firm1]);
    expect(await db.query("select id from public.audit_log")).toEqual([]);
  } finally {
    await db.close();
    await superuser.exec(`
      reassign owned by ${owner} to postgres;
      drop owned by ${owner};
      drop role ${owner};
    `);
    await superuser.close();
  }
});

/** Everything that the catalog knows about the tables and fn_is_chairman, and their rows. */
async function snapshot(db: TestDatabase, tables: string[]) {
  const [catalog] = await db.query(
    `with parent as (
        select * from pg_class where oid = any ($1::regclass[])
      )
      select
        (select jsonb_agg(to_jsonb(p) - '{relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relhastriggers}'::text[] order by p.relname)
          from parent p) as tables,
        (select jsonb_agg(to_jsonb(a) order by a.attrelid, a.attnum)
          from pg_attribute a join parent p on p.oid = a.attrelid) as columns,
        (select jsonb_agg(jsonb_build_array(d.adrelid, d.adnum, pg_get_expr(d.adbin, d.adrelid)) order by d.adrelid, d.adnum)
          from pg_attrdef d join parent p on p.oid = d.adrelid) as defaults,
        (select jsonb_agg(jsonb_build_array(k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) order by k.conrelid::regclass::text, k.conname)
          from pg_constraint k join parent p on p.oid = k.conrelid) as constraints,
        (select jsonb_agg(pg_get_indexdef(i.indexrelid) order by i.indexrelid)
          from pg_index i join parent p on p.oid = i.indrelid) as indexes,
        (select jsonb_agg(to_jsonb(y) order by y.tablename, y.policyname)
          from pg_policies y join parent p on p.relname = y.tablename and y.schemaname = 'public') as policies,
        (select jsonb_agg(pg_get_triggerdef(t.oid) order by t.oid)
          from pg_trigger t join parent p on p.oid = t.tgrelid where not t.tgisinternal) as triggers,
        (select jsonb_agg(jsonb_build_array(c.objoid::regclass, c.objsubid, c.description) order by c.objoid, c.objsubid)
          from pg_description c join parent p on p.oid = c.objoid and c.classoid = 'pg_class'::regclass) as comments,
        (select jsonb_build_array(to_jsonb(f), pg_get_functiondef(f.oid), obj_description(f.oid, 'pg_proc'))
          from pg_proc f where f.oid = 'public.fn_is_chairman()'::regprocedure) as chairman`,
    [tables.map((table) => `public.${table}`)],
  );
  const rows: Record<string, unknown> = {};
  for (const table of tables) {
    rows[table] = await db.query(
      `select t.*, t.ctid::text from public.${table} t order by t.ctid`,
    );
  }
  return { catalog, rows };
}
