import { RETRY_AFTER_SECONDS } from "../limits.ts";
import { StoreError } from "../store/store-error.ts";
import { Admission, type Place } from "./admission.ts";
import { CORS_HEADERS } from "./cors.ts";
import { createProblem, ProblemError, respondProblem } from "./problem.ts";
import { readRequestId } from "./request-id.ts";
import { writeLine } from "./request-line.ts";
import { beginNotes } from "./request-notes.ts";

/** Takes an error that the caller is not shown. */
export type Report = (error: unknown) => void;

/** In what a function differs from the others. */
export type ServeOptions = {
  /** The answer to a request that failed; a problem document by default. */
  fail?: (request: Request, error: ProblemError) => Response;
  /** Whether somebody cannot log in without the answer; nobody by default. */
  isUrgent?: (request: Request) => boolean;
};

/**
 * What every function does with every request: it refuses what would be too much
 * at once; each answer, errors included, carries `x-request-id` and CORS headers;
 * and one line in the function's log says how it went. An unexpected error is
 * opaque to the caller and complete in that line.
 */
export function serve(
  name: string,
  answer: (request: Request, report: Report) => Promise<Response>,
  { fail = failWithProblem, isUrgent = () => false }: ServeOptions = {},
): (request: Request) => Promise<Response> {
  const admission = new Admission();
  return async (request) => {
    const started = performance.now();
    const requestId = readRequestId(request.headers);
    const { notes, open } = beginNotes(request);
    const report: Report = (error) => notes.error = error;
    let place: Place | undefined;
    let response: Response;
    try {
      place = admission.enter(request, isUrgent(request));
      response = await answer(request, report);
    } catch (error) {
      const failure = toProblemError(error);
      notes.code = failure.problem.code;
      if (isUnexpected(failure)) report(error);
      response = fail(request, failure);
    }
    addHeaders(response.headers, requestId);
    const finish = () => {
      place?.leave();
      const durationMs = performance.now() - started;
      const { method } = request;
      const { status } = response;
      writeLine({ requestId, name, method, status, durationMs }, notes);
    };
    if (open.length === 0) finish();
    else void Promise.allSettled(open).then(finish);
    return response;
  };
}

function addHeaders(headers: Headers, requestId: string): void {
  headers.set("x-request-id", requestId);
  // A cache would not know that the apikey header is a credential.
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  for (const [header, value] of Object.entries(CORS_HEADERS)) {
    headers.set(header, value);
  }
}

function failWithProblem(
  _request: Request,
  { problem, headers }: ProblemError,
): Response {
  return respondProblem(problem, {
    ...headers,
    ...problem.status === 503 && { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}

/** An overload is no error of anything, and its code says all there is to say. */
function isUnexpected({ problem }: ProblemError): boolean {
  return problem.status >= 500 && problem.code !== "overloaded";
}

/** What the caller is told of an error, without anything that only concerns us. */
function toProblemError(error: unknown): ProblemError {
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
