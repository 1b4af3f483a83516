import { MAX_JSON_DEPTH } from "../limits.ts";
import { isSpace, type JsonIssue, parseStrictJson } from "./strict-json.ts";

/** An escape that may be a NUL or half of a surrogate pair. */
const DOUBTFUL_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

/** A number of more digits than a double surely keeps, or with an exponent. */
const DOUBTFUL_NUMBER = /[:,[ \n\r\t]-?[0-9](?:[0-9.]{14}|[0-9.]*[eE])/;

const QUOTE = '"'.charCodeAt(0);

/**
 * What `parseStrictJson` says of a text, faster where it has nothing to report.
 *
 * @throws {JsonSyntaxError} as `parseStrictJson` does.
 */
export function parseJson(
  text: string,
): { value: unknown; issues: JsonIssue[] } {
  const value = parseJsonFast(text);
  return value === undefined ? parseStrictJson(text) : { value, issues: [] };
}

/**
 * The object or array of a JSON text in which the strict parser would find nothing
 * to report; undefined when it has to look, which is mostly seen before the text
 * is parsed here.
 *
 * Of equal keys `JSON.parse` keeps one. So the keys of the value are counted, and
 * the places in the text where a key may end, which are at least as many as the
 * keys of the text: where the counts are equal, no key was dropped.
 */
export function parseJsonFast(text: string): object | undefined {
  if (DOUBTFUL_NUMBER.test(text) || hasDoubtfulText(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  return countKeys(value, 1) === countKeyEnds(text) ? value : undefined;
}

function hasDoubtfulText(text: string): boolean {
  return !text.isWellFormed() ||
    text.includes("\\u") && DOUBTFUL_ESCAPE.test(text);
}

/** The keys of all objects; NaN when one is `__proto__`, or too deep. */
function countKeys(value: object, depth: number): number {
  if (depth > MAX_JSON_DEPTH) return NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const member of value) {
      if (isObject(member)) count += countKeys(member, depth + 1);
    }
    return count;
  }
  // Of what JSON.parse makes nothing is inherited.
  for (const key in value) {
    if (key === "__proto__") return NaN;
    count++;
    const member = value[key as keyof typeof value];
    if (isObject(member)) count += countKeys(member, depth + 1);
  }
  return count;
}

/** The colons after a quote, of which each key has one; strings may have more. */
function countKeyEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) {
    let before = at - 1;
    while (isSpace(text.charCodeAt(before))) before--;
    if (text.charCodeAt(before) === QUOTE) count++;
  }
  return count;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

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
