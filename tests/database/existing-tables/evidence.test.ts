import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  applyMigrations,
  createEmptyDatabase,
  ENGINES,
  overPostgres,
  queryAs,
  SERVER_ONLY,
  type TestDatabase,
  useDatabase,
} from "../../support/databases.ts";
import { LOGS } from "../../support/specification.ts";
import { expectOneLeaf } from "../../support/evidence-leaves.ts";
import {
  FIRMS,
  FIRST_DATABASE,
  MODEL_USAGE_ROWS,
  PROJECTS,
  SECOND_DATABASE,
  SECOND_ROWS,
  TOOL_USAGE_ROWS,
  USERS,
} from "./existing-databases.ts";
import { sealEverything, verify } from "./verify.ts";

const BOTH = FIRST_DATABASE + SECOND_DATABASE + TOOL_USAGE_ROWS;
const OLD_ROWS = MODEL_USAGE_ROWS + 2 * SECOND_ROWS + 20;

describe.each(ENGINES)("the rows from before the push on $name", (engine) => {
  const db = useDatabase(engine.empty);
  beforeAll(async () => {
    await db.exec(BOTH);
    await applyMigrations(db);
  });

  test("have a leaf each, of kind backfill, that verifies", async () => {
    await sealEverything(db.query);
    const kinds = await db.query(
      "select kind, count(*)::int as leaves, count(distinct row_id)::int as rows from ledger.leaves where kind <> 'seal' group by kind",
    );
    expect(kinds).toEqual([
      { kind: "backfill", leaves: OLD_ROWS, rows: OLD_ROWS },
    ]);
    const { ok, faults, counts } = await verify(db.query);
    expect(faults).toEqual([]);
    expect(ok).toBe(true);
    expect(counts).toMatchObject({
      backfilled: OLD_ROWS,
      rowsCompared: OLD_ROWS,
      rows: 0,
    });
    for (const log of LOGS) {
      const [{ id }] = await db.query<{ id: string }>(
        `select id from public.${log} order by id limit 1`,
      );
      await expectOneLeaf(db.query, log, id, "backfill/v1");
    }
  });

  test.each(LOGS)("cannot be changed in %s by any role", async (log) => {
    const id = `(select min(id::text)::uuid from ${log})`;
    const changes = [
      `update ${log} set id = gen_random_uuid() where id = ${id}`,
      `delete from ${log} where id = ${id}`,
      `truncate ${log} cascade`,
      `insert into ${log} select * from ${log} where id = ${id}
        on conflict (id) do update set id = excluded.id`,
    ];
    for (const change of changes) {
      await expect(db.query(change)).rejects.toMatchObject({ code: "42501" });
      for (const role of ["anon", "authenticated", "service_role"] as const) {
        await expect(queryAs(db, role, null, change))
          .rejects.toMatchObject({ code: "42501" });
      }
    }
  });

  test.each(["anon", "authenticated", "service_role"] as const)(
    "are followed by rows that %s inserts and reads, with their leaves",
    async (role) => {
      const [{ id, rows }] = await db.as(role, null, async (query) => {
        const [{ id }] = await query<{ id: string }>(
          `insert into model_usage_log (reported_model_name, reported_model_id)
            values ('Opus', 'opus') on conflict (id) do nothing returning id`,
        );
        return await query<{ id: string; rows: number }>(
          "select $1 as id, count(*)::int as rows from model_usage_log",
          [id],
        );
      });
      expect(rows).toBeGreaterThan(MODEL_USAGE_ROWS);
      await expectOneLeaf(db.query, "model_usage_log", id);
    },
  );

  test("lose their references and are deleted with their firm, with leaves", async () => {
    await db.query("delete from cma_projects where id = $1", [PROJECTS[0]]);
    await db.query("delete from firms where id = $1", [FIRMS[1]]);
    await sealEverything(db.query);
    const { faults, counts } = await verify(db.query);
    expect(faults).toEqual([]);
    expect(counts).toMatchObject({ tombstones: SECOND_ROWS, rows: 3 });
    expect(counts.nulled).toBeGreaterThan(30);
  });
});

/** So many that the push does not capture all: those of audit_log come first. */
const MANY_ROWS = 30_000;
const MANY = `
  insert into public.audit_log (id, firm_id, user_id, action, entity_type)
  select md5('many ' || n)::uuid, ('{${FIRMS}}'::uuid[])[n % 2 + 1],
    case when n % 1000 = 1 then '${USERS[1]}'::uuid end, 'run', 'file'
  from generate_series(1, ${MANY_ROWS}) n;
  insert into public.users (id, firm_id, email)
  select md5('user ' || n)::uuid, '${
  FIRMS[0]
}', n || '@one.example' from generate_series(1, 9) n;
  insert into public.audit_log (id, firm_id, user_id, action, entity_type)
  select ('ffffffff-0000-4000-8000-00000000000' || n)::uuid, '${
  FIRMS[0]
}', md5('user ' || n)::uuid, 'late', 'file'
  from generate_series(1, 9) n;
`;
const ALL_ROWS = OLD_ROWS + MANY_ROWS + 9;
const BATCH = 10_000;

const readBacklog = async ({ query }: TestDatabase): Promise<number> => {
  const [{ left }] = await query<{ left: number }>(
    "select coalesce(sum(rows_left), 0)::int as left from ledger.backlog",
  );
  return left;
};

describe.each(SERVER_ONLY)(
  "30,000 rows from before the push on $name",
  (engine) => {
    test("are captured in batches, during changes", async () => {
      const db = await engine.empty();
      await db.exec(BOTH + MANY);
      await applyMigrations(db);
      expect(await readBacklog(db)).toBe(ALL_ROWS - BATCH);
      const findings = await db.query<{ object: string; problem: string }>(
        "select object, problem from ledger.doctor() order by object",
      );
      expect(findings.map(({ object }) => object)).toEqual([
        "public.audit_log",
        "public.llm_usage_log",
        "public.model_usage_log",
        "public.tool_usage_ledger",
      ]);
      expect(findings[2].problem).toMatch(
        new RegExp(`^${MODEL_USAGE_ROWS} rows .* no leaf yet`),
      );
      const [{ state }] = await db.query<{ state: { backlog: number } }>(
        "select ledger.state() as state",
      );
      expect(state.backlog).toBe(ALL_ROWS - BATCH);

      // Rows that have no leaf: nulled, deleted, both; and rows that are new.
      await db.query("delete from cma_projects where id = $1", [PROJECTS[0]]);
      await db.query("delete from users where id = md5('user 1')::uuid");
      await queryAs(
        db,
        "anon",
        null,
        "insert into model_usage_log (id, reported_model_name, reported_model_id) values ('00000000-0000-4000-8000-000000000001', 'a', 'b'), (gen_random_uuid(), 'a', 'b')",
      );
      const [{ erased }] = await db.query<{ erased: number }>(
        "select ledger.erase_person(md5('user 6')::uuid, 'T-1', '{Ada,Ben}')::int as erased",
      );
      expect(erased).toBe(1);
      const [{ sealed }] = await db.query<{ sealed: { backlog: number } }>(
        "select ledger.seal() as sealed",
      );
      expect(sealed.backlog).toBe(await readBacklog(db));
      expect(sealed.backlog).toBeLessThan(ALL_ROWS - BATCH);
      expect(sealed.backlog).toBeGreaterThanOrEqual(ALL_ROWS - 2 * BATCH - 200);
      await db.query("delete from users where id = md5('user 2')::uuid");
      await db.query("delete from firms where id = $1", [FIRMS[1]]);

      const backlogs = await sealEverything(db.query);
      expect(backlogs.slice(-1)).toEqual([undefined]);
      expect(await readBacklog(db)).toBe(0);
      expect(await db.query("select * from ledger.doctor()")).toEqual([]);
      const { faults, counts } = await verify(db.query);
      expect(faults.slice(0, 5)).toEqual([]);
      const backfilled = ALL_ROWS - counts.tombstones;
      expect(counts).toMatchObject({ rows: 2, backfilled });
      expect(counts.tombstones).toBe(MANY_ROWS / 2 + SECOND_ROWS);
      await db.close();
    });
  },
);

describe("concurrent capture of existing rows", () => {
  let url: string;
  let db: TestDatabase;
  let other: TestDatabase;
  beforeAll(async () => {
    url = await createEmptyDatabase();
    [db, other] = [overPostgres(url), overPostgres(url)];
    await db.exec(BOTH + MANY);
    await applyMigrations(db);
  });
  afterAll(async () => {
    await other.close();
    await db.close();
  });

  test("waits for no session, and captures each row once", async () => {
    // Another session captures, and has not committed.
    await other.exec("begin; select ledger.capture_backlog(500)");
    const before = await readBacklog(db);
    await db.query("select ledger.capture_backlog(500)");
    await other.exec("commit");
    expect(before - await readBacklog(db)).toBe(500);

    // Another session nulls a row, deletes others, and takes one of both back.
    await other.exec(
      "begin; delete from users where id in (md5('user 3')::uuid, md5('user 4')::uuid)",
    );
    const third = overPostgres(url);
    await third.exec("begin; delete from users where id = md5('user 5')::uuid");
    while (await readBacklog(db) > 900) {
      await db.query("select ledger.capture_backlog()");
    }
    await other.exec("commit");
    await third.exec("rollback");
    await third.close();

    // Both seal at once, until all is sealed.
    await Promise.all([sealEverything(db.query), sealEverything(other.query)]);
    expect(await readBacklog(db)).toBe(0);
    const { faults, counts } = await verify(db.query);
    expect(faults.slice(0, 5)).toEqual([]);
    expect(counts).toMatchObject({ backfilled: ALL_ROWS, nulled: 2 });
  });
});
