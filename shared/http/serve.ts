import { RETRY_AFTER_SECONDS } from "../limits.ts";
import type { ResolvedEnvironment } from "../db/environment.ts";
import { StoreError } from "../db/call-function.ts";
import { readRequestId, writeAccessLog } from "./access-log.ts";
import { Admission } from "./admission.ts";
import { Context } from "./context.ts";
import { createProblem, ProblemError, respondProblem } from "./problem.ts";
import { type Match, type Route, RouteTable } from "./routes.ts";

/**
 * Browsers may call from any origin: credentials travel in headers that a page
 * must set itself, never in cookies, so another origin gains nothing.
 */
const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "allow, etag, link, location, preference-applied, retry-after, www-authenticate, x-request-id, x-truncated",
};

/** The endpoint of a function: its routes, and in what it differs from the others. */
export type Endpoint = {
  /** The function's name. */
  name: string;
  routes: readonly Route[];
  environment: ResolvedEnvironment;
  /** The detail of a 404 for a path that the table does not have. */
  notFound: string;
  /** The detail of a 405; the allowed methods by default. */
  methodNotAllowed?: string;
  /** Paths have one spelling, without empty parts; a final slash is another path. */
  exactPaths?: true;
  /** The response to a request that failed; a problem document by default. */
  fail?: (request: Request, error: ProblemError) => Response;
};

/**
 * The fetch handler of a function. Every request gets a permit, is routed, let in
 * by its route's access, and handled; every response, errors included, carries
 * `x-request-id` and CORS headers; and one access-log entry records it. The caller
 * never sees an unexpected error; the entry has all of it.
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
    const permit = admission.issue(route?.priority);
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

/** The parts of the path below the function's name, which comes first in it. */
function readPath({ pathname }: URL, { exactPaths }: Endpoint): string[] {
  return exactPaths
    ? pathname.split("/").slice(2)
    : pathname.split("/").filter(Boolean).slice(1);
}

async function answer(
  ctx: Context,
  match: Match | null,
  { notFound, methodNotAllowed }: Endpoint,
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
    const detail = methodNotAllowed ??
      `The method is not supported here; use one of ${allow}`;
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
        "authorization, x-client-info, apikey, content-type, content-encoding, idempotency-key, prefer, x-region, x-request-id, x-retry-count, traceparent, tracestate, baggage",
      "access-control-max-age": "86400",
      allow: methods,
    },
  });
}

/**
 * The response to HEAD: that to GET without its body (RFC 9110 §9.3.2). Its length
 * is that of the body; a body that is still being written has none, and an empty
 * stream in its place keeps the runtime from adding a length of 0.
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

/** An overload is expected, and its code says everything about it. */
function isUnexpected({ problem }: ProblemError): boolean {
  return problem.status >= 500 && problem.code !== "overloaded";
}

/** The problem that the caller is shown for an error, without internal detail. */
function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const problem = error instanceof StoreError && error.isTransient
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
