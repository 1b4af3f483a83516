import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVER_ONLY } from "../../support/databases.ts";
import type { Actor } from "../../support/owned-database.ts";
import { APPEND_ONLY } from "../../support/side-tables.ts";
import {
  EVERY_PRIVILEGE,
  GUARDED,
  openScene,
  REFUSED,
  type Scene,
} from "./scene.ts";

const NULL_KEY = "update public.audit_log set user_id = null";
const DELETE_ROWS = "delete from public.audit_log";
const DELETES = APPEND_ONLY.map((table) => `delete from public.${table}`);

/** Set-ups that shadow names of the guard or change its settings; a statement after them must still be refused. */
const SHADOWS: Record<string, string> = {
  "temporary tables in the place of the parents":
    "create temp table users (id uuid); create temp table firms (id uuid)",
  "temporary tables and a search_path that begins with them":
    "create temp table users (id uuid); create temp table firms (id uuid); set local search_path = pg_temp, public",
  "views over nothing in the place of the parents":
    "create temp view users as select null::uuid as id where false; create temp view firms as select null::uuid as id where false; set local search_path = pg_temp",
  "another log of the same name":
    "create temp table audit_log (like public.audit_log); set local search_path = pg_temp",
  "types of the same name":
    "create domain pg_temp.text as pg_catalog.text; create type pg_temp.uuid as (v pg_catalog.int4); create type pg_temp.name as (v pg_catalog.int4)",
  "a catalog of constraints of the same name":
    "create temp table pg_constraint as select * from pg_catalog.pg_constraint; set local search_path = pg_temp, pg_catalog",
  "functions of the same name":
    `create function pg_temp.current_setting(text) returns text language sql as 'select ''origin''::text';
     create function pg_temp.unnest(text[]) returns setof text language sql as 'select null::text where false';
     set local search_path = pg_temp, pg_catalog`,
  "an empty search_path": "set local search_path = ''",
  "row_security off": "set local row_security = off",
  "row_security on": "set local row_security = on",
  "settings that other guards accept as permission":
    "set local app.bypass = 'on'; set local ledger.guard = 'off'; set local ledger.maintenance = 'on'; set local audit.allow_delete = 'true'",
  "claims of another role":
    `select set_config('request.jwt.claims', '{"role":"supabase_admin","app_metadata":{"role":"chairman"}}', true); select set_config('request.jwt.claim.role', 'postgres', true)`,
  "an application name of the platform's":
    "set local application_name = 'supabase_admin'",
  "SERIALIZABLE": "set transaction isolation level serializable",
  "REPEATABLE READ": "set transaction isolation level repeatable read",
  "checks of function bodies off": "set local check_function_bodies = off",
  "planner settings":
    "set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan; set local enable_indexscan = off",
};

/** Attacks from within a trigger on a table of one's own: the statement at the given depth. */
const deep = (statement: string, depth: number) => `
  create temp table level0 (x int);
  ${
  Array.from({ length: depth }, (_, level) => `
    create temp table level${level + 1} (x int);
    create function pg_temp.f${level}() returns trigger language plpgsql as $f$ begin
      ${
    level + 1 === depth
      ? statement
      : `insert into pg_temp.level${level + 1} values (1)`
  };
      return null; end $f$;
    create trigger t after insert on level${level} for each row execute function pg_temp.f${level}();`)
    .join("")
}
  insert into level0 values (1)`;

const WRITERS: Actor[] = ["service_role", "owner", "superuser"];

describe.each(SERVER_ONLY)("on $name", (engine) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(engine, EVERY_PRIVILEGE);
  });
  afterAll(() => scene.db.close());

  describe.each(WRITERS)("%s with every privilege", (actor) => {
    test.each(Object.entries(SHADOWS))(
      "is refused despite %s",
      async (_, setup) => {
        for (const statement of [NULL_KEY, ...DELETES]) {
          expect(await scene.attack(actor, `${setup}; ${statement}`))
            .toMatchObject(GUARDED);
        }
      },
    );

    test.each([1, 2, 5])(
      "is refused despite %i triggers on temporary tables",
      async (depth) => {
        for (
          const statement of [
            NULL_KEY,
            ...DELETES,
            "truncate public.audit_log",
            "truncate public.llm_usage_log cascade",
          ]
        ) {
          expect(await scene.attack(actor, deep(statement, depth)))
            .toMatchObject(GUARDED);
        }
      },
    );

    test("is refused despite a temporary table that cascades like the log's parent", async () => {
      expect(
        await scene.attack(
          actor,
          `create temp table parent (id int primary key);
           create temp table child (id int references parent on delete cascade);
           insert into parent values (1); insert into child values (1);
           create function pg_temp.f() returns trigger language plpgsql as $f$ begin ${DELETE_ROWS}; return old; end $f$;
           create trigger t before delete on child for each row execute function pg_temp.f();
           delete from parent`,
        ),
      ).toMatchObject(GUARDED);
    });
  });

  test("a policy that hides the parents from the guard's owner does not weaken the guard", async () => {
    const hide = `
      alter table users enable row level security; alter table users force row level security;
      create policy nobody on users as restrictive for all to public using (false)`;
    expect(await scene.attack("owner", `${hide}; ${NULL_KEY}`))
      .toMatchObject(GUARDED);
    // As hosted roles may one day be: an owner whom row security binds.
    expect(
      await scene.attack(
        "superuser",
        `alter role postgres_like nobypassrls; ${hide}; ${NULL_KEY}`,
      ),
    ).toMatchObject(REFUSED);
  });

  test("an API role cannot become the owner", async () => {
    if (scene.db.engine === "PGlite") return; // its one session is the superuser's
    for (const role of ["postgres_like", "postgres"]) {
      const statements = [
        `set role ${role}`,
        `set session authorization ${role}`,
        `grant ${role} to service_role`,
      ];
      for (const statement of statements) {
        expect(await scene.attack("service_role", statement), statement)
          .toMatchObject(REFUSED);
      }
    }
  });
});
