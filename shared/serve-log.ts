import { anyCaller, open, serviceOnly } from "./http/access.ts";
import type { Context } from "./http/context.ts";
import { fetchOne } from "./query/fetch.ts";
import { list } from "./query/list.ts";
import { record } from "./ingest/record.ts";
import { type Route, route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { summariseLog } from "./query/summarise.ts";
import type { Log } from "./logs/log.ts";
import type { ResolvedEnvironment } from "./db/environment.ts";

/** Routes of a log beyond those of every log. */
export type LogRoutes = (log: Log) => readonly Route[];

/** The endpoint of a log: a fetch handler for an Edge Function. */
export function serveLog(
  log: Log,
  environment: ResolvedEnvironment,
  ownRoutes: LogRoutes = () => [],
): (request: Request) => Promise<Response> {
  return serve({
    name: log.slug,
    environment,
    routes: [...logRoutes(log), ...ownRoutes(log)],
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
  const document = async ({ request }: Context) => {
    // Loaded on demand: it would double what a function loads at its start.
    const { answerDocument } = await import("./openapi/answer-document.ts");
    return await answerDocument(log, request);
  };
  return [
    route("GET", "", anyCaller, (ctx) => list(ctx, log), { name: "list" }),
    route("POST", "", writer, (ctx) => record(ctx, log), { name: "record" }),
    route("GET", "summary", anyCaller, (ctx) => summariseLog(ctx, log)),
    route("GET", "openapi.json", open, document),
    route("GET", ":", anyCaller, (ctx) => fetchOne(ctx, log), {
      name: "fetch",
    }),
  ];
}
