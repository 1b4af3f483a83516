import type { Issue } from "../issue.ts";

/**
 * The registry of problems: code → status and title. Codes are stable, because
 * clients switch on them.
 */
export const PROBLEMS = {
  invalid_body: [400, "Invalid body"],
  invalid_parameter: [400, "Invalid query parameter or header"],
  missing_credentials: [401, "Missing credentials"],
  invalid_credentials: [401, "Invalid credentials"],
  budget_exceeded: [402, "Budget exceeded"],
  not_allowed: [403, "Forbidden"],
  no_firm: [403, "User without a firm"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  not_acceptable: [406, "Not acceptable"],
  body_timeout: [408, "Body timeout"],
  conflict: [409, "Conflict with recorded content"],
  inconsistent: [409, "Evidence contradicts the signed checkpoint"],
  body_too_large: [413, "Body too large"],
  too_many_events: [413, "Too many events"],
  unsupported_media_type: [415, "Unsupported media type"],
  unsupported_encoding: [415, "Unsupported content encoding"],
  too_many_rows: [413, "Too many rows"],
  ceiling_reached: [429, "Daily ceiling reached"],
  invalid_request: [422, "Invalid request"],
  invalid_event: [422, "Invalid event"],
  invalid_batch: [422, "Invalid batch"],
  batch_aborted: [422, "Atomic batch aborted"],
  internal_error: [500, "Internal server error"],
  unavailable: [503, "Service unavailable"],
  overloaded: [503, "Too many requests in progress"],
} as const satisfies Record<string, readonly [number, string]>;

/** A stable, machine-readable problem code. */
export type ProblemCode = keyof typeof PROBLEMS;

/** A problem document (RFC 9457) with extension members. */
export type Problem = {
  /** A URI that identifies the kind of problem. */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  /** All issues, of an invalid event or request. */
  errors?: Issue[];
  /** Of a conflict: the columns whose recorded content differs. */
  fields?: string[];
};

/** Creates a problem document; `detail` must not repeat a value of the request. */
export function createProblem(
  code: ProblemCode,
  detail: string,
  extra: Pick<Problem, "errors" | "fields"> = {},
): Problem {
  const [status, title] = PROBLEMS[code];
  const type = `urn:ledger-functions:problem:${code}`;
  return { type, title, status, detail, code, ...extra };
}

/** Ends a request with a problem: `serve` responds with it. */
export class ProblemError extends Error {
  override name = "ProblemError";

  constructor(
    readonly problem: Problem,
    /** Headers of the response, such as `Allow`. */
    readonly headers: Record<string, string> = {},
    options?: ErrorOptions,
  ) {
    super(problem.detail, options);
  }
}

/** A 503 for a request beyond the limits of what is in progress. */
export function overloaded(): ProblemError {
  return new ProblemError(createProblem(
    "overloaded",
    "This instance has too many requests in progress, and nothing was recorded; send the same request again after Retry-After",
  ));
}

/** The response with a problem document. */
export function respondProblem(
  problem: Problem,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headers, "content-type": "application/problem+json" },
  });
}
