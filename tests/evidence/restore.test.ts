import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createDatabase,
  installSupabaseRoles,
  type PostgresServer,
  startPostgres,
} from "../../local/postgres.ts";
import type { LogName } from "../../shared/logs/index.ts";
import {
  applyMigrations,
  createMigratedDatabase,
  overPostgres,
  type TestDatabase,
} from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";
import {
  addAudit,
  addLlmUsage,
  addModelUsage,
  addToolUsage,
  insertParents,
} from "../support/log-rows.ts";
import {
  expectOneLeaf,
  readLeaves,
  seal,
  sealAll,
} from "../support/evidence-leaves.ts";

/** What a dump holds, in the order in which it is loaded. */
const TABLES = [
  "public.firms",
  "public.users",
  "public.cma_projects",
  "public.agent_registry",
  "public.tool_registry",
  "public.ventures",
  ...LOGS.map((log) => `public.${log}`),
  "ledger.pending_leaves",
  "ledger.salts",
  "ledger.leaves",
  "ledger.nodes",
  "ledger.checkpoints",
];
const EVIDENCE = TABLES.filter((table) => table.startsWith("ledger."));

/**
 * What pg_restore does, which the binaries here lack: the rows come while no
 * trigger is there that would capture them a second time.
 */
async function restore(from: TestDatabase, to: TestDatabase): Promise<void> {
  const [{ directory }] = await from.query<{ directory: string }>(
    "select current_setting('data_directory') as directory",
  );
  const file = (table: string) =>
    `'${directory}/${crypto.randomUUID()}.${table}'`;
  const files = TABLES.map((table) => [table, file(table)]);
  await from.exec(
    files.map(([table, file]) => `copy ${table} to ${file}`).join(";"),
  );
  const triggers = (change: string) =>
    LOGS.map((log) =>
      `alter table public.${log} ${change} trigger capture_insert;`
    )
      .join("");
  await to.exec(`begin; ${triggers("disable")}
    ${files.map(([table, file]) => `copy ${table} from ${file}`).join(";")};
    select setval('ledger.pending_leaves_seq_seq', coalesce(max(seq), 0) + 1) from ledger.pending_leaves;
    ${triggers("enable always")} commit`);
}

const readTables = async (db: TestDatabase, tables: string[]) => {
  const contents: Record<string, unknown> = {};
  for (const table of tables) {
    contents[table] = await db.query(
      `select to_jsonb(t)::text as row from ${table} t order by 1`,
    );
  }
  return contents;
};

describe("a restore on PostgreSQL 17", () => {
  let source: TestDatabase;
  let rows: { log: LogName; id: string }[];
  const opened: TestDatabase[] = [];
  const open = (url: string) => {
    opened.push(overPostgres(url));
    return opened.at(-1)!;
  };
  let elsewhere: PostgresServer;

  beforeAll(async () => {
    source = open(await createMigratedDatabase());
    // Far ahead of the ids that a new server gives out.
    await source.exec(`do $$ begin
      for n in 1..20000 loop
        begin perform pg_current_xact_id(); raise exception 'x'; exception when raise_exception then null; end;
        if n % 5000 = 0 then commit; end if;
      end loop; end $$`);
    rows = await addRows();
    for (let n = 0; n < 300; n++) await addModelUsage(source.query);
    await source.query(
      "delete from users where id = any (select user_id from audit_log)",
    );
    const { size } = await sealAll(source);
    await source.query(
      "insert into ledger.checkpoints (size, root, note) values ($1, sha256(''), 'note')",
      [size],
    );
    rows.push(...await addRows());

    elsewhere = await startPostgres({ settings: { fsync: "off" } });
    await installSupabaseRoles(elsewhere.url);
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await elsewhere.stop();
  });

  /** One row of each log; the audit row's user may go. */
  async function addRows(): Promise<{ log: LogName; id: string }[]> {
    const w = await insertParents(source);
    const { query } = source;
    return [
      {
        log: "llm_usage_log",
        id: await addLlmUsage(query, {
          firm_id: w.firm1,
          cma_project_id: w.project1,
        }),
      },
      {
        log: "audit_log",
        id: await addAudit(query, { firm_id: w.firm1, user_id: w.user1 }),
      },
      {
        log: "tool_usage_ledger",
        id: await addToolUsage(query, { agent_id: w.agent, tool_id: w.tool }),
      },
      {
        log: "model_usage_log",
        id: await addModelUsage(query, { metadata: { a: 1.50 } }),
      },
    ];
  }

  async function expectRestored(db: TestDatabase) {
    expect(await readTables(db, TABLES)).toEqual(
      await readTables(source, TABLES),
    );
    for (const { log, id } of rows) {
      const leaves = await readLeaves(db.query, log, id);
      if (leaves.length === 1) await expectOneLeaf(db.query, log, id);
    }
    expect(await db.query("select * from ledger.doctor()")).toEqual([]);
    await expect(db.query("delete from ledger.leaves")).rejects.toMatchObject({
      code: "42501",
    });
  }

  /** Asserts that everything is sealed once, behind what was sealed before. */
  async function expectSealed(db: TestDatabase, pending: unknown[]) {
    const before = await readTables(source, ["ledger.leaves"]);
    const [{ sealed, size }] = await db.query<{ sealed: number; size: number }>(
      "select count(*)::int as size, count(distinct index)::int as sealed from ledger.leaves where index >= 0",
    );
    expect(sealed).toBe(size);
    const leaves = await db.query<{ row: string; hash: string; kind: string }>(
      "select to_jsonb(l)::text as row, encode(hash, 'hex') as hash, kind from ledger.leaves l order by index",
    );
    const old = new Set(
      (before["ledger.leaves"] as { row: string }[]).map(({ row }) => row),
    );
    expect(leaves.slice(0, old.size).every(({ row }) => old.has(row))).toBe(
      true,
    );
    expect(leaves.slice(old.size).map(({ hash }) => ({ hash })).slice(0, -1))
      .toEqual(pending);
    expect(leaves.at(-1)!.kind).toBe("seal");
  }

  const readPending = (db: TestDatabase) =>
    db.query(
      "select encode(hash, 'hex') as hash from ledger.pending_leaves order by seq",
    );

  test("into another database of the server keeps sealed leaves, and seals the others", async () => {
    const db = open(await createMigratedDatabase());
    await restore(source, db);
    await expectRestored(db);
    const pending = await readPending(db);
    expect(pending).toHaveLength(4);
    await sealAll(db);
    await expectSealed(db, pending);
    const id = await addModelUsage(db.query);
    await expectOneLeaf(db.query, "model_usage_log", id);
  });

  test("onto another server needs ledger.rebase_pending() once, and then seals the others", async () => {
    const db = open(await createDatabase(elsewhere));
    await applyMigrations(db);
    await restore(source, db);
    await expectRestored(db);
    const pending = await readPending(db);
    expect(await seal(db.query)).toMatchObject({
      sealed: 0,
      pending: 4,
      held_back: 4,
    });
    expect(
      await db.query("select ledger.rebase_pending()::int as rebased"),
    ).toEqual([{ rebased: 4 }]);
    expect(await readPending(db)).toEqual(pending);
    await sealAll(db);
    await expectSealed(db, pending);
    expect(
      await db.query("select ledger.rebase_pending()::int as rebased"),
    ).toEqual([{ rebased: 0 }]);
  });

  test("that captures rows a second time fails", async () => {
    const db = open(await createMigratedDatabase());
    const [{ directory }] = await source.query<{ directory: string }>(
      "select current_setting('data_directory') as directory",
    );
    const file = (name: string) => `'${directory}/${name}'`;
    const name = crypto.randomUUID();
    await source.exec(
      `copy model_usage_log to ${file(name)}; copy ledger.salts to ${
        file(name + "s")
      }`,
    );
    await expect(db.exec(
      `begin; copy model_usage_log from ${file(name)}; copy ledger.salts from ${
        file(name + "s")
      }; commit`,
    )).rejects.toMatchObject({ code: "23505" });
    await db.exec("rollback");
    expect(await readTables(db, EVIDENCE)).toEqual(
      Object.fromEntries(EVIDENCE.map((table) => [table, []])),
    );
  });
});
