import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVER_ONLY } from "../../support/databases.ts";
import type { Actor } from "../../support/owned-database.ts";
import {
  EVERY_PRIVILEGE,
  GUARDED,
  openScene,
  REFUSED,
  type Scene,
} from "./scene.ts";

/** Roles that could change a log without its guard. */
const WRITERS: Actor[] = ["service_role", "owner", "superuser"];
/** Roles that may change the schema or turn on replica mode. */
const OWNERS: Actor[] = ["owner", "superuser"];

/** Changes disguised as actions of a foreign key: SQL by its name. */
const PRETENCES: Record<string, (scene: Scene) => string> = {
  "nulling the key of an existing user": ({ rows }) =>
    `update audit_log set user_id = null where id = '${rows.audit_log}'`,
  "nulling the key of an existing project": ({ rows }) =>
    `update llm_usage_log set cma_project_id = null where id = '${rows.llm_usage_log}'`,
  "nulling every user's key at once": () =>
    `update audit_log set user_id = null`,
  "nulling the key with another column": ({ rows }) =>
    `update audit_log set user_id = null, action = 'forged' where id = '${rows.audit_log}'`,
  "nulling by MERGE": ({ world }) =>
    `merge into audit_log a using users u on u.id = a.user_id and u.id = '${world.user1}' when matched then update set user_id = null`,
  "nulling by upsert": ({ rows }) =>
    `insert into audit_log select * from audit_log where id = '${rows.audit_log}' on conflict (id) do update set user_id = null`,
  "nulling a column that is not a key": () =>
    `update audit_log set ip_address = null, metadata = null`,
  "moving a row to another user": ({ world }) =>
    `update audit_log set user_id = '${world.user2}'`,
  "moving a row to another firm": ({ world }) =>
    `update llm_usage_log set firm_id = '${world.firm2}'`,
  "nulling a key that has no SET NULL": () =>
    `update tool_usage_ledger set venture_id = null`,
  "deleting a row of an existing firm": ({ rows }) =>
    `delete from audit_log where id = '${rows.audit_log}'`,
  "deleting a row of an existing project": ({ world }) =>
    `delete from llm_usage_log where cma_project_id = '${world.project1}'`,
  "deleting a row while its user, who only nulls, is deleted": ({ world }) =>
    `with d as (delete from users where id = '${world.user1}' returning id) delete from audit_log a using d where a.user_id = d.id`,
  "smuggling a column into the statement that deletes the user": ({ world }) =>
    `with d as (delete from users where id = '${world.user1}' returning id) update audit_log a set user_id = null, action = 'forged' from d where a.user_id = d.id`,
  "nulling another user's key in the statement that deletes a user": (
    { world },
  ) =>
    `with d as (delete from users where id = '${world.user1}') update audit_log set user_id = null where user_id = '${world.user2}'`,
  "deleting another firm's row in the statement that deletes a firm": (
    { world },
  ) =>
    `with d as (delete from firms where id = '${world.firm1}') delete from audit_log where firm_id = '${world.firm2}'`,
  "deleting a user and putting them back in one statement": ({ world }) =>
    `with d as (delete from users where id = '${world.user1}' returning *) insert into users select * from d`,
  "deleting a firm and putting it back in one statement": ({ world }) =>
    `with d as (delete from firms where id = '${world.firm1}' returning *) insert into firms select * from d`,
  "deleting the details of an existing call": ({ rows }) =>
    `delete from llm_usage_details where id = '${rows.llm_usage_log}'`,
  "deleting the ratings of an existing call": ({ rows }) =>
    `delete from llm_usage_ratings where usage_id = '${rows.llm_usage_log}'`,
  "deleting a price of an existing firm": ({ rows }) =>
    `delete from model_prices where id = '${rows.model_prices}'`,
  "deleting a budget of an existing firm": ({ rows }) =>
    `delete from llm_budgets where id = '${rows.llm_budgets}'`,
  "moving details to another firm": ({ world }) =>
    `update llm_usage_details set firm_id = '${world.firm2}'`,
  "moving a rating to another call": ({ world }) =>
    `update llm_usage_ratings set usage_id = (select id from llm_usage_log l where l.firm_id = '${world.firm1}' and l.id <> usage_id)`,
  "making a firm's price general": () =>
    `update model_prices set firm_id = null`,
  "making a project's budget the whole firm's": () =>
    `update llm_budgets set cma_project_id = null`,
  "deleting the general prices in the statement that deletes a firm": (
    { world },
  ) =>
    `with d as (delete from firms where id = '${world.firm1}') delete from model_prices where firm_id is null`,
  "deleting another firm's budget in the statement that deletes a project": (
    { world },
  ) =>
    `with d as (delete from cma_projects where id = '${world.project1}') delete from llm_budgets where firm_id = '${world.firm2}'`,
  "a change of a price's scale alone": () =>
    `update model_prices set input_usd_per_mtok = 0.10`,
  "a change of an exact cost's scale alone": () =>
    `update llm_usage_details set cost_usd_exact = 0.00015200`,
  "a change of metadata's scale alone": () =>
    `update model_usage_log set metadata = '{"share": 1.50}'`,
  "a change of a cost's scale alone": () =>
    `update tool_usage_ledger set cost_usd = 0.1`,
  "TRUNCATE of the firms CASCADE": () => `truncate firms cascade`,
  "TRUNCATE of the projects CASCADE": () => `truncate cma_projects cascade`,
  "TRUNCATE of the users CASCADE": () => `truncate users cascade`,
  "TRUNCATE of the tools CASCADE": () => `truncate tool_registry cascade`,
};

/** Ways to make the parent seem deleted, which need the schema's owner or replica mode. */
const DISAPPEARANCES: Record<string, (scene: Scene) => string> = {
  "a plain UPDATE in replica mode": () =>
    `set local session_replication_role = replica; update audit_log set action = 'forged'`,
  "a plain DELETE in replica mode": () =>
    `set local session_replication_role = replica; delete from model_usage_log`,
  "a TRUNCATE in replica mode": () =>
    `set local session_replication_role = replica; truncate audit_log`,
  "deleting the firm in replica mode, then one of its rows": (
    { world, rows },
  ) =>
    `set local session_replication_role = replica; delete from firms where id = '${world.firm1}'; delete from audit_log where id = '${rows.audit_log}'`,
  "deleting the user in replica mode, then nulling one row": (
    { world, rows },
  ) =>
    `set local session_replication_role = replica; delete from users where id = '${world.user1}'; update audit_log set user_id = null where id = '${rows.audit_log}'`,
  "deleting the firm in replica mode, then its calls' details outside": (
    { world },
  ) =>
    `set local session_replication_role = replica; delete from firms where id = '${world.firm1}';
       set local session_replication_role = origin; delete from llm_usage_details where firm_id = '${world.firm1}'`,
  "renaming the log and putting an empty one in its place": () =>
    `alter table llm_usage_log rename to real_log; create table llm_usage_log (id uuid primary key); delete from llm_usage_details`,
  "dropping the foreign key of ratings, then the ratings": () =>
    `alter table llm_usage_ratings drop constraint llm_usage_ratings_usage_id_fkey; delete from llm_usage_ratings`,
  "dropping the foreign key, deleting the firm, then one row": (
    { world, rows },
  ) =>
    `alter table audit_log drop constraint audit_log_firm_id_fkey; delete from firms where id = '${world.firm1}'; delete from audit_log where id = '${rows.audit_log}'`,
  "putting an empty table in the parent's place": ({ rows }) =>
    `alter table firms rename to real_firms; create table firms (id uuid primary key); delete from audit_log where id = '${rows.audit_log}'`,
  "renaming the parent's columns": ({ rows }) =>
    `alter table firms rename id to old_id; alter table firms add id uuid; delete from audit_log where id = '${rows.audit_log}'`,
  "renaming the log's columns": ({ rows }) =>
    `alter table audit_log rename firm_id to f; alter table audit_log rename id to firm_id; delete from audit_log where firm_id = '${rows.audit_log}'`,
  "moving the parent to another schema": ({ rows }) =>
    `create schema elsewhere; alter table firms set schema elsewhere; create table firms (id uuid); delete from audit_log where id = '${rows.audit_log}'`,
  "a trigger that deletes one row and puts the firm back before the cascade": (
    { world, rows },
  ) => `
      create function back() returns trigger language plpgsql as $$ begin
        delete from public.audit_log where id = '${rows.audit_log}';
        insert into public.firms select old.*; return null; end $$;
      create trigger "A" after delete on firms for each row execute function back();
      delete from firms where id = '${world.firm1}'`,
  "a trigger that deletes one row before the firm goes, and keeps the firm": (
    { world, rows },
  ) => `
      create function keep() returns trigger language plpgsql as $$ begin
        delete from public.audit_log where id = '${rows.audit_log}'; return null; end $$;
      create trigger "A" before delete on firms for each row execute function keep();
      delete from firms where id = '${world.firm1}'`,
  "ON UPDATE CASCADE for a key that had none": ({ world }) => `
      alter table audit_log drop constraint audit_log_user_id_fkey, add constraint audit_log_user_id_fkey
        foreign key (user_id) references users on delete set null on update cascade;
      update users set id = gen_random_uuid() where id = '${world.user1}'`,
  "CASCADE for a key that nulls": ({ world }) => `
      alter table audit_log drop constraint audit_log_user_id_fkey, add constraint audit_log_user_id_fkey
        foreign key (user_id) references users on delete cascade;
      delete from users where id = '${world.user1}'`,
  "a new key that cascades, with its guard not written again": () => `
      create table bait (id uuid primary key);
      insert into bait select id from audit_log;
      alter table audit_log add foreign key (id) references bait on delete cascade;
      delete from bait`,
};

describe.each(SERVER_ONLY)("on $name", (engine) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(engine, EVERY_PRIVILEGE);
  });
  afterAll(() => scene.db.close());

  describe.each(WRITERS)("%s with every privilege", (actor) => {
    test.each(Object.entries(PRETENCES))("is refused %s", async (_, of) => {
      expect(await scene.attack(actor, of(scene))).toMatchObject(GUARDED);
    });
  });

  describe.each(OWNERS)("the %s", (actor) => {
    test.each(Object.entries(DISAPPEARANCES))(
      "is refused %s",
      async (_, of) => {
        expect(await scene.attack(actor, of(scene))).toMatchObject(GUARDED);
      },
    );
  });

  test("service_role cannot turn on replica mode", async () => {
    for (const setting of ["replica", "local"]) {
      const statements = [
        `set session_replication_role = ${setting}`,
        `select set_config('session_replication_role', '${setting}', false)`,
        `alter role service_role set session_replication_role = ${setting}`,
      ];
      for (const statement of statements) {
        expect(await scene.attack("service_role", statement), statement)
          .toMatchObject(REFUSED);
      }
    }
  });

  test("a function that runs in replica mode does not let its callers change a log", async () => {
    await scene.db.attempt(
      "owner",
      `create function forge() returns void language sql security definer set session_replication_role = replica
        as 'update public.audit_log set action = ''forged''';
      create function erase() returns void language sql security definer set session_replication_role = replica
        as 'delete from public.firms; delete from public.audit_log'`,
    );
    for (const call of ["select forge()", "select erase()"]) {
      expect(await scene.attack("service_role", call)).toMatchObject(GUARDED);
    }
  });

  test("the owner's public functions and views do not let the API roles change a log", async () => {
    await scene.db.attempt(
      "owner",
      `create function touch() returns void language sql security definer
        as 'update public.audit_log set action = ''forged''';
      create view open_audit as select * from public.audit_log;
      grant all on open_audit to anon, authenticated, service_role`,
    );
    for (const actor of ["anon", "authenticated", "service_role"] as const) {
      for (
        const sql of [
          "select touch()",
          "update open_audit set action = 'forged'",
          "delete from open_audit",
        ]
      ) {
        expect(await scene.attack(actor, sql), sql).toMatchObject(GUARDED);
      }
    }
  });

  test("a role that may delete a parent deletes all of its rows by the foreign keys", async () => {
    const { db, world } = scene;
    const ofFirm = () =>
      db.query("select from audit_log where firm_id = $1", [world.firm2]);
    expect(await ofFirm()).not.toEqual([]);
    await db.attempt(
      "service_role",
      `delete from firms where id = '${world.firm2}'; insert into firms (id, name) values ('${world.firm2}', 'Two')`,
    );
    expect(await ofFirm()).toEqual([]);
  });
});
