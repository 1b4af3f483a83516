import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engine, ENGINES } from "../../support/databases.ts";
import { type Actor, ACTORS, OWNER } from "../../support/owned-database.ts";
import { APPEND_ONLY } from "../../support/side-tables.ts";
import {
  EVERY_PRIVILEGE,
  GUARDED,
  openScene,
  REFERENCED,
  REFUSED,
  type Scene,
} from "./scene.ts";

/** Every form of UPDATE, DELETE and TRUNCATE: the SQL for a log, by its name. */
const STATEMENTS: Record<string, (log: string) => string> = {
  "a plain UPDATE": (log) => `update ${log} set id = gen_random_uuid()`,
  "an UPDATE that changes nothing": (log) => `update ${log} set id = id`,
  "an UPDATE of whole rows with their own values": (log) =>
    `update ${log} t set (id) = (select s.id from ${log} s where s.id = t.id)`,
  "an UPDATE in a CTE": (log) =>
    `with u as (update ${log} set id = gen_random_uuid() returning id) select count(*) from u`,
  "an UPDATE by row address": (log) =>
    `update ${log} set id = gen_random_uuid() where ctid = (select min(ctid) from ${log})`,
  "an UPDATE through a cursor": (log) =>
    `declare c cursor for select * from ${log}; fetch c; update ${log} set id = gen_random_uuid() where current of c`,
  "a prepared UPDATE": (log) =>
    `prepare p as update ${log} set id = gen_random_uuid(); execute p`,
  "an UPDATE in an anonymous block": (log) =>
    `do $$ begin execute 'update ${log} set id = gen_random_uuid()'; end $$`,
  "an UPDATE behind a savepoint": (log) =>
    `savepoint s; update ${log} set id = gen_random_uuid(); release s`,
  "an UPDATE with deferred constraints": (log) =>
    `set constraints all deferred; update ${log} set id = gen_random_uuid()`,
  "a plain DELETE": (log) => `delete from ${log}`,
  "a DELETE FROM ONLY": (log) => `delete from only ${log}`,
  "a DELETE with USING": (log) =>
    `delete from ${log} t using ${log} s where s.id = t.id`,
  "a DELETE in a CTE that puts the rows back": (log) =>
    `with d as (delete from ${log} returning *) insert into ${log} select * from d`,
  "a DELETE that COPY reports on": (log) =>
    `copy (delete from ${log} returning id) to '/dev/null'`,
  "an UPDATE that COPY reports on": (log) =>
    `copy (update ${log} set id = gen_random_uuid() returning id) to '/dev/null'`,
  "a TRUNCATE": (log) => `truncate ${log}`,
  "a TRUNCATE ONLY": (log) => `truncate only ${log}`,
  "a TRUNCATE RESTART IDENTITY CASCADE": (log) =>
    `truncate ${log} restart identity cascade`,
  "a TRUNCATE of everything at once": () =>
    `truncate ${
      APPEND_ONLY.join(", ")
    }, ledger.budget_months, ledger.reservations`,
  "an upsert that updates": (log) =>
    `insert into ${log} select * from ${log} on conflict (id) do update set id = gen_random_uuid()`,
  "an upsert that stores identical values": (log) =>
    `insert into ${log} select * from ${log} on conflict (id) do update set id = excluded.id`,
  "an upsert by constraint": (log) =>
    `insert into ${log} select * from ${log} on conflict on constraint ${log}_pkey do update set id = gen_random_uuid()`,
  "a MERGE that updates": (log) =>
    `merge into ${log} t using (select id from ${log}) s on s.id = t.id when matched then update set id = gen_random_uuid()`,
  "a MERGE that deletes": (log) =>
    `merge into ${log} t using (select id from ${log}) s on s.id = t.id when matched then delete`,
};

/** Locks and DDL, which an owner may do and an API role may not. */
const PRIVILEGED: Record<string, (log: string) => string> = {
  "SELECT FOR UPDATE": (log) => `select * from ${log} for update`,
  "SELECT FOR NO KEY UPDATE": (log) => `select * from ${log} for no key update`,
  "SELECT FOR SHARE": (log) => `select * from ${log} for share`,
  "SELECT FOR KEY SHARE": (log) => `select * from ${log} for key share`,
  "LOCK TABLE": (log) => `lock table ${log} in share row exclusive mode`,
  "an upsert in which nothing conflicts": (log) =>
    `insert into ${log} select * from ${log} where false on conflict (id) do update set id = excluded.id`,
  "a trigger with a function in pg_temp": (log) => `
      create function pg_temp.t() returns trigger language plpgsql as 'begin return null; end';
      create trigger t before insert on ${log} for each row execute function pg_temp.t()`,
  "a trigger with a function of the system": (log) =>
    `create trigger t before update on ${log} for each row execute function suppress_redundant_updates_trigger()`,
  "a rule": (log) => `create rule r as on insert to ${log} do instead nothing`,
  "a policy": (log) => `create policy p on ${log} for all using (true)`,
  "a child table": (log) => `create temp table c () inherits (${log})`,
  "a table that refers to it": (log) =>
    `create table c (id uuid references ${log})`,
  "DISABLE TRIGGER": (log) => `alter table ${log} disable trigger guard_before`,
  "DISABLE TRIGGER ALL": (log) => `alter table ${log} disable trigger all`,
  "DROP TRIGGER": (log) => `drop trigger guard_after on ${log}`,
  "DISABLE ROW LEVEL SECURITY": (log) =>
    `alter table ${log} disable row level security`,
  "a rewrite by ALTER TYPE": (log) =>
    `alter table ${log} alter id type uuid using gen_random_uuid()`,
  "DROP TABLE": (log) => `drop table ${log} cascade`,
  "a change of the owner": (log) => `alter table ${log} owner to service_role`,
  "a GRANT": (log) =>
    `do $$ begin execute 'grant all on ${log} to anon'; if not has_table_privilege('anon', '${log}', 'delete') then raise insufficient_privilege; end if; end $$`,
  "another guard": (log) =>
    `create or replace function ledger.guard_${log}() returns trigger language plpgsql as 'begin return null; end'`,
  "a guard written again": (log) => `select ledger.guard('${log}')`,
  "another accepted state": () => `delete from ledger.accepted_state`,
  "REINDEX": (log) => `reindex table ${log}`,
  "ANALYZE and CLUSTER": (log) => `cluster ${log} using ${log}_pkey`,
};

/**
 * Grants COPY to and from files to every role, so that its privilege is not the reason of a refusal.
 * On PGlite alone: a PostgreSQL server's roles are those of the other tests, too.
 */
async function openFiles(engine: Engine, scene: Scene): Promise<void> {
  if (engine.name !== "PGlite") return;
  await scene.db.exec(`grant pg_read_server_files, pg_write_server_files
      to ${OWNER}, anon, authenticated, service_role with inherit true`);
}

/** A copy of a log's rows, to be loaded again. */
const COPY_FILE = `/tmp/ledger-functions-copy-${crypto.randomUUID()}`;

/** A duplicate key, or, for a role that row security binds, COPY itself. */
const NOT_LOADED = /^(42501|23505|0A000)$/;

/** On a server only a superuser may COPY to a file. */
function isStoppedEarlier(engine: Engine, actor: Actor, sql: string): boolean {
  return engine.name !== "PGlite" && actor !== "superuser" &&
    sql.startsWith("copy");
}

/** Tables that others refer to, so that PostgreSQL itself truncates them with CASCADE only. */
const REFERRED_TO = ["llm_usage_log", "llm_budgets"];

/** A role with the privileges is stopped by the guard, or by a foreign key before it. */
function answerToOwner(engine: Engine, actor: Actor, sql: string) {
  if (isStoppedEarlier(engine, actor, sql)) return REFUSED;
  const alone = REFERRED_TO.some((table) =>
    [`truncate ${table}`, `truncate only ${table}`].includes(sql)
  );
  return alone ? REFERENCED : GUARDED;
}

/** An API role is stopped by its privileges. */
function answerTo(engine: Engine, actor: Actor, sql: string) {
  const owns = actor === "owner" || actor === "superuser";
  return owns ? answerToOwner(engine, actor, sql) : REFUSED;
}

const API_ROLES = ACTORS.filter((actor) =>
  actor !== "owner" && actor !== "superuser"
);

describe.each(ENGINES)("on $name, with the migrations' grants", (engine) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(engine);
    await openFiles(engine, scene);
  });
  afterAll(async () => {
    await scene.db.close();
    await Deno.remove(COPY_FILE).catch(() => {});
  });

  describe.each(ACTORS)("%s", (actor) => {
    test.each(Object.entries(STATEMENTS))("cannot use %s", async (_, of) => {
      for (const log of APPEND_ONLY) {
        const error = await scene.attack(actor, of(log));
        expect(error, log).toMatchObject(answerTo(engine, actor, of(log)));
      }
    });

    test("cannot load existing rows again with COPY", async () => {
      for (const log of APPEND_ONLY) {
        await scene.db.exec(`copy ${log} to '${COPY_FILE}'`);
        const error = await scene.attack(
          actor,
          `copy ${log} from '${COPY_FILE}'`,
        );
        expect(error?.code, log).toMatch(NOT_LOADED);
      }
    });

    test("cannot hide an UPDATE in an exception block", async () => {
      for (const log of APPEND_ONLY) {
        await scene.attack(
          actor,
          `do $$ begin update ${log} set id = gen_random_uuid(); exception when others then null; end $$`,
        );
      }
    });
  });

  describe.each(API_ROLES)("%s", (actor) => {
    test.each(Object.entries(PRIVILEGED))("cannot use %s", async (_, of) => {
      for (const log of APPEND_ONLY) {
        expect(await scene.attack(actor, of(log)), log).toMatchObject(REFUSED);
      }
    });
  });
});

describe.each(ENGINES)(
  "on $name, with every privilege granted to the API roles",
  (engine) => {
    let scene: Scene;
    beforeAll(async () => {
      scene = await openScene(engine, EVERY_PRIVILEGE);
      await openFiles(engine, scene);
    });
    afterAll(() => scene.db.close());

    test.each(Object.entries(STATEMENTS))(
      "service_role still cannot use %s",
      async (_, of) => {
        for (const log of APPEND_ONLY) {
          const error = await scene.attack("service_role", of(log));
          expect(error, log)
            .toMatchObject(answerToOwner(engine, "service_role", of(log)));
        }
      },
    );

    // Row security shows these two no row or few, so a statement may change
    // nothing without an error, but it must not change anything.
    test.each<Actor>(["anon", "authenticated"])(
      "%s still changes nothing by any of them",
      async (actor) => {
        for (const of of Object.values(STATEMENTS)) {
          for (const log of APPEND_ONLY) await scene.attack(actor, of(log));
        }
      },
    );
  },
);
