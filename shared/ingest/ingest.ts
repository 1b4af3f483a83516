import type { Environment } from "../db/environment.ts";
import { recordEvents, type RecordOptions } from "../db/record-events.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import type { Log } from "../logs/log.ts";
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
 * @throws {ProblemError} 403 when a user has no firm.
 * @throws {StoreError} when it is unknown whether the events were written.
 */
export async function ingest(
  log: Log,
  events: readonly IncomingEvent[],
  source: EventSource,
  options: IngestOptions,
  env: Environment,
): Promise<IngestResult[]> {
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
  const actor = caller.kind === "user" && log.userWrites?.attributed
    ? { actor: caller.id }
    : {};
  const stored = aborted || valid.length === 0 ? [] : await recordEvents(
    log,
    valid.map((item) => item.event),
    { atomic, representation, receipts, ...actor },
    env,
  );
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
    return toEventResult(log, item.index, stored[next++]);
  });
}

function isWithoutFirm(issue: { code: string }): boolean {
  return issue.code === "no_firm";
}
