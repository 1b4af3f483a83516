import { findSecret } from "../redaction/secrets.ts";
import { describeError } from "./describe-error.ts";
import type { ProblemCode } from "./problem.ts";

/** Events of a request by outcome. */
export type OutcomeCounts = {
  recorded: number;
  duplicate: number;
  conflict: number;
  rejected: number;
};

/**
 * Fields of a request's entry in the access log. None repeats request content:
 * no payload, no id of a row or a user, no header, no query value.
 */
export type AccessLogFields = Partial<OutcomeCounts> & {
  /** The route's name in the route table: a fixed word, never the path. */
  route?: string;
  /** `secret:<name of the key>`, `producer:<name of the key>`, `user`, or `signature:<kind of secret>`. */
  caller?: string;
  /** The problem of the request as a whole. */
  code?: ProblemCode;
  /** Events in the body. */
  events?: number;
  /** Bytes of the body that were read, after decompression. */
  body_bytes?: number;
  /** The response body was aborted. */
  cut_off?: true;
  /** The server-side error; the last one if there were several. */
  error?: unknown;
};

/** Fields that every entry has. */
type RequestFacts = {
  requestId: string;
  /** The function's name. */
  name: string;
  method: string;
  status: number;
  /** Milliseconds until the response was complete, its body included. */
  durationMs: number;
};

/** Methods that are logged by name; any other is text that the caller chose. */
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
 * Writes the access-log entry of a request, one line of JSON. Its level is error
 * for a 5xx and for any server-side error, which the platform counts as errors;
 * info otherwise.
 */
export function writeAccessLog(
  facts: RequestFacts,
  fields: AccessLogFields,
): void {
  const { route = "unknown", error, ...rest } = fields;
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

/**
 * A request id that is safe to log: neither a key of this platform nor a token, which
 * begins with `{"` in base64url.
 */
const SAFE_REQUEST_ID = /^(?!.*(?:sb_|eyJ))[\w.-]{1,64}$/;

/**
 * The caller's `x-request-id` when it is safe to log, else a new UUID. It is written
 * to the access log, so it must neither break a line nor be a misplaced key.
 */
export function readRequestId(headers: Headers): string {
  const sent = headers.get("x-request-id") ?? "";
  return SAFE_REQUEST_ID.test(sent) && findSecret(sent) === null
    ? sent
    : crypto.randomUUID();
}
