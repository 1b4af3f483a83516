import { createAdminClient } from "@supabase/server/core";
import type { Environment } from "./environment.ts";
import { RECORD_TIMEOUT_MS } from "../limits.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import type { Database } from "../database.types.ts";
import { StoreError } from "./store-error.ts";

/** A fault that only the database can find. */
export type StoreFault = {
  column: string;
  code: "not_found" | "other_firm" | "no_firm";
};

/** What became of one event, as the record function says it. */
export type StoreResult = {
  index: number;
  id: string;
  outcome: "recorded" | "duplicate" | "conflict" | "rejected" | "aborted";
  /** For a conflict: the columns that differ. */
  fields?: string[];
  faults?: StoreFault[];
  /** The stored row, when asked for and when the outcome is a success. */
  row?: LogEvent;
};

/** How a batch is written. */
export type RecordOptions = {
  /** Write nothing unless every event is recorded or a duplicate. */
  atomic: boolean;
  /** Ask for the stored rows. */
  representation: boolean;
  /** The signed-in user to attribute the rows to. */
  actor?: string;
};

/**
 * Writes a batch in one call and one transaction, as the service role. Results
 * are in the order of the events.
 *
 * @throws {StoreError} when the batch was not written, or may not have been.
 */
export async function recordEvents(
  log: Log,
  events: LogEvent[],
  options: RecordOptions,
  env: Environment,
): Promise<StoreResult[]> {
  const client = createAdminClient<Database>({ env });
  const { data, error, status } = await client
    .rpc(log.recordFunction, { events, ...options } as never)
    .abortSignal(AbortSignal.timeout(RECORD_TIMEOUT_MS));
  if (error) throw new StoreError(error, status);
  const results: unknown = data;
  // An answer that is not ours came from something between us and the database.
  if (!Array.isArray(results) || results.length !== events.length) {
    throw new StoreError({ message: "the answer is not a list of results" }, 0);
  }
  return results;
}
