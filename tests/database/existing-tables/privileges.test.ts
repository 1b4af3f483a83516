import { describe, expect, test } from "vitest";
import {
  applyMigrations,
  overPostgres,
  type Query,
  queryAs,
  SERVER_ONLY,
  type TestDatabase,
} from "../../support/databases.ts";
import { LOGS } from "../../support/specification.ts";
import {
  FIRST_DATABASE,
  SECOND_DATABASE,
  USERS,
} from "./existing-databases.ts";
import { createProject } from "./push.ts";
import { readCatalog, readFacts } from "./snapshots.ts";

const BOTH = FIRST_DATABASE + SECOND_DATABASE;

/** A project that lets fewer in than the documents say. */
const CLOSED = `
  drop policy "Allow all for anon" on model_usage_log;
  revoke all on model_usage_log from anon;
  revoke select on audit_log from authenticated;
  alter table llm_usage_log enable row level security;
  create policy admins on llm_usage_log for select to authenticated using (false);
  alter table audit_log enable row level security;
  revoke all on tool_usage_ledger from service_role;
`;

describe.each(SERVER_ONLY)("privileges and names on $name", (engine) => {
  test("access that a project has revoked stays revoked", async () => {
    const db = await engine.empty();
    await db.exec(BOTH + CLOSED);
    const before = await readFacts(db.query, LOGS);
    await applyMigrations(db);
    const after = await readFacts(db.query, LOGS);
    expect(after.policy).toEqual(before.policy);
    const added = after.grant.filter((grant) => !before.grant.includes(grant));
    expect(added).toEqual([
      "service_role INSERT f on tool_usage_ledger",
      "service_role SELECT f on tool_usage_ledger",
    ]);
    for (const select of ["anon", "authenticated"] as const) {
      const read = (log: string) =>
        queryAs(db, select, { sub: USERS[0] }, `select id from ${log}`);
      await expect(read(select === "anon" ? "model_usage_log" : "audit_log"))
        .rejects.toMatchObject({ code: "42501" });
    }
    expect(
      await queryAs(
        db,
        "authenticated",
        { sub: USERS[0] },
        "select id from llm_usage_log",
      ),
    ).toEqual([]);
    expect(await db.query("select * from ledger.doctor()")).toEqual([]);
    await db.close();
  });

  test("access to logs without row security is limited to the caller's firm", async () => {
    const db = await engine.empty();
    await db.exec(BOTH);
    await applyMigrations(db);
    for (const log of ["llm_usage_log", "audit_log"]) {
      const read = (sub: string) =>
        queryAs(
          db,
          "authenticated",
          { sub },
          `select distinct firm_id from ${log}`,
        );
      expect(await read(USERS[0])).toHaveLength(1);
      expect(await read(crypto.randomUUID())).toEqual([]);
      expect(
        await queryAs(db, "anon", null, `select from ${log}`),
      ).toEqual([]);
    }
    await db.close();
  });

  test("objects of the push have the grants of a project without default privileges", async () => {
    const plain = await engine.migrated();
    const wide = await engine.empty();
    await wide.exec(BOTH);
    await applyMigrations(wide);
    expect(await readGrants(wide.query)).toEqual(
      await readGrants(plain.query),
    );
    await plain.close();
    await wide.close();
  });

  test.each([
    [
      "table",
      3,
      `select relname::text as name from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname ~ '^(llm_usage_|llm_b|model_p)'
          and relname <> 'llm_usage_log' order by 1`,
      (name: string) => `create table ${name} ();`,
    ],
    [
      "function",
      20,
      `select distinct proname::text as name from pg_proc
        where pronamespace = 'public'::regnamespace and proname <> 'fn_is_chairman' order by 1`,
      (name: string) =>
        `create function ${name}(point) returns int language sql as 'select 1';`,
    ],
  ])(
    "an existing %s with the name of a new one is refused",
    async (kind, least, select, create) => {
      const plain = await engine.migrated();
      const names = await plain.query<{ name: string }>(select);
      await plain.close();
      expect(names.length).toBeGreaterThan(least);
      const db = await engine.empty();
      await db.exec(names.map(({ name }) => create(name)).join(""));
      const message = await applyMigrations(db)
        .catch((error) => error.cause.message);
      for (const { name } of names) {
        expect(message).toContain(
          `public.${name} has the name of a ${kind} that this project adds`,
        );
      }
      await db.close();
    },
  );

  test("an existing schema ledger is refused, with the remedy", async () => {
    const db = await engine.empty();
    await db.exec("create schema ledger");
    await expect(applyMigrations(db)).rejects.toMatchObject({
      cause: {
        message: expect.stringContaining(
          "alter schema ledger rename to ledger_before",
        ),
      },
    });
    await db.close();
  });

  test("an existing index with the name of a new index is accepted", async () => {
    const db = await engine.empty();
    await db.exec(
      "create table pages (id int constraint audit_log_pkey primary key, entity_id uuid);" +
        "create index idx_audit_log_entity_id on pages (entity_id);",
    );
    await applyMigrations(db);
    expect(await db.query("select * from ledger.doctor()")).toEqual([]);
    const indexes = await db.query<{ name: string }>(
      "select indexname::text as name from pg_indexes where tablename = 'audit_log' order by 1",
    );
    expect(indexes.map(({ name }) => name)).toEqual([
      "audit_log_pkey_1",
      "idx_audit_log_action",
      "idx_audit_log_created_at",
      "idx_audit_log_entity_id_1",
      "idx_audit_log_firm_id",
      "idx_audit_log_firm_id_created_at",
    ]);
    await db.close();
  });
});

describe("owners on PostgreSQL 17", () => {
  /** Runs `work` with a role beside the owner, who may become it. */
  async function withRole(
    script: string,
    work: (
      project: Awaited<ReturnType<typeof createProject>>,
      role: string,
      owner: string,
      superuser: TestDatabase,
    ) => Promise<void>,
  ) {
    const project = await createProject(script);
    const superuser = overPostgres(project.url);
    const [{ owner }] = await project.owner.query<{ owner: string }>(
      "select current_user as owner",
    );
    const role = owner.replace("owner_of", "other_of");
    await superuser.exec(
      `create role ${role}; grant ${role} to ${owner}; grant usage, create on schema public to ${role};`,
    );
    try {
      await work(project, role, owner, superuser);
    } finally {
      await superuser.exec(
        `reassign owned by ${role} to postgres; drop owned by ${role}; drop role ${role};`,
      );
      await superuser.close();
      await project.close();
    }
  }

  const push = (db: Awaited<ReturnType<typeof createProject>>["owner"]) =>
    applyMigrations(db).then(() => "applied", (error) => error.cause.message);

  test("of a log who do not push are a difference", () =>
    withRole(BOTH, async ({ owner: db }, role, owner) => {
      await db.exec(
        `grant select on all tables in schema public to ${role}; alter table audit_log owner to ${role};`,
      );
      const message = await push(db);
      expect(message).toContain(`public.audit_log belongs to ${role}`);
      await db.exec(`alter table public.audit_log owner to ${owner}`);
      expect(await push(db)).toBe("applied");
      expect(await db.query("select * from ledger.doctor()")).toEqual([]);
    }));

  test("of a parent must grant access to the owner of a new log", () =>
    withRole(FIRST_DATABASE, async ({ owner: db }, role, owner, superuser) => {
      await superuser.exec(
        `create table firms (id uuid primary key);
          create table users (id uuid primary key, firm_id uuid);
          alter table firms owner to ${role}; alter table users owner to ${role};
          revoke ${role} from ${owner};`,
      );
      expect(await push(db)).toContain(
        `public.users ${owner} may not refer to it\n    grant references on public.users to ${owner};`,
      );
      await superuser.exec(
        `grant references on firms, users to ${owner}`,
      );
      const before = await readCatalog(superuser.query);
      expect(await push(db)).toContain(
        `${owner}, who owns the log, may not read public.users, so the guard could not see whether a row is gone\n` +
          `    grant select on public.users to ${owner};`,
      );
      expect(await readCatalog(superuser.query)).toEqual(before);
      await superuser.exec(
        `grant references, select on firms, users to ${owner}`,
      );
      expect(await push(db)).toBe("applied");
    }));
});

/** Who may do what with what the push adds. */
function readGrants(query: Query): Promise<unknown[]> {
  return query(
    `select c.oid::regclass::text as object, a.grantee::regrole::text as role, a.privilege_type
      from pg_class c, aclexplode(c.relacl) a
      where (c.relnamespace = to_regnamespace('ledger') or c.relname ~ '^(llm_usage_[dr]|llm_b|model_p)')
        and a.grantee <> c.relowner and c.relkind in ('r', 'S')
      union all
      select p.oid::regprocedure::text, case a.grantee when 0 then 'public' else a.grantee::regrole::text end,
        a.privilege_type
      from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
      where p.pronamespace in (to_regnamespace('ledger'), 'public'::regnamespace) and a.grantee <> p.proowner
        and p.proname <> 'fn_is_chairman'
      order by 1, 2, 3`,
  );
}
