import { RECORD_TIMEOUT_MS } from "../limits.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import { callFunction, StoreError } from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** A fault that only the database can find. */
export type StoreIssue = {
  /** Left out for a fault of the event as a whole. */
  column?: string;
  code: "not_found" | "other_firm" | "no_firm" | "out_of_range" | "refused";
};

/**
 * What the sender of a recorded event keeps to be able to show later that it was
 * recorded: its leaf's hash, and what it takes to compute it from the row.
 */
export type Receipt = {
  /** `row/v1`, or `backfill/v1` for a row from before evidence was set up. */
  kind: string;
  /** SHA-256(0x00 ‖ leaf), hex (RFC 6962 §2.1). */
  leaf_hash: string;
  /** Of the columns that are committed to, in the table's order; hex. */
  commitments: string[];
  /** The salts of the commitments, hex; null where one was forgotten. */
  salts: (string | null)[];
};

/** The outcome of one event, as the record function returns it. */
export type StoreResult = {
  index: number;
  id: string;
  outcome: "recorded" | "duplicate" | "conflict" | "rejected" | "aborted";
  /** For a conflict: the columns that differ. */
  fields?: string[];
  faults?: StoreIssue[];
  /** Codes of what the caller should know, when the outcome is a success. */
  warnings?: string[];
  /** The stored row, when asked for and when the outcome is a success. */
  row?: LogEvent;
  /** The row's receipt, when asked for and when the outcome is a success. */
  receipt?: Receipt;
};

/** How a batch is written. */
export type RecordOptions = {
  /** Write nothing unless every event is recorded or a duplicate. */
  atomic: boolean;
  /** Ask for the stored rows. */
  representation: boolean;
  /** Ask for the receipts of the stored rows. */
  receipts: boolean;
  /** The signed-in user to attribute the rows to. */
  actor?: string;
};

/** Only the service role writes, for every kind of caller. */
const SERVICE_CALLER = { kind: "service", keyName: "default" } as const;

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
  const results = await callFunction(
    { caller: SERVICE_CALLER, env },
    `record_${log.table}`,
    // Most batches are recorded whole: the database then says just that.
    { events, ...options, brief: !options.representation },
    RECORD_TIMEOUT_MS,
  );
  if (isAllRecorded(events, results)) return events.map(toRecorded);
  // An answer that is not ours came from something between us and the database.
  // What it does not say of an event must not be told as that event's outcome.
  const isOurs = Array.isArray(results) && results.length === events.length &&
    results.every((result, index) =>
      isResultOf(events[index], index, result, options)
    );
  if (!isOurs) {
    throw new StoreError(
      { message: "the answer is not the events' results" },
      0,
    );
  }
  return results;
}

/** Whether all these events were recorded, and nothing else is to be said of any. */
function isAllRecorded(events: LogEvent[], answer: unknown): boolean {
  const { recorded, first, last } = Object(answer);
  return recorded === events.length && first === events[0].id &&
    last === events.at(-1)!.id;
}

function toRecorded({ id }: LogEvent, index: number): StoreResult {
  return { index, id: id as string, outcome: "recorded" };
}

const OUTCOMES: readonly unknown[] = [
  "recorded",
  "duplicate",
  "conflict",
  "rejected",
  "aborted",
] satisfies StoreResult["outcome"][];

const STORED: readonly unknown[] = ["recorded", "duplicate"];

/** Whether a result speaks of the event in its place, and has what was asked for. */
function isResultOf(
  event: LogEvent,
  index: number,
  result: unknown,
  { representation }: RecordOptions,
): result is StoreResult {
  const { index: at, id, outcome, row } = Object(result) as {
    [Member in keyof StoreResult]?: unknown;
  };
  return at === index && id === event.id && OUTCOMES.includes(outcome) &&
    (!representation || !STORED.includes(outcome) || Object(row).id === id);
}
