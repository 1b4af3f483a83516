import { layouts } from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import type { ColumnType, Member } from "../../shared/logs/log.ts";

/** A number of JSON as it is written: 1.50 is not 1.5 in a leaf. */
export class JsonNumber {
  constructor(readonly source: string) {}
}

/** Parses JSON and keeps how numbers are written; undefined if it is not JSON. */
export function parseExact(text: string): unknown {
  const keepSource = (
    _: string,
    value: unknown,
    context?: { source?: string },
  ) =>
    typeof value === "number"
      ? new JsonNumber(context?.source ?? String(value))
      : value;
  try {
    return JSON.parse(text, keepSource as Parameters<typeof JSON.parse>[1]);
  } catch {
    return undefined;
  }
}

/**
 * The members that the leaf of a row has, from the row as an answer shows it; null
 * if the row is not one of the log.
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
 * Whether jsonb is certain to be the text that was recorded. JavaScript rewrites
 * the numbers of an answer, 1.50 to 1.5, unless they are safe integers.
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

/** JSON as Postgres prints jsonb: keys by length and then by bytes, and spaces. */
function formatJsonb(value: unknown): string {
  if (value instanceof JsonNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(formatJsonb).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .map(([name, member]) => ({ name, bytes: encoder.encode(name), member }))
    .sort((one, other) => compareBytes(one.bytes, other.bytes))
    .map(({ name, member }) =>
      `${JSON.stringify(name)}: ${formatJsonb(member)}`
    );
  return `{${members.join(", ")}}`;
}

const encoder = new TextEncoder();

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) return one.length - other.length;
  const at = one.findIndex((byte, at) => byte !== other[at]);
  return at < 0 ? 0 : one[at] - other[at];
}
