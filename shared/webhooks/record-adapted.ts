import type { Session } from "../db/call-function.ts";
import { ingest, type IngestResult } from "../ingest/ingest.ts";
import { type EventResult, rejectEvent } from "../ingest/results.ts";
import type { Issue } from "../issue.ts";
import type { Log } from "../logs/log.ts";
import {
  type AdaptedDelivery,
  type AdaptedEvent,
  relocateIssues,
} from "./adapter.ts";

/**
 * Records a delivery through the ingest path of its log's endpoint. Results are in
 * the order of the events; their issues point into the sender's payload.
 *
 * @throws {StoreError} if it is unknown whether the events were written.
 */
export async function recordAdapted(
  log: Log,
  { batch, events, optionalReferences }: AdaptedDelivery,
  { caller, env }: Session,
): Promise<EventResult[]> {
  const results = await ingest(
    log,
    events.map(({ event, ...rest }) => ({ value: event, ...rest })),
    { caller, idempotencyKey: null, address: null, optionalReferences },
    { representation: !batch },
    env,
  );
  return results.map((result, index) =>
    warn(relocate(result, events[index]), events[index])
  );
}

/** Maps the issues of the log's schema and the database to the sender's payload. */
function relocate(result: IngestResult, adapted: AdaptedEvent): IngestResult {
  const errors: Issue[] | undefined = result.problem?.errors;
  if (errors === undefined || adapted.issues.length > 0) return result;
  return rejectEvent(result, relocateIssues(adapted, errors));
}

/** Adds a warning for each dropped reference. */
function warn(
  result: IngestResult,
  { origins }: AdaptedEvent,
): EventResult {
  const { dropped = [], ...rest } = result;
  if (result.problem || dropped.length === 0) return rest;
  const warnings = dropped.map((member) => ({
    code: "reference_left_out",
    detail: `${
      origins[member] ?? member
    }: Refers to no row that the event can belong to; it is recorded without`,
  }));
  return { ...rest, warnings: [...rest.warnings ?? [], ...warnings] };
}
