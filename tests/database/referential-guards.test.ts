import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  createMigratedDatabase,
  overPostgres,
  SERVER_ONLY,
  useDatabase,
} from "../support/databases.ts";
import { type Actor, openOwnedDatabase } from "../support/owned-database.ts";
import { SIDE_TABLE_NAMES } from "../support/side-tables.ts";
import {
  addAudit,
  addBudget,
  addDetails,
  addLlmUsage,
  addPrice,
  addRating,
  insertParents,
  useParents,
} from "../support/log-rows.ts";

const CHILDREN = 20_000;
const SERIALIZATION_FAILURE = { code: "40001" };

type Row = Record<string, unknown>;

/** Whoever deletes parents: the rows change in the owner's name in every case. */
const DELETERS: Actor[] = ["service_role", "owner", "superuser"];

describe.each(SERVER_ONLY)(
  "referential actions under guards on $name",
  (engine) => {
    const db = useDatabase(() => openOwnedDatabase(engine));
    const parents = useParents(db);

    /** A log's rows of both firms, by id. */
    const rowsOf = (log: string) =>
      db.query<Row>(
        `select * from ${log} where firm_id = any ($1) order by id`,
        [[parents.firm1, parents.firm2]],
      );
    const inEach = (rows: Row[], change: Row, of: (row: Row) => boolean) =>
      rows.map((row) => of(row) ? { ...row, ...change } : row);

    async function record() {
      const { firm1, firm2, user1, user2, project1, project2 } = parents;
      for (
        const [firm_id, user_id] of [[firm1, user1], [firm1, null], [
          firm1,
          user2,
        ], [firm2, user2]]
      ) {
        await addAudit(db.query, {
          firm_id: firm_id!,
          user_id,
          metadata: { count: 1, nested: { list: [1.0, "x"] } },
          ip_address: "::1",
        });
      }
      for (
        const [firm_id, cma_project_id] of [[firm1, project1], [firm1, null], [
          firm2,
          project2,
        ]]
      ) {
        const id = await addLlmUsage(db.query, {
          firm_id: firm_id!,
          cma_project_id,
          cost_usd: "1234.500000",
          error_message: "x".repeat(10_000),
        });
        await addDetails(db.query, { id, firm_id: firm_id! });
        await addRating(db.query, { usage_id: id, firm_id: firm_id! });
        await addPrice(db.query, { firm_id });
        await addBudget(db.query, { firm_id: firm_id!, cma_project_id });
      }
    }

    describe.each(DELETERS)("when %s deletes", (actor) => {
      // Projects may grant it; the migrations leave it to the owner.
      beforeAll(() =>
        db.exec(
          "grant delete on firms, users, cma_projects to service_role",
        )
      );
      beforeEach(record);

      test("a user, the key is nulled and nothing else changes", async () => {
        const before = await rowsOf("audit_log");
        await db.attempt(
          actor,
          `delete from users where id = '${parents.user1}'`,
        );
        expect(await rowsOf("audit_log")).toEqual(
          inEach(
            before,
            { user_id: null },
            (row) => row.user_id === parents.user1,
          ),
        );
      });

      test.each(["llm_usage_log", ...SIDE_TABLE_NAMES])(
        "a firm, its rows of %s are deleted and no others",
        async (table) => {
          const before = await rowsOf(table);
          const kept = before.filter((row) => row.firm_id === parents.firm2);
          expect(kept).toHaveLength(1);
          await db.attempt(
            actor,
            `delete from firms where id = '${parents.firm1}'`,
          );
          expect(await rowsOf(table)).toEqual(kept);
        },
      );

      test("a firm, a row that is both nulled and cascaded is deleted", async () => {
        const before = await rowsOf("audit_log");
        await db.attempt(
          actor,
          `delete from firms where id = '${parents.firm2}'`,
        );
        expect(await rowsOf("audit_log")).toEqual(
          inEach(
            before.filter((row) => row.firm_id !== parents.firm2),
            { user_id: null },
            (row) => row.user_id === parents.user2,
          ),
        );
      });

      test("many parents in one statement, each row loses its own key", async () => {
        const before = await rowsOf("audit_log");
        await db.attempt(
          actor,
          `delete from users where id in ('${parents.user1}', '${parents.user2}')`,
        );
        expect(await rowsOf("audit_log")).toEqual(
          inEach(before, { user_id: null }, () => true),
        );
      });

      test("all firms in one statement, all of their rows are deleted", async () => {
        await db.attempt(
          actor,
          `delete from firms where id in ('${parents.firm1}', '${parents.firm2}')`,
        );
        for (
          const table of ["audit_log", "llm_usage_log", ...SIDE_TABLE_NAMES]
        ) {
          expect(await rowsOf(table), table).toEqual([]);
        }
      });

      test("two kinds of parents in one CTE, both actions apply", async () => {
        const before = await rowsOf("audit_log");
        await db.attempt(
          actor,
          `with u as (delete from users where id = '${parents.user2}' returning id),
          f as (delete from firms where id = '${parents.firm1}' returning id)
        select * from u, f`,
        );
        expect(await rowsOf("audit_log")).toEqual(
          inEach(
            before.filter((row) => row.firm_id === parents.firm2),
            { user_id: null },
            () => true,
          ),
        );
      });

      test.each(["read committed", "repeatable read", "serializable"])(
        "at %s, the same actions apply",
        async (level) => {
          const before = await rowsOf("llm_usage_log");
          await db.attempt(
            actor,
            `set transaction isolation level ${level};
         select count(*) from audit_log;
         delete from cma_projects where id = '${parents.project1}';
         delete from users where id = '${parents.user1}';
         delete from firms where id = '${parents.firm2}'`,
          );
          expect(await rowsOf("llm_usage_log")).toEqual(
            inEach(
              before.filter((row) => row.firm_id === parents.firm1),
              { cma_project_id: null },
              (row) => row.cma_project_id === parents.project1,
            ),
          );
        },
      );

      test("a parent created in the same transaction, the key is nulled", async () => {
        const id = crypto.randomUUID();
        await db.attempt(
          actor,
          `insert into cma_projects (id, firm_id, name) values ('${id}', '${parents.firm1}', 'Short');
         insert into llm_usage_log (firm_id, cma_project_id, model, task_type, input_tokens, output_tokens, cost_usd)
           values ('${parents.firm1}', '${id}', 'short-lived', 'extraction', 1, 1, 0);
         delete from cma_projects where id = '${id}'`,
        );
        const [row] = (await rowsOf("llm_usage_log")).filter((row) =>
          row.model === "short-lived"
        );
        expect(row.cma_project_id).toBeNull();
      });

      test("after a savepoint that is rolled back, nothing changes", async () => {
        const before = await rowsOf("audit_log");
        await db.attempt(
          actor,
          `savepoint s; delete from firms where id = '${parents.firm1}'; rollback to s`,
        );
        expect(await rowsOf("audit_log")).toEqual(before);
      });
    });

    test("guards support a parent in another schema, of another owner and with row security", async () => {
      // As auth.users: neither the log's owner nor the API roles own it.
      await record();
      const before = await rowsOf("audit_log");
      await db.exec(`begin;
      create role auth_keeper;
      create schema keep authorization auth_keeper;
      set local role auth_keeper;
      create table keep.accounts (id uuid primary key);
      alter table keep.accounts enable row level security;
      alter table keep.accounts force row level security;
      create policy nobody on keep.accounts as restrictive using (false);
      create policy own on keep.accounts to auth_keeper using (true);
      grant usage on schema keep to postgres_like;
      grant select, references on keep.accounts to postgres_like;
      reset role;
      insert into keep.accounts select id from audit_log;
      set local role postgres_like;
      alter table audit_log add account_id uuid references keep.accounts on delete set null;
      alter table llm_usage_log add account_id uuid references keep.accounts on delete cascade;
      select ledger.guard('audit_log'), ledger.guard('llm_usage_log');
      reset role;
      insert into audit_log (firm_id, action, entity_type, account_id)
        select '${parents.firm1}', 'with an account', 'account', id from keep.accounts;
      insert into llm_usage_log (firm_id, account_id, model, task_type, input_tokens, output_tokens, cost_usd)
        select '${parents.firm1}', id, 'with an account', 'extraction', 1, 1, 0 from keep.accounts;
      drop policy nobody on keep.accounts`);
      try {
        const [{ accounts }] = await db.query<{ accounts: number }>(
          "select count(*)::int as accounts from keep.accounts",
        );
        await db.exec("savepoint s; set local role postgres_like");
        await expect(db.exec("update audit_log set account_id = null"))
          .rejects.toMatchObject({ code: "42501" });
        await db.exec(
          "rollback to s; set local role auth_keeper; delete from keep.accounts; reset role",
        );
        expect(
          await db.query(
            "select count(*)::int as rows, count(account_id)::int as keys from audit_log where action = 'with an account'",
          ),
        ).toEqual([{ rows: accounts, keys: 0 }]);
        expect(
          await db.query(
            "select from llm_usage_log where model = 'with an account'",
          ),
        ).toEqual([]);
      } finally {
        await db.exec("rollback");
      }
      expect(await rowsOf("audit_log")).toEqual(before);
    });

    test(`guards let ${CHILDREN} rows of one user and one firm be nulled and deleted`, async () => {
      const { firm1, user1 } = parents;
      const remaining = () =>
        db.query(
          "select count(*)::int as rows, count(user_id)::int as keys from audit_log where firm_id = $1",
          [firm1],
        );
      await db.exec(`begin;
        insert into audit_log (firm_id, user_id, action, entity_type)
          select '${firm1}', '${user1}', 'many', 'row ' || n from generate_series(1, ${CHILDREN}) n`);
      try {
        await db.exec(`delete from users where id = '${user1}'`);
        expect(await remaining()).toEqual([{ rows: CHILDREN, keys: 0 }]);
        await db.exec(`delete from firms where id = '${firm1}'`);
        expect(await remaining()).toEqual([{ rows: 0, keys: 0 }]);
      } finally {
        await db.exec("rollback");
      }
    });
  },
);

describe("guards in concurrent sessions on PostgreSQL 17", () => {
  test(
    "a row recorded during its user's deletion waits and is refused",
    async () => {
      const url = await createMigratedDatabase();
      const [one, two] = [overPostgres(url), overPostgres(url)];
      const { firm1, user1 } = await insertParents(one);
      await one.exec(`begin; delete from users where id = '${user1}'`);
      const recording = addAudit(two.query, { firm_id: firm1, user_id: user1 });
      const refused = expect(recording).rejects.toMatchObject({
        code: "23503",
      });
      await one.exec("commit");
      await refused;
      expect(await one.query("select from audit_log")).toEqual([]);
      await one.close();
      await two.close();
    },
    30_000,
  );

  test(
    "a row recorded after a snapshot makes the deletion fail, and a retry works",
    async () => {
      const url = await createMigratedDatabase();
      const [one, two] = [overPostgres(url), overPostgres(url)];
      const { firm1, user1 } = await insertParents(one);
      await one.exec(
        "begin isolation level repeatable read; select from users",
      );
      await addAudit(two.query, { firm_id: firm1, user_id: user1 });
      const remove = `delete from users where id = '${user1}'`;
      await expect(one.exec(remove)).rejects.toMatchObject(
        SERIALIZATION_FAILURE,
      );
      await one.exec("rollback");
      await one.exec(remove);
      expect(await one.query("select user_id from audit_log")).toEqual([{
        user_id: null,
      }]);
      await one.close();
      await two.close();
    },
    30_000,
  );

  test(
    "an update that waited for a rolled-back deletion is refused",
    async () => {
      const url = await createMigratedDatabase();
      const [one, two] = [overPostgres(url), overPostgres(url)];
      const { firm1, user1 } = await insertParents(one);
      await addAudit(one.query, { firm_id: firm1, user_id: user1 });
      await one.exec(`begin; delete from users where id = '${user1}'`);
      const refused = expect(
        two.exec(
          `update audit_log set user_id = null where user_id = '${user1}'`,
        ),
      ).rejects.toMatchObject({ code: "42501" });
      await one.exec("rollback");
      await refused;
      expect(await one.query("select user_id from audit_log")).toEqual([{
        user_id: user1,
      }]);
      await one.close();
      await two.close();
    },
    30_000,
  );
});
