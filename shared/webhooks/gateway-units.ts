import { isObject } from "../http/json.ts";
import { toPointer } from "../issue.ts";
import { MAX_INTEGER } from "../limits.ts";
import { readLeaves } from "../pricing/usage-leaves.ts";
import { type Count, countOf, isIrrelevant } from "../pricing/usage-members.ts";
import { type Found, readPointer } from "./payload.ts";

/** The members of usage objects. */
export type UsageMembers = {
  /** What is counted → its members, in the order of the objects. */
  counts: Map<Count, Found[]>;
  /** Pointers to members that count something unknown; of copies the first. */
  unread: string[];
};

/** A name that may be stored: an API's name of a member, no content. */
const STORABLE = /^[\w/]{1,128}$/;

/** The most unread members of a call. */
const MAX_UNREAD = 20;

/** Reads the members of the usage objects at `objects`. */
export function readUsageMembers(
  payload: unknown,
  objects: readonly string[],
): UsageMembers {
  const counts = new Map<Count, Found[]>();
  const unread = new Map<string, string>();
  for (const base of objects) {
    const usage = readPointer(payload, base);
    if (!isObject(usage)) continue;
    for (const leaf of readLeaves(usage)) {
      if (leaf.value === null) continue;
      const pointer = base + toPointer(leaf.path.slice(1));
      const count = countOf(leaf.name);
      if (count !== undefined) {
        const members = counts.get(count) ?? [];
        members.push({ pointer, value: leaf.value });
        counts.set(count, members);
      } else if (isPositive(leaf.value) && !isIrrelevant(leaf.name)) {
        if (!unread.has(leaf.name)) unread.set(leaf.name, pointer);
      }
    }
    // A single iteration is a copy of the totals.
    const { iterations } = usage;
    if (Array.isArray(iterations) && iterations.length > 1) {
      unread.set("iterations", `${base}/iterations`);
    }
  }
  return { counts, unread: [...unread.values()] };
}

/**
 * Pointers that may be stored, at most `MAX_UNREAD`. One that may hold content becomes
 * that of its usage object.
 */
export function toStorable(
  pointers: readonly string[],
  objects: readonly string[],
): string[] {
  const storable = pointers.map((pointer) =>
    STORABLE.test(pointer)
      ? pointer
      : objects.find((base) => pointer.startsWith(base))!
  );
  return [...new Set(storable)].slice(0, MAX_UNREAD);
}

/** Amounts by genai-prices' names of units, and the pointers of their members. */
export type Units = {
  amounts: Map<string, number>;
  pointers: Map<string, string>;
};

/** Counts that are a total of tokens, or a part of one that has its own column. */
const TEXT =
  /^(?:input|output|total|output_text_tokens)$|^(?:billed|cache_read|cache_write|reasoning)_/;

/**
 * The units besides text; of several members of one unit, the largest count. A malformed
 * count becomes an unread member.
 */
export function readUnits({ counts, unread }: UsageMembers): Units {
  const units: Units = { amounts: new Map(), pointers: new Map() };
  for (const [unit, members] of counts) {
    if (TEXT.test(unit)) continue;
    for (const { pointer, value } of members) {
      if (!isCount(value)) unread.push(pointer);
      else if (value > (units.amounts.get(unit) ?? 0)) {
        units.amounts.set(unit, value);
        units.pointers.set(unit, pointer);
      }
    }
  }
  return units;
}

/** Whether a value is a count that the database can store. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) <= MAX_INTEGER;
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && value > 0;
}
