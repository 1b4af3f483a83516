import type { Session } from "../db/call-function.ts";
import type { Fault } from "../fault.ts";
import { ingest, type IngestResult } from "../ingest/ingest.ts";
import { type EventResult, rejectEvent } from "../ingest/results.ts";
import type { Log } from "../logs/log.ts";
import {
  type AdaptedDelivery,
  type AdaptedEvent,
  relocateFaults,
} from "./adapter.ts";

/**
 * Records a delivery in its log, through the same ingest path as the log's own
 * endpoint. Results are in the order of the events, and name the places of the
 * sender's payload.
 *
 * @throws {StoreError} when events may not have been written.
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

/** Faults as faults of the payload that the sender knows. */
function relocate(result: IngestResult, adapted: AdaptedEvent): IngestResult {
  const errors: Fault[] | undefined = result.problem?.errors;
  if (errors === undefined || adapted.faults.length > 0) return result;
  return rejectEvent(result, relocateFaults(adapted, errors));
}

/** Warns the sender of the references that were left out. */
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
