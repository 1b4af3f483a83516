import type { Issue } from "../issue.ts";
import { MAX_INTEGER } from "../limits.ts";
import type { ReadUnits } from "./read-usage.ts";

/**
 * The counts of one model call: two totals, and disjoint parts of them, so that every
 * token is priced exactly once. Tokens of no part are plain text. Counts are whole
 * numbers; an optional count of 0 is omitted.
 */
export interface UsageCounts {
  /** All input, whether cached or not. */
  input_tokens: number;
  /** All output, reasoning included. */
  output_tokens: number;
  /** Read from the cache, without the audio, image and video in `other_units`. */
  cache_read_tokens?: number;
  /** Written to the cache for five minutes, or for an unknown time. */
  cache_write_5m_tokens?: number;
  /** Written to the cache for one hour. */
  cache_write_1h_tokens?: number;
  /** Reasoning output. */
  reasoning_tokens?: number;
  /**
   * Other units that a provider may charge for, by genai-prices' names. Units that start
   * with `input_` or `cache_` and end in `_tokens` are parts of `input_tokens`, those
   * with `output_` of `output_tokens`; others (`web_searches`,
   * `input_document_pages`, …) are parts of no total.
   */
  other_units?: Record<string, number>;
  /** A name of `canonicalServiceTier`, when the usage object has one. */
  service_tier?: string;
}

/** Modalities of input and output other than text. */
const MODALITIES = ["audio", "image", "video"];

/** unit → the units that it includes in genai-prices' results. */
const INCLUDED: Record<string, string[]> = {
  cache_read_tokens: MODALITIES.map((kind) => `cache_${kind}_read_tokens`),
  input_tool_tokens: MODALITIES.map((kind) => `input_${kind}_tool_tokens`),
  ...Object.fromEntries(MODALITIES.map((kind) => [
    `input_${kind}_tokens`,
    [`cache_${kind}_read_tokens`, `input_${kind}_tool_tokens`],
  ])),
  input_document_pages: ["input_annotated_document_pages"],
};

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
 * Converts the units of a usage object, which include one another, into disjoint
 * counts. A unit that exceeds a unit that includes it is an issue.
 */
export function splitCounts(
  units: ReadUnits,
): { counts: UsageCounts } | { issue: Issue } {
  const amount = (unit: string) => units.amounts.get(unit) ?? 0;
  const excess = findExcess(units);
  if (excess) return { issue: excess };
  const parts = new Map(units.amounts);
  for (const [unit, included] of Object.entries(INCLUDED)) {
    if (!parts.has(unit)) continue;
    for (const part of included) {
      parts.set(unit, parts.get(unit)! - amount(part));
    }
  }
  const oneHour = amount("cache_write_1h_tokens");
  parts.set("cache_write_5m_tokens", amount("cache_write_tokens") - oneHour);
  parts.delete("cache_write_tokens");
  attributeCachedModality(parts, amount("input_tokens"));
  const overflow = findOverflow(units, parts);
  return overflow ? { issue: overflow } : { counts: toCounts(parts) };
}

/** The issue of a unit that exceeds one that includes it, or the database's integer. */
function findExcess({ amounts, pointers }: ReadUnits): Issue | undefined {
  const check = (whole: string, included: string[]) => {
    let rest = amounts.get(whole) ?? 0;
    for (const unit of included) {
      rest -= amounts.get(unit) ?? 0;
      if (rest < 0) return exceeds(pointers.get(unit)!, whole);
    }
  };
  for (const [unit, value] of amounts) {
    if (value > MAX_INTEGER) {
      const detail =
        `Sums to more than ${MAX_INTEGER}; check the counts of this unit`;
      return { pointer: pointers.get(unit)!, code: "out_of_range", detail };
    }
  }
  const writes = ["cache_write_5m_tokens", "cache_write_1h_tokens"];
  let issue = check("cache_write_tokens", writes);
  for (const [whole, included] of Object.entries(INCLUDED)) {
    // A provider may count a modality among the cached tokens only.
    if (amounts.has(whole)) issue ??= check(whole, included);
  }
  return issue;
}

/**
 * Attributes cached audio where a provider counts cached tokens and audio tokens, but
 * not their overlap: it is as small as the total of the input allows.
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

/** The issue of the part at which the sum of parts exceeds their total. */
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
      // A derived unit has no member in the usage object.
      const source = unit.startsWith("cache_write")
        ? "cache_write_tokens"
        : "cache_read_tokens";
      return exceeds(pointers.get(unit) ?? pointers.get(source)!, total);
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

function exceeds(pointer: string, whole: string): Issue {
  const name = whole.replaceAll("_", " ");
  const detail =
    `Exceeds the ${name} that include it, together with their other parts; check both counts`;
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
