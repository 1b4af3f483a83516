import type { Log } from "./logs/log.ts";
import type { Reader } from "./store/read-log.ts";
import { authenticate } from "./endpoint/authenticate.ts";
import { answerPreflight } from "./endpoint/cors.ts";
import type { ResolvedEnvironment } from "./store/environment.ts";
import { fetchOne } from "./endpoint/fetch.ts";
import { list } from "./endpoint/list.ts";
import { createProblem, ProblemError } from "./endpoint/problem.ts";
import { record } from "./endpoint/record.ts";
import { noteOn } from "./endpoint/request-notes.ts";
import { type Report, serve } from "./endpoint/serve.ts";
import { summariseLog } from "./endpoint/summarise.ts";

/** What a route needs to answer. */
export type RouteCall = Reader & { request: Request };

/** Answers of a log's endpoint beyond those of every log: path → method → answer. */
export type Routes = ReadonlyMap<
  string,
  Partial<Record<"GET" | "POST", (call: RouteCall) => Promise<Response>>>
>;

const READ_METHODS = "GET, HEAD, OPTIONS";
const METHODS = "GET, HEAD, POST, OPTIONS";

/** The endpoint of a log: a fetch handler for an Edge Function. */
export function serveLog(
  log: Log,
  environment: ResolvedEnvironment,
  routes: Routes = new Map(),
): (request: Request) => Promise<Response> {
  return serve(
    log.slug,
    (request, report) => route(log, request, environment, routes, report),
  );
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
  noteOn(request, { route: own ? part : nameRoute(part, request.method) });
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

/** What stands for a path of every log in the function's log. */
function nameRoute(part: string | undefined, method: string): string {
  if (part === undefined) return method === "POST" ? "record" : "list";
  return part === "openapi.json" || part === "summary" ? part : "fetch";
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
