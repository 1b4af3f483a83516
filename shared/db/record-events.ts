import { RECORD_TIMEOUT_MS } from "../limits.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import { callFunction, SERVICE_CALLER, StoreError } from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** An issue that only the database can find. */
export type StoreIssue = {
  /** Omitted for an issue of the event as a whole. */
  column?: string;
  code: "not_found" | "other_firm" | "no_firm" | "out_of_range" | "refused";
};

/**
 * The receipt of a recorded event, with which its sender can prove later that it was
 * recorded: the hash of its leaf, and the inputs that compute it from the row.
 */
export type Receipt = {
  /** `row/v1`, or `backfill/v1` for a row older than the set-up of evidence. */
  kind: string;
  /** SHA-256(0x00 ‖ leaf), hex (RFC 6962 §2.1). */
  leaf_hash: string;
  /** The commitments of the committed columns, in the order of the table; hex. */
  commitments: string[];
  /** The salts of the commitments, hex; null where one was erased. */
  salts: (string | null)[];
};

/** The result of one event, from the record function. */
export type StoreResult = {
  index: number;
  id: string;
  outcome: "recorded" | "duplicate" | "conflict" | "rejected" | "aborted";
  /** Of a conflict: the columns that differ. */
  fields?: string[];
  faults?: StoreIssue[];
  /** Codes of warnings, of a stored event. */
  warnings?: string[];
  /** The row, of a stored event when requested. */
  row?: LogEvent;
  /** The receipt, of a stored event when requested. */
  receipt?: Receipt;
};

/** How a batch is written. */
export type RecordOptions = {
  /** Write nothing unless every event is recorded or a duplicate. */
  atomic: boolean;
  /** Return the stored rows. */
  representation: boolean;
  /** Return the receipts of the stored rows. */
  receipts: boolean;
  /** The user to attribute the rows to. */
  actor?: string;
  /** The id of the producer key to check and charge in the same transaction. */
  producer?: string;
};

/** A producer key may not record the batch, of which nothing was written. */
export class ProducerRefusal extends Error {
  override name = "ProducerRefusal";

  constructor(
    /** `inactive`: revoked, expired or not for this log; otherwise a daily ceiling. */
    readonly reason: "inactive" | "max_usd_day" | "max_rows_day",
  ) {
    super(`the producer key may not record: ${reason}`);
  }
}

/**
 * Writes a batch in one call and one transaction, as the service role for every kind
 * of caller. Results are in the order of the events.
 *
 * @throws {StoreError} when it is unknown whether the batch was written.
 * @throws {ProducerRefusal} when a producer key may not record it.
 */
export async function recordEvents(
  log: Log,
  events: LogEvent[],
  options: RecordOptions,
  env: Environment,
): Promise<StoreResult[]> {
  const results = await callFunction(
    { caller: SERVICE_CALLER, env },
    options.producer === undefined
      ? `record_${log.table}`
      : "record_as_producer",
    {
      events,
      ...options,
      log: options.producer === undefined ? undefined : log.table,
      // Most batches are recorded whole, which the database then answers in brief.
      brief: !options.representation,
    },
    RECORD_TIMEOUT_MS,
  );
  requireAdmitted(results);
  if (isAllRecorded(events, results)) return events.map(toRecorded);
  // A response of another form is from a proxy, and no outcome must be derived from it.
  const isGenuine = Array.isArray(results) &&
    results.length === events.length &&
    results.every((result, index) =>
      isResultOf(events[index], index, result, options)
    );
  if (!isGenuine) {
    throw new StoreError(
      { message: "the answer is not the events' results" },
      0,
    );
  }
  return results;
}

/** @throws {ProducerRefusal} for the answer that names a refusal. */
function requireAdmitted(answer: unknown): void {
  const { refused } = Object(answer);
  if (
    refused === "inactive" || refused === "max_usd_day" ||
    refused === "max_rows_day"
  ) {
    throw new ProducerRefusal(refused);
  }
}

/** Whether the answer is the brief one: all of these events recorded, without warnings. */
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

/** Whether a result is that of the event at its index, with the row if requested. */
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
