import { describeError } from "./describe-error.ts";
import type { RequestNotes } from "./request-notes.ts";

/** What is known of every request. */
type RequestFacts = {
  requestId: string;
  /** The function's name. */
  name: string;
  method: string;
  status: number;
  /** Milliseconds until the answer was complete, its body included. */
  durationMs: number;
};

/** Methods by their name; any other is a text of the caller's. */
const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

/**
 * Writes the one line of a request, as JSON, to the function's log: at level
 * error when the answer is a 5xx or something went wrong on our side, which is
 * what the platform's log counts as an error; at level info otherwise.
 */
export function writeLine(facts: RequestFacts, notes: RequestNotes): void {
  const { route = "unknown", error, ...rest } = notes;
  const { code, caller, events, recorded, duplicate, conflict, rejected } =
    rest;
  const line = JSON.stringify({
    request_id: facts.requestId,
    function: facts.name,
    method: METHODS.includes(facts.method) ? facts.method : "other",
    route,
    status: facts.status,
    code,
    caller,
    events,
    recorded,
    duplicate,
    conflict,
    rejected,
    body_bytes: rest.body_bytes,
    duration_ms: Math.round(facts.durationMs),
    cut_off: rest.cut_off,
    error: error === undefined ? undefined : describeError(error),
  });
  if (facts.status >= 500 || error !== undefined) console.error(line);
  else console.log(line);
}
