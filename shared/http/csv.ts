/** Text that a spreadsheet would take for a formula (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;

/** Numbers start with a sign too, and are no formula. */
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * A line of CSV (RFC 4180), with its CRLF. NULL is an empty field; objects are
 * JSON. A text that a spreadsheet would run as a formula gets an apostrophe in
 * front.
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
