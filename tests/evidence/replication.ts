import {
  createDatabase,
  installSupabaseRoles,
  startPostgres,
} from "../../local/postgres.ts";
import type { Verdict } from "../../scripts/verify/verdict.ts";
import { sealEverything, verify } from "../database/existing-tables/verify.ts";
import {
  applyMigrations,
  overPostgres,
  type Query,
  type TestDatabase,
} from "../support/databases.ts";

/**
 * Rows that arrive by logical replication, on a server of their own.
 *
 * @module
 */

const ID = "72000000-0000-4000-8000-000000000001";

/** Replicates a row of another database into a log; the doctor's checks and the verdict. */
export function replicateRow(): Promise<
  { verdict: Verdict; doctor: string[] }
> {
  return withReplicatedRow(async ({ query }) => {
    const found = await query<{ check: string }>(
      'select distinct "check" from ledger.doctor()',
    );
    const doctor = found.map(({ check }) => check);
    return { verdict: await verify(query), doctor };
  });
}

/** Changes the row in its own database; whether the log refused it, and kept the row. */
export function replicateChange(): Promise<boolean> {
  return withReplicatedRow(async ({ query }, publisher) => {
    await publisher.exec("update public.audit_log set action = 'changed'");
    await waitFor(
      query,
      "select from pg_stat_subscription_stats where apply_error_count > 0",
    );
    const rows = await query<{ action: string }>(
      "select action from public.audit_log",
    );
    return rows.length === 1 && rows[0].action === "upload_file";
  });
}

async function withReplicatedRow<Result>(
  work: (db: TestDatabase, publisher: TestDatabase) => Promise<Result>,
): Promise<Result> {
  const server = await startPostgres({
    settings: { fsync: "off", wal_level: "logical" },
  });
  try {
    await installSupabaseRoles(server.url);
    const url = await createDatabase(server);
    const publisher = overPostgres(url);
    const db = overPostgres(await createDatabase(server));
    try {
      await subscribe(db, publisher, url);
      await publisher.exec(
        `insert into public.audit_log values ('${ID}', '${ID}', 'upload_file', 'file')`,
      );
      await waitFor(db.query, "select from public.audit_log");
      return await work(db, publisher);
    } finally {
      await db.exec("drop subscription if exists rows");
      await db.close();
      await publisher.close();
    }
  } finally {
    await server.stop();
  }
}

/** Lets a log subscribe to a table of the same name in another database. */
async function subscribe(
  db: TestDatabase,
  publisher: TestDatabase,
  url: string,
): Promise<void> {
  await applyMigrations(db);
  await db.exec(
    "insert into public.model_usage_log (reported_model_name, reported_model_id) values ('a', 'b')",
  );
  await sealEverything(db.query);
  await publisher.exec(
    "create table public.audit_log (id uuid primary key, firm_id uuid, action text, entity_type text)",
  );
  await publisher.exec("create publication rows for table public.audit_log");
  await publisher.exec(
    "select pg_create_logical_replication_slot('rows', 'pgoutput')",
  );
  await db.exec(
    `create subscription rows connection '${url}' publication rows
    with (create_slot = false, slot_name = 'rows', copy_data = false)`,
  );
}

/** Waits until a query has a row. */
async function waitFor(query: Query, sql: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await query(sql)).length === 0) {
    if (Date.now() > deadline) throw new Error(`No row of: ${sql}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
