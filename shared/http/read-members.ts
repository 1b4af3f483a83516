import { type Fault, toPointer } from "../fault.ts";
import type { EventSchema, LogEvent } from "../logs/log.ts";
import { validateEvent } from "../logs/validate-event.ts";
import { parseJson } from "./parse-json.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { type BodyContext, readBody } from "./read-body.ts";
import { JsonSyntaxError } from "./strict-json.ts";

/**
 * The one object of a request that is not about events, checked like an event.
 *
 * @throws {ProblemError} 422 with every fault; 400, 413 or 415 for a body that
 * cannot be read.
 */
export async function readMembers(
  ctx: BodyContext,
  schema: EventSchema,
): Promise<LogEvent> {
  const { value, faults } = parse((await readBody(ctx)).text);
  if (faults.length > 0) throw refuseRequest(faults);
  const result = validateEvent(schema, value);
  if (result.event === null) throw refuseRequest(result.faults);
  return result.event;
}

function parse(text: string): { value: unknown; faults: Fault[] } {
  try {
    const { value, faults } = parseJson(text);
    return {
      value,
      faults: faults.map(({ path, code, detail }) => ({
        pointer: toPointer(path),
        code,
        detail,
      })),
    };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new ProblemError(createProblem("invalid_body", error.message));
  }
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
