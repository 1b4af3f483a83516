import { accepts } from "@std/http/negotiation.js";
import { createProblem, ProblemError } from "./problem.ts";

/** A representation of rows. */
type Format = "application/json" | "text/csv" | "application/x-ndjson";

/** Serializes the rows of an export. */
export type RowWriter = {
  contentType: string;
  /** The text before the first row. */
  head: (columns: readonly string[]) => string;
  row: (columns: readonly string[], row: Record<string, unknown>) => string;
};

/** The writers of the streamed formats. */
export const WRITERS: Record<Exclude<Format, "application/json">, RowWriter> = {
  "text/csv": {
    contentType: "text/csv; charset=utf-8; header=present",
    head: (columns) => toCsvLine([...columns]),
    row: (columns, row) => toCsvLine(columns.map((column) => row[column])),
  },
  "application/x-ndjson": {
    contentType: "application/x-ndjson",
    head: () => "",
    row: (columns, row) =>
      JSON.stringify(
        Object.fromEntries(columns.map((column) => [column, row[column]])),
      ) + "\n",
  },
};

/**
 * The representation that a request's `Accept` prefers (RFC 9110 §12.5.1); JSON
 * without one.
 *
 * @throws {ProblemError} 406 when `Accept` excludes all of them.
 */
export function negotiate(request: Request): Format {
  const formats = ["application/json", ...Object.keys(WRITERS)];
  const format: Format | undefined = accepts(request, ...formats);
  if (format !== undefined) return format;
  throw new ProblemError(createProblem(
    "not_acceptable",
    `Accept excludes every format of this resource; accept one of ${
      formats.join(", ")
    }`,
  ));
}

/** Text that is written as it is: it cannot split or start a formula; signed numbers. */
const PLAIN = /^[A-Za-z0-9][\w.:+ -]*$|^[+-]\d+(?:\.\d+)?$/;

/**
 * The places of a text that need an apostrophe: its start and those after another
 * separator than the comma, at which a spreadsheet with that separator splits the text
 * in spite of its quotes, where a formula would start. White space, control and format
 * characters and quotes may precede the formula, and its first character may be of full
 * or small width, because spreadsheets ignore them. An apostrophe or control character
 * at the start needs one as well. No place is searched past the next one, so that the
 * time is linear. (OWASP, "CSV Injection")
 */
const FORMULAS =
  /(?<=^|[;|\t\r\n])(?=(?:(?![\t\r\n])[\s\p{Cc}\p{Cf}"'])*[=+\-@＝＋－＠﹦﹢﹣﹫])|^(?=['\p{Cc}])/gu;

/** Text that needs quotes: separators of any spreadsheet, and white space that it trims. */
const NEEDS_QUOTES = /[",;|\p{Cc}\u2028\u2029]|^\s|\s$/u;

/**
 * A line of CSV (RFC 4180) with its CRLF. NULL is an empty field. Objects are JSON, with
 * the separators of other spreadsheets as escapes. An apostrophe precedes each part of
 * a text that a spreadsheet could run as a formula.
 */
export function toCsvLine(values: unknown[]): string {
  return values.map(toField).join(",") + "\r\n";
}

function toField(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string"
    ? value
    : typeof value === "object"
    ? JSON.stringify(value).replaceAll(";", "\\u003b").replaceAll(
      "|",
      "\\u007c",
    )
    : String(value);
  if (PLAIN.test(text)) return text;
  const safe = typeof value === "string" ? text.replace(FORMULAS, "'") : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
