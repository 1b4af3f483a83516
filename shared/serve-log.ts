import { anyCaller, open, serviceOnly } from "./http/access.ts";
import type { Context } from "./http/context.ts";
import { getRow, list } from "./query/list.ts";
import { record } from "./ingest/record.ts";
import { type Route, route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { summariseLog } from "./query/summarise.ts";
import { requireKnown } from "./http/parameters.ts";
import type { Log } from "./logs/log.ts";
import type { ResolvedEnvironment } from "./db/environment.ts";

/** Routes of a log beyond those of every log. */
export type LogRoutes = (log: Log) => readonly Route[];

/** Loads the module whose default export is the log's OpenAPI document. */
type DocumentLoader = () => Promise<{ default: unknown }>;

/** What a log's function has of its own. */
export type LogParts = {
  document?: DocumentLoader;
  routes?: LogRoutes;
};

/** The endpoint of a log: a fetch handler for an Edge Function. */
export function serveLog(
  log: Log,
  environment: ResolvedEnvironment,
  { document, routes = () => [] }: LogParts = {},
): (request: Request) => Promise<Response> {
  return serve({
    name: log.slug,
    environment,
    routes: [...logRoutes(log), ...documentRoutes(document), ...routes(log)],
    notFound: `There is nothing at this path; see /${log.slug}/openapi.json`,
    methodNotAllowed:
      `${log.table} is append-only: events are recorded with POST and read with GET, and a recorded row is never changed or deleted`,
  });
}

/** The routes of every log. */
function logRoutes(log: Log): readonly Route[] {
  const writer = log.userWrites === null
    ? serviceOnly(`write ${log.table}`)
    : anyCaller;
  return [
    route("GET", "", anyCaller, (ctx) => list(ctx, log), { name: "list" }),
    route("POST", "", writer, (ctx) => record(ctx, log), { name: "record" }),
    route("GET", "summary", anyCaller, (ctx) => summariseLog(ctx, log)),
    route("GET", ":", anyCaller, (ctx) => getRow(ctx, log), {
      name: "fetch",
    }),
  ];
}

/** `GET openapi.json`, to anyone. The document is loaded with the first request. */
function documentRoutes(load: DocumentLoader | undefined): readonly Route[] {
  if (load === undefined) return [];
  const answer = async ({ request }: Context) => {
    requireKnown(new URL(request.url).searchParams, []);
    return Response.json((await load()).default);
  };
  return [route("GET", "openapi.json", open, answer)];
}
