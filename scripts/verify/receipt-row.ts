import { layouts } from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import type { ColumnType, Member } from "../../shared/logs/log.ts";

/** A JSON number with its source text: 1.50 is not 1.5 in a leaf. */
export class JsonNumber {
  constructor(readonly source: string) {}
}

/**
 * Parses JSON and keeps the source text of numbers; undefined if it is not JSON, or if an
 * object has a key twice, of which readers see different values.
 */
export function parseExact(text: string): unknown {
  let members = 0;
  function keepSource(
    this: unknown,
    _: string,
    value: unknown,
    context?: { source?: string },
  ) {
    if (!Array.isArray(this)) members += 1;
    return typeof value === "number"
      ? new JsonNumber(context?.source ?? String(value))
      : value;
  }
  try {
    const reviver = keepSource as Parameters<typeof JSON.parse>[1];
    const value = JSON.parse(text, reviver);
    // The root counts as a member of an object that holds it.
    return countKeys(text) + 1 === members ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The number of keys in valid JSON, where every string before a colon is one. */
function countKeys(json: string): number {
  const strings = json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"\s*(:?)/g);
  let count = 0;
  for (const [, colon] of strings) count += colon.length;
  return count;
}

/**
 * The members of a row's leaf, from the row of an answer; null if it is not a row of the
 * log.
 */
export function toMembers(
  log: LogName,
  row: Record<string, unknown>,
): Member[] | null {
  const members: Member[] = [];
  for (const { name, type } of layouts[log]) {
    if (!Object.hasOwn(row, name)) return null;
    const member = toMember(type, row[name]);
    if (member === undefined) return null;
    members.push(member);
  }
  return members;
}

/**
 * Whether jsonb of an answer certainly has the recorded text: JavaScript rewrites
 * numbers, such as 1.50 to 1.5, unless they are safe integers.
 */
export function isExact(value: unknown): boolean {
  if (value instanceof JsonNumber) {
    return /^(0|-?[1-9]\d*)$/.test(value.source) &&
      Number.isSafeInteger(Number(value.source));
  }
  return typeof value !== "object" || value === null ||
    Object.values(value).every(isExact);
}

function toMember(type: ColumnType, value: unknown): Member | undefined {
  if (value === null) return null;
  if (type === "jsonb") return formatJsonb(value);
  if (value instanceof JsonNumber) {
    return type === "integer" || type === "numeric" ? value.source : undefined;
  }
  if (typeof value === "boolean") {
    return type === "boolean" ? String(value) : undefined;
  }
  if (typeof value !== "string" || !value.isWellFormed()) return undefined;
  if (type === "uuid") return value.toLowerCase();
  return type === "timestamptz" ? toMicroseconds(value) : value;
}

const TIMESTAMP =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/;

function toMicroseconds(text: string): Member | undefined {
  if (text === "infinity" || text === "-infinity") return text;
  const [, second, fraction = "", zone] = TIMESTAMP.exec(text) ?? [];
  const milliseconds = Date.parse(`${second}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  const micros = BigInt(fraction.padEnd(6, "0"));
  return String(BigInt(milliseconds) * 1_000n + micros);
}

/** JSON in the form of Postgres's jsonb: keys sorted by length, then by bytes, and spaces. */
function formatJsonb(value: unknown): string {
  if (value instanceof JsonNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(formatJsonb).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .map(([name, member]) => ({ name, bytes: encoder.encode(name), member }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ name, member }) =>
      `${JSON.stringify(name)}: ${formatJsonb(member)}`
    );
  return `{${members.join(", ")}}`;
}

const encoder = new TextEncoder();

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  const at = a.findIndex((byte, at) => byte !== b[at]);
  return at < 0 ? 0 : a[at] - b[at];
}
