import { StoreError } from "../db/call-function.ts";
import type { ResolvedEnvironment } from "../db/environment.ts";
import { RETRY_AFTER_SECONDS } from "../limits.ts";
import { readRequestId, writeAccessLog } from "./access-log.ts";
import { Admission } from "./admission.ts";
import { Context } from "./context.ts";
import { createProblem, ProblemError, respondProblem } from "./problem.ts";
import { type Match, type Route, RouteTable } from "./routes.ts";

/**
 * Every origin may call: credentials travel in headers that a page sets explicitly,
 * never in cookies, so a foreign page has none to abuse.
 */
const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "allow, etag, link, location, preference-applied, retry-after, www-authenticate, x-request-id, x-truncated",
};

/** The endpoint of a function. */
export type Endpoint = {
  /** The function's name. */
  name: string;
  routes: readonly Route[];
  environment: ResolvedEnvironment;
  /** The detail of the 404 for an unknown path. */
  notFound: string;
  /** The detail of a 405 for PUT, PATCH and DELETE; the allowed methods by default. */
  appendOnly?: string;
  /** Whether empty segments count, so that a path with a trailing slash is unknown. */
  exactPaths?: true;
  /** The response to a failed request; a problem document by default. */
  fail?: (request: Request, error: ProblemError) => Response;
};

/**
 * The fetch handler of a function: admission, routing, access control, the handler,
 * and one access-log entry per request. Every response, errors included, has
 * `x-request-id` and CORS headers. An unexpected error goes to the access log, and the
 * caller sees no detail of it.
 */
export function serve(
  endpoint: Endpoint,
): (request: Request) => Promise<Response> {
  const admission = new Admission();
  const table = new RouteTable(endpoint.routes);
  const { name, fail = failWithProblem } = endpoint;
  return async (request) => {
    const started = performance.now();
    const requestId = readRequestId(request.headers);
    const url = new URL(request.url);
    const match = table.find(readPath(url, endpoint));
    const route = match?.routes.get(request.method);
    const permit = admission.issue(route?.priority(request));
    const { rest = [] } = match ?? {};
    const ctx = new Context(request, url, rest, permit, endpoint.environment);
    let response: Response;
    try {
      permit.take("requests", 1);
      response = await answer(ctx, match, endpoint);
    } catch (error) {
      const failure = toProblemError(error);
      ctx.annotate({ code: failure.problem.code });
      if (isUnexpected(failure)) ctx.report(error);
      response = fail(request, failure);
    }
    if (request.method === "HEAD") {
      response = await withoutBody(response, ctx.pending.length > 0);
    }
    addHeaders(response.headers, requestId);
    const finish = () => {
      permit.release();
      const durationMs = performance.now() - started;
      const { method } = request;
      const { status } = response;
      writeAccessLog(
        { requestId, name, method, status, durationMs },
        ctx.fields,
      );
    };
    if (ctx.pending.length === 0) finish();
    else void Promise.allSettled(ctx.pending).then(finish);
    return response;
  };
}

/** The segments of the path below the function's name, which is the first. */
function readPath({ pathname }: URL, { exactPaths }: Endpoint): string[] {
  return exactPaths
    ? pathname.split("/").slice(2)
    : pathname.split("/").filter(Boolean).slice(1);
}

async function answer(
  ctx: Context,
  match: Match | null,
  { notFound, appendOnly }: Endpoint,
): Promise<Response> {
  if (match === null) {
    throw new ProblemError(createProblem("not_found", notFound));
  }
  const { method } = ctx.request;
  const { allow } = match;
  const route = match.routes.get(method);
  ctx.annotate({ route: route?.name ?? match.name });
  if (method === "OPTIONS") return answerPreflight(allow);
  if (route === undefined) {
    const isChange = ["PUT", "PATCH", "DELETE"].includes(method);
    const detail = (isChange ? appendOnly : undefined) ??
      `The method is not allowed on this path; use one of ${allow}`;
    throw new ProblemError(createProblem("method_not_allowed", detail), {
      allow,
    });
  }
  return await route.handler(await route.access(ctx));
}

/** The response to a preflight request (Fetch standard, §3.3). */
function answerPreflight(methods: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": methods,
      "access-control-allow-headers":
        "authorization, x-client-info, apikey, x-ledger-key, content-type, content-encoding, idempotency-key, if-none-match, prefer, x-region, x-request-id, x-retry-count, traceparent, tracestate, baggage",
      "access-control-max-age": "86400",
      allow: methods,
    },
  });
}

/**
 * The response to HEAD: that to GET without its body (RFC 9110 §9.3.2), with the
 * length of the body. A streamed body has no length; an empty stream in its place
 * keeps the runtime from adding a length of 0.
 */
async function withoutBody(
  response: Response,
  isOpen: boolean,
): Promise<Response> {
  if (response.body === null) return response;
  if (isOpen) {
    await response.body.cancel();
    return new Response(new Blob().stream(), response);
  }
  const { byteLength } = await response.arrayBuffer();
  const head = new Response(null, response);
  head.headers.set("content-length", String(byteLength));
  return head;
}

function addHeaders(headers: Headers, requestId: string): void {
  headers.set("x-request-id", requestId);
  // Shared caches do not treat the apikey header as a credential.
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

/** Whether the error belongs in the access log: an overload has nothing to add to its code. */
function isUnexpected({ problem }: ProblemError): boolean {
  return problem.status >= 500 && problem.code !== "overloaded";
}

/** The problem that answers an error, without internal detail. */
function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const problem = error instanceof StoreError && error.isTransient
    ? createProblem(
      "unavailable",
      "The database is unavailable or busy; send the same request again after Retry-After. Events with an id or an Idempotency-Key are recorded once",
    )
    : createProblem(
      "internal_error",
      "The request failed; find the cause in the access log by x-request-id",
    );
  return new ProblemError(problem);
}
