import { eTag, ifNoneMatch } from "@std/http/etag.js";
import * as z from "zod";
import { type Caller, SQLSTATES, StoreError } from "../db/call-function.ts";
import { fetchRow, listPage, type Page, type Reader } from "../db/read-log.ts";
import type { CallerContext } from "../http/context.ts";
import { negotiate, type RowWriter, WRITERS } from "../http/format.ts";
import {
  type ListParameters,
  pageRows,
  readListParameters,
  requireKnown,
} from "../http/parameters.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { ownerOf, ownEventId } from "../ingest/ids.ts";
import { MAX_PAGE_ROWS } from "../limits.ts";
import { type Log, type LogEvent, orderRow } from "../logs/log.ts";
import { openCursor, refuseCursor, sealCursor } from "./cursor.ts";

/**
 * Answers `GET /<log>`: a page as JSON, or all rows from the cursor on as CSV or
 * NDJSON, streamed page by page. An error after the status was sent goes to the access
 * log.
 *
 * @throws {ProblemError} 400 for an invalid parameter, 406 for an unsupported format,
 * 503 when the instance is overloaded.
 */
export async function list(
  ctx: CallerContext,
  log: Log,
): Promise<Response> {
  const { request, caller, env } = ctx;
  const reader = { log, caller, env };
  const parameters = readListParameters(log, ctx.query);
  const format = negotiate(request);
  if (format === "application/json") {
    ctx.permit.take("rows", pageRows(parameters.limit));
    return await answerPage(reader, ctx.url, parameters);
  }
  ctx.annotate({ route: "export" });
  ctx.permit.takeExport(
    identityOf(caller),
  );
  const ended = Promise.withResolvers<void>();
  const end: EndExport = (how) => {
    // HEAD has no body to cut off.
    const isCutOff = how === "cut off" && request.method !== "HEAD";
    if (isCutOff) ctx.annotate({ cut_off: true });
    ended.resolve();
  };
  const writer = WRITERS[format];
  const report = (error: unknown) => ctx.report(error);
  const answer = await answerExport(reader, parameters, writer, report, end);
  ctx.keepOpen(ended.promise);
  return answer;
}

/** Who takes part of the capacity of the instance. */
function identityOf(caller: Caller): string {
  switch (caller.kind) {
    case "user":
      return `user:${caller.id}`;
    case "producer":
      return `producer:${caller.key.id}`;
    case "service":
      return `secret:${caller.keyName}`;
  }
}

/** Takes how an export ended. */
type EndExport = (how: "complete" | "cut off") => void;

async function answerPage(
  reader: Reader,
  url: URL,
  parameters: ListParameters,
): Promise<Response> {
  const pages = new Pages(reader, parameters);
  const page = await pages.read(pageRows(parameters.limit));
  const cursor = page.next && await pages.seal(page);
  const headers = new Headers({ vary: "accept" });
  if (cursor !== null && page.more) {
    url.searchParams.set("cursor", cursor);
    headers.set("link", `<${publicPath(url)}>; rel="next"`);
  }
  const rows = page.rows.map((row) => orderRow(reader.log, row));
  return Response.json({ rows, has_more: page.more, next_cursor: cursor }, {
    headers,
  });
}

/**
 * Reads the first page before the response starts, so that an immediate failure has a
 * status. A later failure aborts the connection: a response that ends properly is
 * complete.
 */
async function answerExport(
  reader: Reader,
  parameters: ListParameters,
  writer: RowWriter,
  report: (error: unknown) => void,
  end: EndExport,
): Promise<Response> {
  const { columns } = reader.log;
  const pages = new Pages(reader, parameters);
  let remaining = parameters.limit ?? Infinity;
  let page: Page | null = await pages.read(Math.min(remaining, MAX_PAGE_ROWS));
  const head = writer.head(columns);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(head)),
    async pull(controller) {
      page ??= await pages.read(Math.min(remaining, MAX_PAGE_ROWS)).catch(
        (error) => {
          report(error);
          end("cut off");
          // The runtime prints this error, so it must not repeat database content.
          throw new Error("the export broke off");
        },
      );
      const rows = page.rows.map((row) => writer.row(columns, row));
      controller.enqueue(encoder.encode(rows.join("")));
      remaining -= rows.length;
      if (!page.more || remaining <= 0) {
        controller.close();
        end("complete");
      }
      page = null;
    },
    cancel: () => end("cut off"),
  });
  return new Response(body, {
    headers: {
      "content-type": writer.contentType,
      "content-disposition": `attachment; filename="${reader.log.table}"`,
      vary: "accept",
    },
  });
}

/** Reads the pages of one list in order. */
class Pages {
  #after: Page["next"] = null;
  #started = false;
  readonly #context: string;

  constructor(
    readonly reader: Reader,
    readonly parameters: ListParameters,
  ) {
    const { selection, ascending } = parameters;
    this.#context = JSON.stringify([reader.log.table, selection, ascending]);
  }

  /** The next page, of at most `maxRows` rows. */
  async read(maxRows: number): Promise<Page> {
    const { cursor, selection, ascending } = this.parameters;
    if (!this.#started && cursor !== null) {
      this.#after = await openCursor(cursor, this.#context, this.reader.env);
    }
    this.#started = true;
    const page = await listPage(this.reader, selection, {
      ascending,
      maxRows,
      after: this.#after,
    }).catch((error) => {
      const foreign = error instanceof StoreError &&
        error.reason.code === SQLSTATES.foreignCursor;
      throw foreign ? refuseCursor() : error;
    });
    this.#after = page.next;
    return page;
  }

  /** The cursor after a page. */
  seal(page: Page): Promise<string> {
    return sealCursor(page.next!, this.#context, this.reader.env);
  }
}

/** The path that clients use; the platform strips its prefix for a function. */
function publicPath(url: URL): string {
  return `/functions/v1${url.pathname}${url.search}`;
}

/**
 * Answers `GET /<log>/<id>`: the row, or 304 for a matching `If-None-Match`.
 *
 * @throws {ProblemError} 404 for a row that does not exist or is not visible to the
 * caller, without distinction.
 */
export async function getRow(
  { request, query, rest: [id], caller, env }: CallerContext,
  log: Log,
): Promise<Response> {
  requireKnown(query, []);
  const row = z.guid().safeParse(id).success
    ? await fetchRow({ log, caller, env }, await idsOf(id, log, caller))
    : null;
  if (row === null || !isInScope(row, caller)) {
    throw new ProblemError(
      createProblem(
        "not_found",
        `${log.table} has no row with this id that you may see`,
      ),
    );
  }
  const body = JSON.stringify(orderRow(log, row));
  // eTag returns undefined for an empty body only.
  const etag = await eTag(body) as string;
  const headers = {
    etag,
    // Rows are private. A cached copy must be revalidated, because a foreign key can
    // set a reference to NULL.
    "cache-control": "private, no-cache",
    "content-type": "application/json",
  };
  const isModified = ifNoneMatch(request.headers.get("if-none-match"), etag);
  return isModified
    ? new Response(body, { headers })
    : new Response(null, { status: 304, headers });
}

/** Whether a row is within the scope of a producer key. */
function isInScope(row: LogEvent, caller: Caller): boolean {
  return caller.kind !== "producer" ||
    Object.entries(caller.key.scope).every(([column, value]) =>
      !Object.hasOwn(row, column) || row[column] === value
    );
}

/**
 * The ids that a row may have which the caller names by `id`: itself, and that of
 * the event to which its owner gave the id.
 */
async function idsOf(
  id: string,
  { table, userWrites }: Log,
  caller: Caller,
): Promise<string[]> {
  const named = id.toLowerCase();
  const owner = caller.kind === "user" && userWrites === null
    ? null
    : ownerOf(caller);
  return owner === null
    ? [named]
    : [named, await ownEventId(table, owner, named)];
}
