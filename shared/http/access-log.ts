import { findSecret, redactSecrets } from "../redaction/secrets.ts";
import type { ProblemCode } from "./problem.ts";
import { StoreError } from "../db/call-function.ts";

/** How many events of a request had each outcome. */
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
  /** `secret:<name of the key>`, `user`, or `signature:<kind of secret>`. */
  caller?: string;
  /** The problem that the request as a whole ended with. */
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

/** What every entry has. */
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
 * A request id of the caller that is kept. Keys of this platform and the beginning
 * of a token (`{"` in base64url) are not ids.
 */
const HARMLESS = /^(?!.*(?:sb_|eyJ))[\w.-]{1,64}$/;

/**
 * The caller's own `x-request-id` when it is harmless, else a new one. It goes to
 * the access log and back to the caller, so it must neither break a line nor be a
 * key that was put there by mistake.
 */
export function readRequestId(headers: Headers): string {
  const sent = headers.get("x-request-id") ?? "";
  return HARMLESS.test(sent) && findSecret(sent) === null
    ? sent
    : crypto.randomUUID();
}

/** Depth of nested causes to describe. */
const MAX_DEPTH = 3;

/**
 * Characters of a message and of a stack. The platform truncates a line at 10,000,
 * and a truncated line is not valid JSON.
 */
const MAX_MESSAGE = 800;
const MAX_STACK = 1_800;

/** All that is known of an error, for our own log. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return shorten(String(error));
  const { name, message, stack, cause } = error;
  const reason = error instanceof StoreError
    // Postgres's details can repeat stored values.
    ? { status: error.status, code: error.reason.code }
    : undefined;
  return {
    name,
    message: shorten(message),
    reason,
    cause: cause && depth < MAX_DEPTH - 1
      ? describeError(cause, depth + 1)
      : undefined,
    stack: stack && framesOf(stack),
  };
}

function shorten(message: string): string {
  return redactSecrets(message).slice(0, MAX_MESSAGE);
}

/** A stack without the message that it begins with. */
function framesOf(stack: string): string {
  const start = stack.indexOf("\n    at ");
  return stack.slice(start + 1, start + 1 + MAX_STACK);
}
