import type { Issue } from "../issue.ts";
import { MAX_INTEGER } from "../limits.ts";
import type { ReadUnits, UsageCounts } from "./read-usage.ts";

/** The kinds of input and output that are not text. */
const MODALITIES = ["audio", "image", "video"];

/** unit → the units that it includes, as genai-prices reports them. */
const INCLUDED: Record<string, string[]> = {
  cache_read_tokens: MODALITIES.map((kind) => `cache_${kind}_read_tokens`),
  input_tool_tokens: MODALITIES.map((kind) => `input_${kind}_tool_tokens`),
  ...Object.fromEntries(MODALITIES.map((kind) => [
    `input_${kind}_tokens`,
    [`cache_${kind}_read_tokens`, `input_${kind}_tool_tokens`],
  ])),
  input_document_pages: ["input_annotated_document_pages"],
};

/** Counts that name text: what no other unit holds is text. */
const TEXT_UNIT = /^(?:input|output|cache)_text_(?:\w+_)?tokens$/;

/** Units that have a member of their own in {@linkcode UsageCounts}. */
const NAMED = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "output_reasoning_tokens",
];

/**
 * Turns the units of a usage object, which include one another, into disjoint
 * counts. Numbers that cannot all be true are an issue at the one that is too
 * large.
 */
export function splitCounts(
  units: ReadUnits,
): { counts: UsageCounts } | { issue: Issue } {
  const amount = (unit: string) => units.amounts.get(unit) ?? 0;
  const excess = findExcess(units);
  if (excess) return { issue: excess };
  const parts = new Map(
    [...units.amounts].filter(([unit]) => !TEXT_UNIT.test(unit)),
  );
  for (const [unit, included] of Object.entries(INCLUDED)) {
    if (!parts.has(unit)) continue;
    for (const one of included) {
      parts.set(unit, parts.get(unit)! - amount(one));
    }
  }
  const oneHour = amount("cache_write_1h_tokens");
  parts.set("cache_write_5m_tokens", amount("cache_write_tokens") - oneHour);
  parts.delete("cache_write_tokens");
  attributeCachedModality(parts, amount("input_tokens"));
  const overflow = findOverflow(units, parts);
  return overflow ? { issue: overflow } : { counts: toCounts(parts) };
}

/** A unit that is larger than what includes it, or than the database holds. */
function findExcess({ amounts, pointers }: ReadUnits): Issue | undefined {
  const check = (whole: string, included: string[]) => {
    let rest = amounts.get(whole) ?? 0;
    for (const unit of included) {
      rest -= amounts.get(unit) ?? 0;
      if (rest < 0) return isMore(pointers.get(unit)!, whole);
    }
  };
  for (const [unit, value] of amounts) {
    if (value > MAX_INTEGER) {
      const detail = `Is more than ${MAX_INTEGER} with what is added to it`;
      return { pointer: pointers.get(unit)!, code: "out_of_range", detail };
    }
  }
  const writes = ["cache_write_5m_tokens", "cache_write_1h_tokens"];
  let issue = check("cache_write_tokens", writes);
  for (const [whole, included] of Object.entries(INCLUDED)) {
    // A provider may list a modality among the cached tokens alone.
    if (amounts.has(whole)) issue ??= check(whole, included);
  }
  return issue;
}

/**
 * Some providers count cached tokens and audio tokens, but not the cached audio.
 * They are taken to be apart as far as the input allows.
 */
function attributeCachedModality(
  parts: Map<string, number>,
  input: number,
): void {
  let overlap = sumOf(parts, isInputPart) - input;
  for (const kind of MODALITIES) {
    const fresh = parts.get(`input_${kind}_tokens`) ?? 0;
    const cached = parts.get("cache_read_tokens") ?? 0;
    const both = Math.min(overlap, fresh, cached);
    if (both <= 0) continue;
    const unit = `cache_${kind}_read_tokens`;
    parts.set(`input_${kind}_tokens`, fresh - both);
    parts.set("cache_read_tokens", cached - both);
    parts.set(unit, (parts.get(unit) ?? 0) + both);
    overlap -= both;
  }
}

/** The part with which the parts of a total become more than the total. */
function findOverflow(
  { amounts, pointers }: ReadUnits,
  parts: Map<string, number>,
): Issue | undefined {
  for (
    const [total, isPart] of [
      ["input_tokens", isInputPart],
      ["output_tokens", isOutputPart],
    ] as const
  ) {
    let rest = amounts.get(total) ?? 0;
    for (const [unit, value] of parts) {
      if (isPart(unit)) rest -= value;
      if (rest >= 0) continue;
      // What was derived has no member of its own.
      const source = unit.startsWith("cache_write")
        ? "cache_write_tokens"
        : "cache_read_tokens";
      return isMore(pointers.get(unit) ?? pointers.get(source)!, total);
    }
  }
}

function isInputPart(unit: string): boolean {
  return unit !== "input_tokens" && /^(?:input|cache)_.*tokens$/.test(unit);
}

function isOutputPart(unit: string): boolean {
  return unit !== "output_tokens" && /^output_.*tokens$/.test(unit);
}

function sumOf(
  parts: Map<string, number>,
  isPart: (unit: string) => boolean,
): number {
  let sum = 0;
  for (const [unit, value] of parts) if (isPart(unit)) sum += value;
  return sum;
}

function isMore(pointer: string, whole: string): Issue {
  const name = whole.replaceAll("_", " ");
  const detail =
    `Is more, with what else is counted there, than the ${name} that include it`;
  return { pointer, code: "invalid_value", detail };
}

function toCounts(parts: Map<string, number>): UsageCounts {
  const counts: UsageCounts = {
    input_tokens: parts.get("input_tokens") ?? 0,
    output_tokens: parts.get("output_tokens") ?? 0,
  };
  const optional = {
    cache_read_tokens: parts.get("cache_read_tokens"),
    cache_write_5m_tokens: parts.get("cache_write_5m_tokens"),
    cache_write_1h_tokens: parts.get("cache_write_1h_tokens"),
    reasoning_tokens: parts.get("output_reasoning_tokens"),
  };
  for (const [name, value] of Object.entries(optional)) {
    if (value) counts[name as keyof typeof optional] = value;
  }
  const others = [...parts].filter(([unit, value]) =>
    value > 0 && !NAMED.includes(unit)
  );
  if (others.length > 0) counts.other_units = Object.fromEntries(others);
  return counts;
}
