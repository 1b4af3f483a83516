import type { Fault } from "../fault.ts";
import type { EventSchema, LogEvent } from "../logs/log.ts";
import { validateEvent } from "../logs/validate-event.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { readBody } from "./read-body.ts";
import { readEvents } from "./read-events.ts";

/**
 * The one object of a request that is not about events, checked like an event.
 *
 * @throws {ProblemError} 422 with every fault, or what `readBody` and `readEvents` say.
 */
export async function readMembers(
  request: Request,
  schema: EventSchema,
): Promise<LogEvent> {
  const { text, format } = await readBody(request);
  const { batch, events: [sent] } = readEvents(text, format);
  if (batch) {
    const detail = "Expected one object";
    throw refuseRequest([{ pointer: "", code: "invalid_type", detail }]);
  }
  const { event, faults } = sent.faults.length > 0
    ? { event: null, faults: sent.faults }
    : validateEvent(schema, sent.value);
  if (event === null) throw refuseRequest(faults);
  return event;
}

/** A 422 for a request that is not about events. */
export function refuseRequest(faults: Fault[]): ProblemError {
  const detail = faults.length === 1
    ? `${faults[0].pointer || "The body"}: ${faults[0].detail}`
    : `${faults.length} faults; errors lists them all`;
  return new ProblemError(
    createProblem("invalid_request", detail, { errors: faults }),
  );
}
