import { RETRY_AFTER_SECONDS } from "../limits.ts";
import { StoreError } from "../store/store-error.ts";
import { CORS_HEADERS } from "./cors.ts";
import { createProblem, ProblemError, respondProblem } from "./problem.ts";

/** Takes an error that the caller is not shown. */
export type Report = (error: unknown) => void;

/**
 * What every function does with every request: each answer, errors included,
 * carries `x-request-id` and CORS headers, and an unexpected error is opaque to
 * the caller and complete in the function's log under that id.
 */
export function serve(
  name: string,
  answer: (request: Request, report: Report) => Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const requestId = readRequestId(request.headers);
    const report = (error: unknown) => logError(error, name, requestId);
    const response = await answer(request, report)
      .catch((error) => answerError(error, report));
    response.headers.set("x-request-id", requestId);
    if (!response.headers.has("cache-control")) {
      // A cache would not know that the apikey header is a credential.
      response.headers.set("cache-control", "no-store");
    }
    for (const [header, value] of Object.entries(CORS_HEADERS)) {
      response.headers.set(header, value);
    }
    return response;
  };
}

function answerError(error: unknown, report: Report): Response {
  const { problem, headers } = toProblemError(error);
  if (problem.status >= 500) report(error);
  return respondProblem(problem, {
    ...headers,
    ...problem.status === 503 && { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}

/** What the caller is told of an error, without anything that only concerns us. */
export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const problem = error instanceof StoreError && error.passing
    ? createProblem(
      "unavailable",
      "The database is away or busy. Send the same request again after Retry-After; events with an id or an Idempotency-Key are not counted twice",
    )
    : createProblem(
      "internal_error",
      "The request failed; x-request-id finds it in the log",
    );
  return new ProblemError(problem);
}

/** One line of JSON, without anything that the caller sent. */
function logError(error: unknown, name: string, requestId: string): void {
  console.error(JSON.stringify({
    request_id: requestId,
    function: name,
    error: describe(error),
  }));
}

/** All that is known of an error, for our own log. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const reason = error instanceof StoreError
    // Postgres's details can repeat stored values.
    ? { status: error.status, code: error.reason.code }
    : undefined;
  return { name, message, reason, cause: cause && describe(cause), stack };
}

/** The caller's own `x-request-id` when it is harmless, else a new one. */
function readRequestId(headers: Headers): string {
  const sent = headers.get("x-request-id") ?? "";
  return /^[\w.-]{1,64}$/.test(sent) ? sent : crypto.randomUUID();
}
