import type { ResolvedEnvironment } from "./db/environment.ts";
import { open, readerOf, writerOf } from "./http/access.ts";
import type { Context } from "./http/context.ts";
import { requireKnown } from "./http/parameters.ts";
import { type Route, route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { record } from "./ingest/record.ts";
import type { Log } from "./logs/log.ts";
import { getRow, list } from "./query/list.ts";
import { summariseLog } from "./query/summarise.ts";

/** Routes of a log in addition to those of every log. */
export type LogRoutes = (log: Log) => readonly Route[];

/** Loads the module whose default export is the log's OpenAPI document. */
type DocumentLoader = () => Promise<{ default: unknown }>;

/** The parts of a function that differ between logs. */
export type LogOptions = {
  document?: DocumentLoader;
  routes?: LogRoutes;
};

/** The fetch handler of a log's Edge Function. */
export function serveLog(
  log: Log,
  environment: ResolvedEnvironment,
  { document, routes = () => [] }: LogOptions = {},
): (request: Request) => Promise<Response> {
  return serve({
    name: log.slug,
    environment,
    routes: [...logRoutes(log), ...documentRoutes(document), ...routes(log)],
    notFound: `The path is unknown; /${log.slug}/openapi.json lists the paths`,
    appendOnly:
      `${log.table} is append-only, and recorded rows never change; record events with POST and read rows with GET`,
  });
}

/** The routes of every log. */
function logRoutes(log: Log): readonly Route[] {
  const writer = writerOf(log);
  const reader = readerOf(log, Object.keys(log.filters));
  return [
    route("GET", "", reader, (ctx) => list(ctx, log), { name: "list" }),
    route("POST", "", writer, (ctx) => record(ctx, log), { name: "record" }),
    route("GET", "summary", reader, (ctx) => summariseLog(ctx, log)),
    route("GET", ":", readerOf(log), (ctx) => getRow(ctx, log), {
      name: "fetch",
    }),
  ];
}

/** `GET openapi.json`, open to everyone. The first request loads the document. */
function documentRoutes(load: DocumentLoader | undefined): readonly Route[] {
  if (load === undefined) return [];
  const answer = async ({ query }: Context) => {
    requireKnown(query, []);
    return Response.json((await load()).default);
  };
  return [route("GET", "openapi.json", open, answer)];
}
