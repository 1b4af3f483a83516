/**
 * JSON whose numbers keep their text, so that a bigint or a numeric of Postgres
 * is compared and handed back digit for digit. Uses `JSON.rawJSON` and the
 * source text of reviver calls (ECMAScript 2026), which TypeScript does not
 * declare yet.
 */
const { parse, rawJSON, isRawJSON } = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, at: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
};

/**
 * Parses JSON; each number becomes an opaque object that `JSON.stringify` writes
 * as it was read.
 *
 * @throws {SyntaxError} for text that is not JSON.
 */
export function parseExactJson(text: string): unknown {
  return parse(
    text,
    (_key, value, { source }) =>
      typeof value === "number" ? rawJSON(source!) : value,
  );
}

/** Whether a value of `parseExactJson` is an object; a number is not. */
export function isExactObject(
  value: unknown,
): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !isRawJSON(value);
}

/**
 * A value of `parseExactJson` as text that does not depend on the order of keys
 * or on white space. Numbers stay as they were written: 1.0 and 1 differ.
 */
export function toCanonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || isRawJSON(value)) {
    return value;
  }
  if (Array.isArray(value)) return value.map(sortKeys);
  const sorted = Object.entries(value)
    .sort(([one], [other]) => one < other ? -1 : 1)
    .map(([key, member]) => [key, sortKeys(member)]);
  return Object.fromEntries(sorted);
}
