import type { Environment } from "../db/environment.ts";
import type { Caller } from "../db/call-function.ts";
import {
  ProducerRefusal,
  recordEvents,
  type RecordOptions,
  type StoreResult,
} from "../db/record-events.ts";
import { mayRead } from "../http/access.ts";
import { refuseKey } from "../http/authenticate.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import {
  type EventSource,
  findOptionalReferences,
  type IncomingEvent,
  omitMembers,
  type PreparedEvent,
  prepareEvents,
} from "./prepare-events.ts";
import {
  abortEvent,
  type EventResult,
  rejectEvent,
  toEventResult,
} from "./results.ts";

/** How a batch is written; `atomic` and `receipts` are false by default. */
export type IngestOptions =
  & Pick<RecordOptions, "representation">
  & Partial<Pick<RecordOptions, "atomic" | "receipts">>;

/** The result of an event, and the optional references that were omitted. */
export type IngestResult = EventResult & { dropped?: readonly string[] };

/**
 * Writes events into a log, for the log's endpoint, webhooks and traces alike:
 * validates the batch and writes the valid events in one call. Results are in the
 * order of the events. A second call follows only for events that the database
 * rejected for their optional references alone, without those.
 *
 * @throws {ProblemError} 403 when a user has no firm; 401 and 429 when a producer key is
 * not active or has reached its ceiling.
 * @throws {StoreError} when it is unknown whether the events were written.
 */
export async function ingest(
  log: Log,
  events: readonly IncomingEvent[],
  sent: EventSource,
  options: IngestOptions,
  env: Environment,
): Promise<IngestResult[]> {
  const source = requireScope(sent);
  const prepared = await prepareEvents(log, events, source);
  const results = await write(log, prepared, source, options, env);
  const { optionalReferences = [] } = source;
  if (optionalReferences.length === 0) return results;
  const dropped = prepared.map((item) => item.dropped);
  const retries = prepared.flatMap((item, index): PreparedEvent[] => {
    const { problem } = results[index];
    const members = findOptionalReferences(
      problem?.errors ?? [],
      optionalReferences,
    );
    if (item.event === null || members.length === 0) return [];
    dropped[index] = [...dropped[index], ...members];
    return [{ ...item, event: omitMembers(item.event, members) }];
  });
  if (retries.length > 0) {
    for (const result of await write(log, retries, source, options, env)) {
      results[result.index] = result;
    }
  }
  return results.map((result, index) => ({
    ...result,
    dropped: dropped[index],
  }));
}

/** The source with the scope of a producer key, which is not optional. */
function requireScope(source: EventSource): EventSource {
  const { caller, optionalReferences } = source;
  if (caller.kind !== "producer" || optionalReferences === undefined) {
    return source;
  }
  return {
    ...source,
    optionalReferences: optionalReferences
      .filter((member) => !Object.hasOwn(caller.key.scope, member)),
  };
}

/** Writes the valid events in one call; results are in the order of `prepared`. */
async function write(
  log: Log,
  prepared: PreparedEvent[],
  { caller }: EventSource,
  { atomic = false, receipts = false, representation }: IngestOptions,
  env: Environment,
): Promise<EventResult[]> {
  const valid = prepared.filter((item) => item.event !== null);
  const aborted = atomic && valid.length < prepared.length;
  const stored = aborted || valid.length === 0 ? [] : await recordEvents(
    log,
    valid.map((item) => item.event),
    { atomic, representation, receipts, ...attribution(log, caller) },
    env,
  ).catch(explainRefusal);
  if (stored.some((result) => result.faults?.some(isWithoutFirm))) {
    throw new ProblemError(createProblem(
      "no_firm",
      "The user belongs to no firm, and so has no audit log to write to; assign them to a firm",
    ));
  }
  let next = 0;
  return prepared.map((item) => {
    if (item.event === null) return rejectEvent(item, item.issues);
    if (aborted) return abortEvent(item);
    const result = conceal(log, stored[next++], caller);
    return toEventResult(log, item.index, result, unreadMembers(item.event));
  });
}

/** The members of a model call's usage that were not read. */
function unreadMembers({ stamped }: LogEvent): readonly string[] {
  const { unread_members = [] } = Object(stamped);
  return unread_members;
}

/** The user to attribute rows to, or the producer key to charge. */
function attribution(
  log: Log,
  caller: Caller,
): Pick<RecordOptions, "actor" | "producer"> {
  if (caller.kind === "producer") return { producer: caller.key.id };
  return caller.kind === "user" && log.userWrites?.attributed
    ? { actor: caller.id }
    : {};
}

/** A result without recorded content that the producer key may not read. */
function conceal(
  log: Log,
  result: StoreResult,
  caller: Caller,
): StoreResult {
  if (caller.kind !== "producer" || result.outcome === "recorded") {
    return result;
  }
  const { key } = caller;
  // Whether another firm has a parent is not for the producer to know.
  const isOther = (code: string) =>
    code === "other_firm" && Object.keys(key.scope).length > 0;
  const faults = result.faults?.map((fault) =>
    isOther(fault.code) ? { ...fault, code: "not_found" as const } : fault
  );
  // The event has the scope, so a row that differs in it is another's.
  const isOwn = !result.fields?.some((field) =>
    Object.hasOwn(key.scope, field)
  );
  if (isOwn && mayRead(key, log)) return { ...result, faults };
  const { row: _row, receipt: _receipt, fields: _fields, ...rest } = result;
  return { ...rest, faults };
}

/** @throws {ProblemError} for a refusal of a producer key; the error otherwise. */
function explainRefusal(error: unknown): never {
  if (!(error instanceof ProducerRefusal)) throw error;
  const { reason } = error;
  if (reason === "inactive") throw refuseKey();
  const unit = reason === "max_usd_day" ? "US dollars" : "rows";
  const problem = createProblem(
    "ceiling_reached",
    `The producer key has reached its daily ceiling of ${unit}, and nothing of this request was recorded; send it again after Retry-After, in smaller batches, or raise the ceiling with a new key`,
  );
  const midnight = new Date().setUTCHours(24, 0, 0, 0);
  const seconds = Math.ceil((midnight - Date.now()) / 1_000);
  throw new ProblemError(problem, { "retry-after": String(seconds) });
}

function isWithoutFirm(issue: { code: string }): boolean {
  return issue.code === "no_firm";
}
