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

/** Text that a spreadsheet would take for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;

/** A signed number is not a formula. */
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * A line of CSV (RFC 4180) with its CRLF. NULL is an empty field; objects are JSON. An
 * apostrophe precedes text that a spreadsheet would run as a formula.
 */
export function toCsvLine(values: unknown[]): string {
  return values.map(toField).join(",") + "\r\n";
}

function toField(value: unknown): string {
  if (value === null || value === undefined) return "";
  let text = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (typeof value === "string" && FORMULA.test(text) && !NUMBER.test(text)) {
    text = `'${text}`;
  }
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
