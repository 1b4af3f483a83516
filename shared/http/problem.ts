import type { Issue } from "../issue.ts";

/**
 * Every way in which a request or an event can fail, by its stable `code`.
 * Codes are never renamed: clients switch on them.
 */
export const PROBLEMS = {
  invalid_body: [400, "The body cannot be read"],
  invalid_parameter: [400, "A query parameter or header is not acceptable"],
  missing_credentials: [401, "Missing credentials"],
  invalid_credentials: [401, "Invalid credentials"],
  budget_exceeded: [402, "The budget does not allow this"],
  not_allowed: [403, "Forbidden"],
  no_firm: [403, "The signed-in user belongs to no firm"],
  not_found: [404, "Not found"],
  method_not_allowed: [405, "Method not allowed"],
  not_acceptable: [406, "Not acceptable"],
  body_timeout: [408, "The body did not arrive in time"],
  conflict: [409, "The id is taken by different content"],
  inconsistent: [409, "The evidence contradicts what was signed"],
  body_too_large: [413, "Body too large"],
  too_many_events: [413, "There are too many events"],
  unsupported_media_type: [415, "Unsupported media type"],
  unsupported_encoding: [415, "The content encoding is not supported"],
  too_many_rows: [413, "The selection has too many rows"],
  invalid_request: [422, "The request is not acceptable"],
  invalid_event: [422, "The event is not acceptable"],
  invalid_batch: [422, "The batch is not acceptable"],
  batch_aborted: [422, "Another event of the atomic batch failed"],
  internal_error: [500, "Internal server error"],
  unavailable: [503, "Service unavailable"],
  overloaded: [503, "Too many requests in progress"],
} as const satisfies Record<string, readonly [number, string]>;

/** A stable machine-readable problem code. */
export type ProblemCode = keyof typeof PROBLEMS;

/** A problem document (RFC 9457) with our extension members. */
export type Problem = {
  /** A URI that identifies the kind of problem. */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  /** Validation issues, all at once. */
  errors?: Issue[];
  /** For a conflict: the fields whose stored content differs. */
  fields?: string[];
};

/** Makes a problem document; `detail` must not repeat what the caller sent. */
export function createProblem(
  code: ProblemCode,
  detail: string,
  extra: Pick<Problem, "errors" | "fields"> = {},
): Problem {
  const [status, title] = PROBLEMS[code];
  const type = `urn:ledger-functions:problem:${code}`;
  return { type, title, status, detail, code, ...extra };
}

/** Ends a request with a problem. Thrown anywhere below the endpoint. */
export class ProblemError extends Error {
  override name = "ProblemError";

  constructor(
    readonly problem: Problem,
    /** Headers that belong to the answer, such as `Allow`. */
    readonly headers: Record<string, string> = {},
    options?: ErrorOptions,
  ) {
    super(problem.detail, options);
  }
}

/** The answer that carries a problem. */
export function respondProblem(
  problem: Problem,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...headers, "content-type": "application/problem+json" },
  });
}
