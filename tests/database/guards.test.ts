import { describe, expect, test } from "vitest";
import { ENGINES, useDatabase } from "../support/databases.ts";
import { openOwnedDatabase } from "../support/owned-database.ts";
import { APPEND_ONLY } from "../support/side-tables.ts";
import {
  addAudit,
  addModelUsage,
  addToolUsage,
  insertParents,
} from "../support/log-rows.ts";

const GUARDED = { code: "42501" };
const CANNOT_GUARD = { code: "0A000" };

describe.each(ENGINES)("guards on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  /** Runs the test's statements and takes them back. */
  async function within(setup: string, work: () => Promise<unknown>) {
    await db.exec(`begin; ${setup}`);
    try {
      await work();
    } finally {
      await db.exec("rollback");
    }
  }

  /** Asserts that a statement is refused, and goes on in the same transaction. */
  async function refused(sql: string, error: object = GUARDED) {
    await db.exec("savepoint attempt");
    await expect(db.exec(sql), sql).rejects.toMatchObject(error);
    await db.exec("rollback to attempt");
  }

  const count = async (table: string, where = "true") =>
    (await db.query<{ count: number }>(
      `select count(*)::int as count from ${table} where ${where}`,
    ))[0].count;

  test.each(APPEND_ONLY)(
    "%s has three guard triggers, all ENABLE ALWAYS, none on INSERT",
    async (log) => {
      const rows = await db.query(
        `select tgname, tgenabled, tgtype::int & 4 <> 0 as on_insert, tgfoid::regproc::text as function
        from pg_trigger where tgrelid = $1::regclass and tgname like 'guard%' order by 1`,
        [`public.${log}`],
      );
      expect(rows).toEqual(
        ["guard_after", "guard_before", "guard_statement"].map((tgname) => ({
          tgname,
          tgenabled: "A",
          on_insert: false,
          function: `ledger.guard_${log}`,
        })),
      );
    },
  );

  test.each(APPEND_ONLY)(
    "the guard function of %s is SECURITY DEFINER with pinned settings",
    async (log) => {
      const [row] = await db.query(
        `select prosecdef, proconfig, prosrc ~* 'execute' as dynamic,
          has_function_privilege('service_role', oid, 'execute') as open
        from pg_proc where oid = $1::regprocedure`,
        [`ledger.guard_${log}()`],
      );
      expect(row).toEqual({
        prosecdef: true,
        proconfig: ["search_path=pg_catalog, pg_temp", "row_security=off"],
        dynamic: false,
        open: false,
      });
    },
  );

  test.each([
    [
      "update audit_log set action = 'x'",
      "UPDATE",
      "record a new entry that corrects this one",
    ],
    ["delete from audit_log", "DELETE", "record a reversing entry"],
    ["truncate audit_log", "TRUNCATE", "record reversing entries"],
  ])("%s fails with the alternative", async (sql, operation, instead) => {
    const parents = await insertParents(db);
    await addAudit(db.query, { firm_id: parents.firm1 });
    await expect(db.exec(sql)).rejects.toMatchObject({
      ...GUARDED,
      message: expect.stringMatching(
        `${operation} of public.audit_log is refused, because the log is append-only: .*${instead}`,
      ),
    });
  });

  test("a reversing entry has negative cost and tokens", async () => {
    const parents = await insertParents(db);
    const keys = { agent_id: parents.agent, tool_id: parents.tool };
    await addToolUsage(db.query, {
      ...keys,
      cost_usd: "0.5",
      tokens_consumed: 70,
    });
    await addToolUsage(db.query, {
      ...keys,
      cost_usd: "-0.5",
      tokens_consumed: -70,
    });
    expect(
      await db.query(
        "select sum(cost_usd)::text as cost, sum(tokens_consumed)::int as tokens from tool_usage_ledger where agent_id = $1",
        [parents.agent],
      ),
    ).toEqual([{ cost: "0.000000", tokens: 0 }]);
  });

  test("an INSERT … ON CONFLICT DO NOTHING of an existing row is allowed", async () => {
    const id = await addModelUsage(db.query);
    await db.query(
      "insert into model_usage_log select * from model_usage_log where id = $1 on conflict (id) do nothing",
      [id],
    );
    expect(await count("model_usage_log", `id = '${id}'`)).toBe(1);
  });

  test("ledger.guard() updates the guard for a new foreign key", async () => {
    const id = await addModelUsage(db.query);
    await within(
      `create table runs (id uuid primary key); insert into runs values ('${id}');
       alter table model_usage_log add run_id uuid references runs on delete set null default '${id}'`,
      async () => {
        await refused("delete from runs");
        await db.exec("select ledger.guard('model_usage_log')");
        await refused("update model_usage_log set run_id = null");
        await db.exec("delete from runs");
        expect(await count("model_usage_log", "run_id is null")).toBe(
          await count("model_usage_log"),
        );
      },
    );
  });

  test("ledger.guard() changes nothing for unchanged foreign keys", async () => {
    const read = () =>
      db.query(
        "select pg_get_functiondef('ledger.guard_audit_log()'::regprocedure) as definition",
      );
    const before = await read();
    await db.exec("select ledger.guard('audit_log')");
    expect(await read()).toEqual(before);
  });

  test("a key of several columns is missing only when no parent matches all of its columns", async () => {
    await within(
      `create table places (a int, b text, primary key (a, b));
       insert into places values (1, 'x'), (1, 'y');
       create table visits (id int primary key, a int, b text, note text,
         foreign key (a, b) references places on delete set null);
       insert into visits values (1, 1, 'x', 'n'), (2, 1, 'y', 'n'), (3, null, 'y', 'n'), (4, 1, null, 'n');
       select ledger.guard('visits')`,
      async () => {
        await refused("update visits set a = null, b = null where id = 1");
        await refused("update visits set a = null where id = 4");
        await refused("update visits set b = null where id = 3");
        await refused("delete from visits where id = 3");
        await db.exec("delete from places where b = 'x'");
        expect(await db.query("select * from visits order by id")).toEqual([
          { id: 1, a: null, b: null, note: "n" },
          { id: 2, a: 1, b: "y", note: "n" },
          { id: 3, a: null, b: "y", note: "n" },
          { id: 4, a: 1, b: null, note: "n" },
        ]);
      },
    );
  });

  test("ON DELETE SET NULL (column) nulls that column only", async () => {
    await within(
      `create table places (a int, b text, primary key (a, b)); insert into places values (1, 'x'), (1, 'y');
       create table visits (id int primary key, a int not null, b text,
         foreign key (a, b) references places on delete set null (b));
       insert into visits values (1, 1, 'x'), (2, 1, 'y');
       select ledger.guard('visits')`,
      async () => {
        await refused("update visits set b = null where id = 1");
        await db.exec("delete from places where b = 'x'");
        expect(await db.query("select * from visits order by id")).toEqual([
          { id: 1, a: 1, b: null },
          { id: 2, a: 1, b: "y" },
        ]);
      },
    );
  });

  test("a key of several columns cascades", async () => {
    await within(
      `create table places (a int, b text, primary key (a, b)); insert into places values (1, 'x'), (1, 'y');
       create table visits (id int primary key, a int, b text, foreign key (a, b) references places on delete cascade);
       insert into visits values (1, 1, 'x'), (2, 1, 'y');
       select ledger.guard('visits')`,
      async () => {
        await refused("delete from visits");
        await db.exec("delete from places where b = 'x'");
        expect(await db.query("select id from visits")).toEqual([{ id: 2 }]);
      },
    );
  });

  test("guards support quoted names, other types and a partitioned parent", async () => {
    await within(
      `create schema "Odd one"; create table "Odd one"."The parents" ("Id" bigint primary key) partition by range ("Id");
       create table "Odd one".p1 partition of "Odd one"."The parents" for values from (0) to (10);
       create table "Odd one".p2 partition of "Odd one"."The parents" for values from (10) to (20);
       insert into "Odd one"."The parents" values (1), (11), (12);
       create table "The log" (id int primary key, "Parent Id" int references "Odd one"."The parents" on delete set null,
         "order" bigint references "Odd one"."The parents" on delete cascade);
       insert into "The log" values (1, 1, 11), (2, 11, 12), (3, 12, 1);
       select ledger.guard('The log')`,
      async () => {
        await refused(`update "The log" set "Parent Id" = null`);
        await refused(`delete from "The log"`);
        await db.exec(`delete from "Odd one"."The parents" where "Id" = 11`);
        expect(await db.query(`select * from "The log" order by id`))
          .toMatchObject([
            { id: 2, "Parent Id": null },
            { id: 3, "Parent Id": 12 },
          ]);
      },
    );
  });

  test("a self-referencing log keeps every row", async () => {
    await within(
      `create table nodes (id int primary key, parent int references nodes on delete cascade);
       insert into nodes values (1, null), (2, 1), (3, 2);
       select ledger.guard('nodes')`,
      async () => {
        for (const id of [1, 2, 3]) {
          await refused(`delete from nodes where id = ${id}`);
        }
        expect(await count("nodes")).toBe(3);
      },
    );
  });

  test("a row of a table that inherits from the parent does not count as the parent", async () => {
    await within(
      `create table parents (id int primary key); create table heirs () inherits (parents);
       create table children (id int references parents on delete cascade);
       insert into parents values (1); insert into heirs values (1); insert into children values (1);
       select ledger.guard('children')`,
      async () => {
        await db.exec("delete from only parents");
        expect(await count("children")).toBe(0);
      },
    );
  });

  test("a column added later does not change the image of an old row", async () => {
    const parents = await insertParents(db);
    await addAudit(db.query, {
      firm_id: parents.firm1,
      user_id: parents.user1,
    });
    await within(
      "alter table audit_log add note text default 'later'",
      async () => {
        await db.query("delete from users where id = $1", [parents.user1]);
        expect(
          await count(
            "audit_log",
            `firm_id = '${parents.firm1}' and user_id is null and note = 'later'`,
          ),
        ).toBe(1);
      },
    );
  });

  describe("a guard is refused", () => {
    test.each([
      [
        "for SET DEFAULT",
        "alter table audit_log add x uuid references firms on delete set default",
        "SET DEFAULT",
      ],
      [
        "for ON UPDATE CASCADE",
        "alter table audit_log add x uuid references firms on update cascade",
        "ON UPDATE NO ACTION",
      ],
      [
        "for ON UPDATE SET NULL",
        "alter table audit_log add x uuid references firms on update set null",
        "ON UPDATE NO ACTION",
      ],
      [
        "for ON UPDATE SET DEFAULT",
        "alter table audit_log add x uuid references firms on update set default",
        "ON UPDATE NO ACTION",
      ],
      [
        "for a key that was never validated",
        "alter table audit_log add x uuid, add constraint unchecked foreign key (x) references firms on delete cascade not valid",
        "validate the constraint",
      ],
      [
        "for a log with a generated column",
        "alter table audit_log add x text generated always as (action || '!') stored",
        "generated column",
      ],
      [
        "for a log that others inherit from",
        "create table heir () inherits (audit_log)",
        "inherits",
      ],
    ])("%s, with the reason", async (_, setup, reason) => {
      await within(setup, async () => {
        await refused("select ledger.guard('audit_log')", {
          ...CANNOT_GUARD,
          message: expect.stringMatching(
            `cannot guard public.audit_log: .*${reason}`,
          ),
        });
      });
    });

    test("for a partitioned log", async () => {
      await within(
        "create table parted (id int) partition by hash (id)",
        () => refused("select ledger.guard('parted')", CANNOT_GUARD),
      );
    });

    test("for a missing table", async () => {
      await within(
        "select 1",
        () => refused("select ledger.guard('nowhere')", { code: "42P01" }),
      );
    });

    test(
      "when the log's owner may not read the parent",
      async () => {
        const owned = await openOwnedDatabase(engine);
        await owned.exec(`
        create schema closed; create table closed.secrets (id uuid primary key);
        grant references on closed.secrets to postgres_like; grant usage on schema closed to postgres_like`);
        const addKey =
          "alter table model_usage_log add secret_id uuid references closed.secrets on delete set null; select ledger.guard('model_usage_log')";
        await expect(owned.attempt("owner", addKey)).rejects.toMatchObject({
          ...CANNOT_GUARD,
          message: expect.stringContaining(
            "grant select on closed.secrets to postgres_like",
          ),
        });
        await owned.exec("grant select on closed.secrets to postgres_like");
        await owned.attempt("owner", addKey);
        await owned.close();
      },
      30_000,
    );
  });
});
