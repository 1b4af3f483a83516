import type { Database } from "./database.ts";

/**
 * The producer key of a local database: for every log and firm, and it may read. It is
 * public, so only PGlite, which listens on the loopback interface, has it.
 */
export const PRODUCER_KEY = "lfk_demo_key_of_the_local_stack_for_the_docs_00";

/**
 * Adds the key to a database of this process that has the logs.
 *
 * @returns the key; null for any other database.
 */
export async function addDemoKey(database: Database): Promise<string | null> {
  if (database.kind !== "pglite") return null;
  const [{ exists }] = await database.query<{ exists: boolean }>(
    "select to_regclass('ledger.producer_keys') is not null as exists",
  );
  if (!exists) return null;
  await database.query(
    `insert into ledger.producer_keys (family, hash, name, logs, can_read)
     select gen_random_uuid(), sha256(convert_to($1, 'UTF8')), 'demo', array_agg(l.name), true from ledger.logs l
     on conflict (hash) do nothing`,
    [PRODUCER_KEY],
  );
  return PRODUCER_KEY;
}
