import { eTag, ifNoneMatch } from "@std/http/etag.js";
import * as z from "zod";
import type { Log } from "../logs/log.ts";
import { orderRow } from "../logs/order-row.ts";
import { fetchRow } from "../db/read-log.ts";
import type { CallerContext } from "../http/context.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { requireKnown } from "../http/query.ts";

/**
 * Answers `GET /<log>/<id>`: the row, 304 when the caller has it already, and
 * the same 404 for a row that does not exist and one that the caller may not see.
 */
export async function fetchOne(
  { request, query, rest: [id], caller, env }: CallerContext,
  log: Log,
): Promise<Response> {
  requireKnown(query, []);
  const row = z.guid().safeParse(id).success
    ? await fetchRow({ log, caller, env }, id)
    : null;
  if (row === null) {
    throw new ProblemError(
      createProblem("not_found", `${log.table} has no such row`),
    );
  }
  const body = JSON.stringify(orderRow(log, row));
  // Only bytes without content have no tag.
  const etag = await eTag(body) as string;
  const headers = {
    etag,
    // Rows are private; a copy may be kept, but is asked for each time, because
    // a foreign key may null a reference.
    "cache-control": "private, no-cache",
    "content-type": "application/json",
  };
  const fresh = ifNoneMatch(request.headers.get("if-none-match"), etag);
  return fresh
    ? new Response(body, { headers })
    : new Response(null, { status: 304, headers });
}
