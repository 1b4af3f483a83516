import {
  createDatabase,
  installSupabaseRoles,
  startPostgres,
} from "../../local/postgres.ts";
import type { Verdict } from "../../scripts/verify/verdict.ts";
import { sealEverything, verify } from "../database/existing-tables/verify.ts";
import { applyMigrations, overPostgres } from "../support/databases.ts";

/**
 * A row that arrives by logical replication, on a server of its own.
 *
 * @module
 */

const ID = "72000000-0000-4000-8000-000000000001";

/** Replicates a row of another database into a log, and inspects the log. */
export async function replicateRow(): Promise<
  { verdict: Verdict; doctor: string[] }
> {
  const server = await startPostgres({
    settings: { fsync: "off", wal_level: "logical" },
  });
  try {
    await installSupabaseRoles(server.url);
    const url = await createDatabase(server);
    const publisher = overPostgres(url);
    const db = overPostgres(await createDatabase(server));
    try {
      await applyMigrations(db);
      await db.exec(
        "insert into public.model_usage_log (reported_model_name, reported_model_id) values ('a', 'b')",
      );
      await sealEverything(db.query);
      await publish(publisher.exec);
      await db.exec(
        `create subscription rows connection '${url}' publication rows
        with (create_slot = false, slot_name = 'rows', copy_data = false)`,
      );
      await publisher.exec(
        `insert into public.audit_log values ('${ID}', '${ID}', 'upload_file', 'file')`,
      );
      await waitForRow(db.query);
      const found = await db.query<{ check: string }>(
        'select distinct "check" from ledger.doctor()',
      );
      const verdict = await verify(db.query);
      await db.exec("drop subscription rows");
      return { verdict, doctor: found.map(({ check }) => check) };
    } finally {
      await db.close();
      await publisher.close();
    }
  } finally {
    await server.stop();
  }
}

async function publish(exec: (sql: string) => Promise<void>): Promise<void> {
  await exec(
    `create table public.audit_log (id uuid primary key, firm_id uuid, action text, entity_type text)`,
  );
  await exec("create publication rows for table public.audit_log");
  await exec("select pg_create_logical_replication_slot('rows', 'pgoutput')");
}

async function waitForRow(
  query: (sql: string) => Promise<unknown[]>,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await query("select from public.audit_log")).length === 0) {
    if (Date.now() > deadline) throw new Error("The row does not arrive");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
