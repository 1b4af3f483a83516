import { type Log, orderRow } from "../logs/log.ts";
import { fetchRow, listPage, type Page, type Reader } from "../db/read-log.ts";
import { StoreError } from "../db/call-function.ts";
import { openCursor, refuseCursor, sealCursor } from "./cursor.ts";
import { negotiate, type RowWriter, WRITERS } from "../http/format.ts";
import { MAX_PAGE_ROWS } from "../limits.ts";
import type { CallerContext } from "../http/context.ts";
import {
  type ListParameters,
  pageRows,
  readListParameters,
  requireKnown,
} from "../http/parameters.ts";
import { eTag, ifNoneMatch } from "@std/http/etag.js";
import * as z from "zod";
import { createProblem, ProblemError } from "../http/problem.ts";

/** SQLSTATE of `list_log` for a position that another database made. */
const FOREIGN_POSITION = "LF002";

/**
 * Answers `GET /<log>`: a page as JSON, or everything from the cursor on as CSV
 * or NDJSON, streamed page by page. An error that comes too late for a status is
 * reported to the access log.
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
  ctx.permit.take("exports", 1);
  const ended = Promise.withResolvers<void>();
  const end: EndExport = (how) => {
    // HEAD takes no body, so none of it is missing.
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

/** Takes how an export came to its end. */
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
 * The first page is read before the answer starts, so that what fails at once
 * has its status. A later failure breaks the connection off: an answer that
 * ends properly is complete.
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
  let left = parameters.limit ?? Infinity;
  let page: Page | null = await pages.read(Math.min(left, MAX_PAGE_ROWS));
  const head = writer.head(columns);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(head)),
    async pull(controller) {
      page ??= await pages.read(Math.min(left, MAX_PAGE_ROWS)).catch(
        (error) => {
          report(error);
          end("cut off");
          // The runtime prints it as well, and must not repeat the database.
          throw new Error("the export broke off");
        },
      );
      const rows = page.rows.map((row) => writer.row(columns, row));
      controller.enqueue(encoder.encode(rows.join("")));
      left -= rows.length;
      if (!page.more || left <= 0) {
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

/** The pages of one list, one after the other. */
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
        error.reason.code === FOREIGN_POSITION;
      throw foreign ? refuseCursor() : error;
    });
    this.#after = page.next;
    return page;
  }

  seal(page: Page): Promise<string> {
    return sealCursor(page.next!, this.#context, this.reader.env);
  }
}

/** The path that a client uses; a function sees only what is behind the prefix. */
function publicPath(url: URL): string {
  return `/functions/v1${url.pathname}${url.search}`;
}

/**
 * Answers `GET /<log>/<id>`: the row, 304 when the caller has it already, and
 * the same 404 for a row that does not exist and one that the caller may not see.
 */
export async function getRow(
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
