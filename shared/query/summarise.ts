import { SQLSTATES, StoreError } from "../db/call-function.ts";
import { readSummary } from "../db/read-log.ts";
import type { CallerContext } from "../http/context.ts";
import { negotiate, WRITERS } from "../http/format.ts";
import { readSummaryParameters, refuseParameter } from "../http/parameters.ts";
import { MAX_GROUPS } from "../limits.ts";
import type { Log } from "../logs/log.ts";

/**
 * Answers `GET /<log>/summary`: counts and sums, per group and in total, as JSON, CSV or
 * NDJSON.
 *
 * @throws {ProblemError} 400 for an invalid parameter, 406 for an unsupported format,
 * 503 when the instance is overloaded.
 */
export async function summariseLog(
  ctx: CallerContext,
  log: Log,
): Promise<Response> {
  const { caller, env } = ctx;
  const parameters = readSummaryParameters(log, ctx.query);
  const format = negotiate(ctx.request);
  ctx.permit.take("rows", MAX_GROUPS);
  const { selection, groups, bucket, zone, asOf } = parameters;
  const summary = await readSummary({ log, caller, env }, selection, {
    groups,
    bucket,
    zone,
    maxGroups: MAX_GROUPS,
    asOf,
  }).catch((error) => {
    const unknown = error instanceof StoreError &&
      error.reason.code === SQLSTATES.invalidParameter;
    throw unknown
      ? refuseParameter("tz", "is unknown to Postgres; use an IANA time zone")
      : error;
  });

  const keys = bucket === null ? groups : [bucket, ...groups];
  const answer = {
    from: selection.from,
    to: selection.to,
    tz: zone,
    ...log.rated && { as_of: asOf },
    group_by: keys,
    totals: summary.totals,
    groups: summary.groups,
    group_count: summary.group_count,
    truncated: summary.group_count > summary.groups.length,
  };
  const headers = { vary: "accept" };
  if (format === "application/json") return Response.json(answer, { headers });

  const { contentType, head, row } = WRITERS[format];
  const rows = [
    ...answer.groups.map((group) => ({ kind: "group", ...group })),
    { kind: "total", ...answer.totals },
  ];
  const columns = ["kind", ...keys, ...Object.keys(answer.totals)];
  const body = head(columns) + rows.map((item) => row(columns, item)).join("");
  return new Response(body, {
    headers: {
      ...headers,
      "content-type": contentType,
      "x-truncated": String(answer.truncated),
    },
  });
}
