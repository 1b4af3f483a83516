import { MAX_JSON_DEPTH } from "../limits.ts";
import {
  isSpace,
  type JsonIssue,
  JsonSyntaxError,
  parseStrictJson,
} from "./strict-json.ts";

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An escape that may be NUL or a lone surrogate. */
const UNSAFE_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;

/** A number with an exponent, or with more digits than a double always keeps. */
const UNSAFE_NUMBER = /[:,[ \n\r\t]-?[0-9](?:[0-9.]{14}|[0-9.]*[eE])/;

const QUOTE = '"'.charCodeAt(0);

/**
 * The result of `parseStrictJson`, faster for a text without issues.
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
 * The object or array of a JSON text that certainly has no issues, by `JSON.parse`;
 * undefined when the strict parser has to decide, which most such texts show before
 * they are parsed.
 *
 * `JSON.parse` keeps one of duplicate keys. So the keys of the value are compared with
 * the colons after a quote in the text, of which each key has one and strings may have
 * more: where the counts are equal, no key was dropped.
 */
export function parseJsonFast(text: string): object | undefined {
  if (UNSAFE_NUMBER.test(text) || hasUnsafeText(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isContainer(value)) return undefined;
  return countKeys(value, 1) === countKeyEnds(text) ? value : undefined;
}

function hasUnsafeText(text: string): boolean {
  return !text.isWellFormed() ||
    text.includes("\\u") && UNSAFE_ESCAPE.test(text);
}

/** The number of keys of all objects; NaN for a key `__proto__` or excessive depth. */
function countKeys(value: object, depth: number): number {
  if (depth > MAX_JSON_DEPTH) return NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const member of value) {
      if (isContainer(member)) count += countKeys(member, depth + 1);
    }
    return count;
  }
  // Objects of JSON.parse inherit no enumerable keys.
  for (const key in value) {
    if (key === "__proto__") return NaN;
    count++;
    const member = value[key as keyof typeof value];
    if (isContainer(member)) count += countKeys(member, depth + 1);
  }
  return count;
}

/** The number of colons after a quote. */
function countKeyEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf(":"); at >= 0; at = text.indexOf(":", at + 1)) {
    let before = at - 1;
    while (isSpace(text.charCodeAt(before))) before--;
    if (text.charCodeAt(before) === QUOTE) count++;
  }
  return count;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/**
 * `JSON.rawJSON` and the source text of reviver calls (ECMAScript 2026), which
 * TypeScript does not declare yet. With them, numbers keep their text: a bigint or
 * numeric of Postgres is compared and returned digit for digit.
 */
const { parse, rawJSON, isRawJSON } = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, at: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
};

const NOT_FINITE = /NaN|Infinity/;

/** A string, or a number that is not finite and that JSON does not have. */
const STRING_OR_NOT_FINITE = /"[^"\\]*(?:\\.[^"\\]*)*"|NaN|-?Infinity/gs;

/**
 * Parses JSON; each number becomes an opaque object that `JSON.stringify` writes
 * as it was read, and one that is not finite becomes text.
 *
 * @throws {SyntaxError} for text that is not JSON.
 */
export function parseExactJson(text: string): unknown {
  const json = NOT_FINITE.test(text)
    ? text.replaceAll(
      STRING_OR_NOT_FINITE,
      (match) => match.startsWith('"') ? match : `"${match}"`,
    )
    : text;
  try {
    // Reads in a third of the time that a reviver takes.
    const { value, issues } = parseStrictJson(json, {
      toNumber: rawJSON,
    });
    if (!issues.some(({ code }) => code === "forbidden_key")) return value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
  }
  return parse(
    json,
    (_key, value, { source }) =>
      typeof value === "number" ? rawJSON(source!) : value,
  );
}

/** Whether a value of `parseExactJson` is a JSON object, not a number. */
export function isExactObject(
  value: unknown,
): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !isRawJSON(value);
}

/**
 * A value of `parseExactJson` as canonical text: keys sorted, integers among them first
 * and by their value, no white space. Numbers keep their text: 1.0 and 1 differ.
 */
export function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(",")}]`;
  if (!isExactObject(value)) return JSON.stringify(value);
  // Written directly: a sorted object of many keys takes several times as long.
  const keys = Object.keys(value);
  const names = keys.filter((key) => !INTEGER_KEY.test(key));
  const sorted = names.length === keys.length
    ? names.sort()
    : Object.keys(Object.fromEntries(keys.sort().map((key) => [key, null])));
  const members = sorted.map((key) =>
    `${JSON.stringify(key)}:${toCanonicalJson(value[key])}`
  );
  return `{${members.join(",")}}`;
}

/** A key that may be an array index, which objects order by value. */
const INTEGER_KEY = /^\d{1,10}$/;
