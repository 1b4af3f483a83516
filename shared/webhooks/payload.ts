import { type JsonObject } from "../http/json.ts";
import type { Issue } from "../issue.ts";

/** A value in a payload and its JSON Pointer. */
export type Found = { pointer: string; value: unknown };

/**
 * The value at a JSON Pointer (RFC 6901, names without ~ and /), or undefined.
 * Only own members count: a payload cannot reach into a prototype.
 */
export function readPointer(payload: unknown, pointer: string): unknown {
  let value = payload;
  for (const step of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null) return undefined;
    if (!Object.hasOwn(value, step)) return undefined;
    value = (value as JsonObject)[step];
  }
  return value;
}

/** The first value at one of the pointers that is not missing, null or "". */
export function findFirst(
  payload: unknown,
  pointers: readonly string[],
): Found | null {
  for (const pointer of pointers) {
    const value = readPointer(payload, pointer);
    if (value !== undefined && value !== null && value !== "") {
      return { pointer, value };
    }
  }
  return null;
}

/**
 * The issues of a payload's text that affect recorded values: at, above or below one
 * of `pointers`. Issues in the rest of the payload, which is ignored, do not count.
 */
export function findRelevantIssues(
  issues: readonly Issue[],
  pointers: readonly string[],
): Issue[] {
  return issues.filter((issue) => {
    // Otherwise the parser dropped __proto__, which is not a member of any format.
    if (issue.pointer === "") return issue.code === "invalid_json";
    return pointers.some((pointer) =>
      isAtOrBelow(pointer, issue.pointer) || isAtOrBelow(issue.pointer, pointer)
    );
  });
}

/**
 * The issues of values at or below `pointers` that a lenient reader replaced by null:
 * numbers that are not finite, and values that are nested too deep.
 */
export function findReplaced(
  issues: readonly Issue[],
  payload: unknown,
  pointers: readonly string[],
): Issue[] {
  return issues.filter((issue) =>
    readPointer(payload, issue.pointer) === null &&
    pointers.some((pointer) => isAtOrBelow(issue.pointer, pointer))
  );
}

function isAtOrBelow(pointer: string, above: string): boolean {
  return pointer === above || pointer.startsWith(`${above}/`);
}

/** "2026-01-31T12:00:00.5", also with a space for the T and without an offset. */
const ISO =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * A timestamp as RFC 3339 in UTC with microseconds, from seconds since 1970 or from
 * ISO 8601 text. Text without an offset counts as UTC, which Python's `isoformat`
 * writes on a server in UTC. Null for anything else.
 */
export function toTimestamp(value: unknown): string | null {
  const micros = toMicroseconds(value);
  if (micros === null) return null;
  const seconds = new Date(Math.floor(micros / 1_000)).toISOString().slice(
    0,
    19,
  );
  const fraction = String(micros % 1_000_000).padStart(6, "0");
  return `${seconds}.${fraction}Z`;
}

/** Whole microseconds since 1970; null unless it is a time from 1970 to 2255. */
export function toMicroseconds(value: unknown): number | null {
  const micros = typeof value === "number"
    ? Math.round(value * 1_000_000)
    : readIso(value);
  return micros !== null && micros >= 0 && Number.isSafeInteger(micros)
    ? micros
    : null;
}

function readIso(value: unknown): number | null {
  if (typeof value !== "string") return null;
  const match = ISO.exec(value.trim());
  if (match === null) return null;
  const [, date, time, offset = "Z"] = match;
  const [whole, fraction = ""] = time.split(".");
  const zone = offset.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2").toUpperCase();
  const millis = Date.parse(`${date}T${whole}${zone}`);
  if (Number.isNaN(millis)) return null;
  return millis * 1_000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
}
