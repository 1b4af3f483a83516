import type { Log } from "../logs/log.ts";
import type { Environment } from "../db/environment.ts";
import { recordEvents, type RecordOptions } from "../db/record-events.ts";
import {
  type EventSource,
  findOptional,
  type IncomingEvent,
  leaveOut,
  type PreparedEvent,
  prepareEvents,
} from "./prepare-events.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import {
  abortEvent,
  type EventResult,
  rejectEvent,
  toEventResult,
} from "./results.ts";

/** How a batch is written; `atomic` and `receipts` are off unless they are set. */
export type IngestOptions =
  & Pick<RecordOptions, "representation">
  & Partial<Pick<RecordOptions, "atomic" | "receipts">>;

/** The result of an event, and the optional references that it does without. */
export type IngestResult = EventResult & { dropped?: readonly string[] };

/**
 * The one way into a log, for its own endpoint and for adapters: validates a whole
 * batch and writes the valid events in one call. Results are in the order of the
 * events. Only events that the database rejects for nothing but optional
 * references take a second call, without those.
 *
 * @throws {ProblemError} 403 when a user belongs to no firm.
 * @throws {StoreError} when the events may not have been written.
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
  const dropped = prepared.map((one) => one.dropped);
  const again = prepared.flatMap((one, index): PreparedEvent[] => {
    const { problem } = results[index];
    const members = findOptional(problem?.errors ?? [], optionalReferences);
    if (one.event === null || members.length === 0) return [];
    dropped[index] = [...dropped[index], ...members];
    return [{ ...one, event: leaveOut(one.event, members) }];
  });
  if (again.length > 0) {
    for (const result of await write(log, again, source, options, env)) {
      results[result.index] = result;
    }
  }
  return results.map((result, index) => ({
    ...result,
    dropped: dropped[index],
  }));
}

/** Writes the valid ones of prepared events in one call; results are in their order. */
async function write(
  log: Log,
  prepared: PreparedEvent[],
  { caller }: EventSource,
  { atomic = false, receipts = false, representation }: IngestOptions,
  env: Environment,
): Promise<EventResult[]> {
  const valid = prepared.filter((one) => one.event !== null);
  const aborted = atomic && valid.length < prepared.length;
  const actor = caller.kind === "user" && log.userWrites?.attributed
    ? { actor: caller.id }
    : {};
  const stored = aborted || valid.length === 0 ? [] : await recordEvents(
    log,
    valid.map((one) => one.event),
    { atomic, representation, receipts, ...actor },
    env,
  );
  if (stored.some((result) => result.faults?.some(isWithoutFirm))) {
    throw new ProblemError(createProblem(
      "no_firm",
      "The signed-in user belongs to no firm, so they have no audit log to write to",
    ));
  }
  let next = 0;
  return prepared.map((one) => {
    if (one.event === null) return rejectEvent(one, one.issues);
    if (aborted) return abortEvent(one);
    return toEventResult(log, caller, one.index, stored[next++]);
  });
}

function isWithoutFirm(issue: { code: string }): boolean {
  return issue.code === "no_firm";
}
