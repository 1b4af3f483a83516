import type { Log } from "./logs/log.ts";
import type { Reader } from "./store/read-log.ts";
import { StoreError } from "./store/store-error.ts";
import { authenticate } from "./endpoint/authenticate.ts";
import { answerPreflight, CORS_HEADERS } from "./endpoint/cors.ts";
import type { ResolvedEnvironment } from "./store/environment.ts";
import { RETRY_AFTER_SECONDS } from "./limits.ts";
import { fetchOne } from "./endpoint/fetch.ts";
import { list } from "./endpoint/list.ts";
import {
  createProblem,
  ProblemError,
  respondProblem,
} from "./endpoint/problem.ts";
import { record } from "./endpoint/record.ts";
import { summariseLog } from "./endpoint/summarise.ts";

/** What a route needs to answer. */
export type RouteCall = Reader & { request: Request };

/** Answers of a log's endpoint beyond those of every log: path → method → answer. */
export type Routes = ReadonlyMap<
  string,
  Partial<Record<"GET" | "POST", (call: RouteCall) => Promise<Response>>>
>;

/** Takes an error that the caller is not shown. */
type Report = (error: unknown) => void;

const READ_METHODS = "GET, HEAD, OPTIONS";
const METHODS = "GET, HEAD, POST, OPTIONS";

/**
 * The endpoint of a log: a fetch handler for an Edge Function. Every answer,
 * errors included, carries `x-request-id` and CORS headers; an unexpected error
 * is opaque to the caller and complete in the function's log under that id.
 */
export function serveLog(
  log: Log,
  environment: ResolvedEnvironment,
  routes: Routes = new Map(),
): (request: Request) => Promise<Response> {
  return async (request) => {
    const requestId = readRequestId(request.headers);
    const report = (error: unknown) => logError(error, log, requestId);
    const response = await route(log, request, environment, routes, report)
      .catch((error) => answerError(error, report));
    response.headers.set("x-request-id", requestId);
    if (!response.headers.has("cache-control")) {
      // A cache would not know that the apikey header is a credential.
      response.headers.set("cache-control", "no-store");
    }
    for (const [name, value] of Object.entries(CORS_HEADERS)) {
      response.headers.set(name, value);
    }
    return response;
  };
}

async function route(
  log: Log,
  request: Request,
  environment: ResolvedEnvironment,
  routes: Routes,
  report: Report,
): Promise<Response> {
  // The platform shows a function its own name as the first part of the path.
  const [, part, ...rest] = new URL(request.url).pathname.split("/")
    .filter(Boolean);
  if (rest.length > 0) {
    const detail =
      `There is nothing at this path; see /${log.slug}/openapi.json`;
    throw new ProblemError(createProblem("not_found", detail));
  }
  const own = routes.get(part ?? "");
  const methods = own
    ? methodsOf(own)
    : part === undefined
    ? METHODS
    : READ_METHODS;
  if (request.method === "OPTIONS") return answerPreflight(methods);
  if (!methods.split(", ").includes(request.method)) {
    throw refuseMethod(log, methods);
  }
  if (part === "openapi.json") {
    const { answerDocument } = await import("./openapi/answer-document.ts");
    const response = await answerDocument(log, request);
    return request.method === "GET" ? response : withoutBody(response);
  }
  if (environment.error) throw environment.error;
  const env = environment.data;
  const caller = await authenticate(request, env);
  const reader = { log, caller, env };
  if (request.method === "POST") {
    return own?.POST
      ? await own.POST({ ...reader, request })
      : await record(log, request, caller, env);
  }
  const response = own?.GET
    ? await own.GET({ ...reader, request })
    : await read(reader, request, part, report);
  return request.method === "GET" ? response : withoutBody(response);
}

function methodsOf(route: NonNullable<ReturnType<Routes["get"]>>): string {
  return [
    ...route.GET ? ["GET", "HEAD"] : [],
    ...route.POST ? ["POST"] : [],
    "OPTIONS",
  ].join(", ");
}

function read(
  reader: Reader,
  request: Request,
  part: string | undefined,
  report: Report,
): Promise<Response> {
  if (part === undefined) return list(reader, request, report);
  if (part === "summary") return summariseLog(reader, request);
  return fetchOne(reader, request, part);
}

/** The answer to HEAD: the same, without what GET would show (RFC 9110 §9.3.2). */
async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}

function refuseMethod(log: Log, methods: string): ProblemError {
  const detail =
    `${log.table} is append-only: events are recorded with POST and read with GET, and a recorded row is never changed or deleted`;
  return new ProblemError(createProblem("method_not_allowed", detail), {
    allow: methods,
  });
}

function answerError(error: unknown, report: Report): Response {
  const { problem, headers } = toProblemError(error);
  if (problem.status >= 500) report(error);
  return respondProblem(problem, {
    ...headers,
    ...problem.status === 503 && { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}

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

/** One line of JSON, without anything that the caller sent. */
function logError(error: unknown, log: Log, requestId: string): void {
  console.error(JSON.stringify({
    request_id: requestId,
    function: log.slug,
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
