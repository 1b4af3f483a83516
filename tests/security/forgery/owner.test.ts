import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SERVER_ONLY } from "../../support/databases.ts";
import { openScene, type Scene } from "./scene.ts";

const FORGE = "update public.audit_log set action = 'forged'";

/** The doctor's findings if no trigger of the log fires as it should. */
const EVERY_TRIGGER: [string, string][] = [
  ["guard trigger", "guard_after"],
  ["guard trigger", "guard_before"],
  ["guard trigger", "guard_statement"],
  ["trigger", "bound_values"],
  ["trigger", "capture_delete"],
  ["trigger", "capture_insert"],
  ["trigger", "capture_update"],
];

/**
 * Changes that nothing inside a database can prevent its owner from: the SQL of
 * each, and the doctor's findings afterwards, as `[check, part of the object]`.
 */
const BREAKS: Record<string, [(scene: Scene) => string, [string, string][]]> = {
  "disabling the guard's triggers": [
    () => `alter table audit_log disable trigger user; ${FORGE}`,
    EVERY_TRIGGER,
  ],
  "dropping the guard's triggers": [
    () =>
      `drop trigger guard_before on audit_log; drop trigger guard_after on audit_log; ${FORGE}`,
    [["guard trigger", "guard_after"], ["guard trigger", "guard_before"]],
  ],
  "replacing the guard's function": [
    () =>
      `create or replace function ledger.guard_audit_log() returns trigger language plpgsql as
        'begin return coalesce(new, old); end'; ${FORGE}`,
    [["guard", "ledger.guard_audit_log()"]],
  ],
  "replacing a function that captures evidence": [
    () =>
      `create or replace function ledger.capture_insert_audit_log() returns trigger language plpgsql as
        'begin return null; end'; alter table audit_log disable trigger guard_before;
       alter table audit_log enable always trigger guard_before`,
    [["capture", "ledger.capture_insert_audit_log()"]],
  ],
  "making the guard's triggers ordinary, which replica mode silences": [
    () =>
      `alter table audit_log enable trigger user; set local session_replication_role = replica; ${FORGE}`,
    EVERY_TRIGGER,
  ],
  "a rule that turns an insert into nothing": [
    ({ world }) =>
      `create rule swallow as on insert to audit_log do instead nothing;
       insert into audit_log (firm_id, action, entity_type) values ('${world.firm1}', 'a', 'b')`,
    [["rule", "swallow"]],
  ],
  "a rule that turns a delete into an insert": [
    ({ world }) =>
      `create rule forge as on delete to audit_log do instead
         insert into audit_log (firm_id, action, entity_type) values (old.firm_id, 'forged', 'b');
       delete from audit_log where firm_id = '${world.firm2}'`,
    [["rule", "forge"]],
  ],
  "a child table whose rows appear in the log and have no guard": [
    ({ world }) =>
      `create table more () inherits (audit_log);
       insert into more (firm_id, action, entity_type) values ('${world.firm1}', 'a', 'b');
       delete from more`,
    [["guard", "ledger.guard_audit_log()"], ["inheritance", "public.more"]],
  ],
  "a trigger that swallows a nulling and leaves a dangling key": [
    ({ world }) =>
      `create function swallow() returns trigger language plpgsql as 'begin return null; end';
       create trigger aaa before update on audit_log for each row execute function swallow();
       delete from users where id = '${world.user1}'`,
    [["trigger", "aaa"]],
  ],
  "a trigger that rewrites what is inserted": [
    ({ world }) =>
      `create function rewrite() returns trigger language plpgsql as 'begin new.action := ''forged''; return new; end';
       create trigger aaa before insert on audit_log for each row execute function rewrite();
       insert into audit_log (firm_id, action, entity_type) values ('${world.firm1}', 'a', 'b')`,
    [["trigger", "aaa"]],
  ],
  "a foreign key that cascades from a table of bait, with its guard": [
    ({ rows }) =>
      `create table bait (id uuid primary key); insert into bait select id from audit_log;
       alter table audit_log add constraint bait foreign key (id) references bait on delete cascade;
       select ledger.guard('audit_log');
       delete from bait where id = '${rows.audit_log}'`,
    [["foreign key", "bait"], ["privilege", "public.bait"]],
  ],
  "handing the log to service_role, who then drops a guard": [
    () =>
      `grant create on schema public to service_role;
       alter table audit_log owner to service_role; set local role service_role;
       drop trigger guard_before on audit_log; drop trigger guard_after on audit_log; ${FORGE}`,
    [
      ["grant", "service_role"],
      ["guard", "ledger.guard_audit_log()"],
      ["guard trigger", "guard_after"],
      ["guard trigger", "guard_before"],
      ["owner", "public.audit_log"],
    ],
  ],
  "an unlogged table, which a crash empties": [
    () => `alter table audit_log set unlogged`,
    [["storage", "public.audit_log"]],
  ],
  "dropping a column": [
    () => `alter table audit_log drop column ip_address cascade`,
    [
      ["capture", "capture_delete_audit_log"],
      ["capture", "capture_insert_audit_log"],
      ["capture", "capture_update_audit_log"],
      ["column", "audit_log.ip_address"],
      ["trigger", "bound_values"],
    ],
  ],
  "dropping the log": [() => `drop table audit_log`, [[
    "log",
    "public.audit_log",
  ]]],
};

/** Changes that leave the catalog as it was: only evidence that is kept elsewhere shows them. */
const TRACELESS: Record<string, (scene: Scene) => string> = {
  "disabling the guard and enabling it again": () =>
    `alter table audit_log disable trigger user; ${FORGE}; select ledger.guard('audit_log'), ledger.capture('audit_log')`,
  "a rewrite of the table by ALTER TYPE": () =>
    `drop trigger bound_values on audit_log;
     alter table audit_log alter action type text using 'forged';
     select ledger.guard('audit_log')`,
  "deleting a firm in replica mode, then one of its rows outside, then putting the firm back":
    ({ world, rows }) =>
      `create temp table kept as select * from firms;
       set local session_replication_role = replica; delete from firms where id = '${world.firm1}';
       set local session_replication_role = origin; delete from audit_log where id = '${rows.audit_log}';
       insert into firms select * from kept where id = '${world.firm1}'`,
  "accepting a forged state": () =>
    `alter table audit_log add note text default 'forged'; select ledger.capture('audit_log'), ledger.accept_state('audit_log')`,
};

describe.each(SERVER_ONLY)(
  "on $name, nothing prevents the owner from",
  (engine) => {
    let scene: Scene;
    beforeEach(async () => {
      scene = await openScene(engine);
    });
    afterEach(() => scene.db.close());

    test.each(Object.entries(BREAKS))(
      "%s, but the doctor finds it",
      async (_, [of, expected]) => {
        const { db } = scene;
        await db.attempt("owner", of(scene));
        const findings = await db.query<{ check: string; object: string }>(
          'select * from ledger.doctor() order by "check", object',
        );
        expect(findings.map(({ check, object }) => ({ check, object })))
          .toEqual(expected.map(([check, object]) => ({
            check,
            object: expect.stringContaining(object),
          })));
      },
    );

    test.each(Object.entries(TRACELESS))(
      "%s, and the doctor cannot find it",
      async (_, of) => {
        const { db, read } = scene;
        const before = await read();
        await db.attempt("owner", of(scene));
        expect(await read()).not.toEqual(before);
        expect(await db.query("select * from ledger.doctor()")).toEqual([]);
      },
    );
  },
);
