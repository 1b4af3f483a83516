import { MAX_INTEGER } from "../limits.ts";
import { splitCounts } from "../pricing/split-counts.ts";
import { ALIASES, isUsageName, isWithoutPrice, UNITS } from "./aliases.ts";
import { findAttribute, findText } from "./attributes.ts";
import type { TokenUsage } from "./read-tokens.ts";
import { GOOGLE_ADK } from "./roles.ts";
import { formatOf, isAiSdk, isInclusiveAiSdk } from "./source-convention.ts";
import type { Attributes, Span } from "./span.ts";
import { COUNTS, type SentCounts } from "./token-convention.ts";
import { USAGE_OBJECTS } from "./usage-objects.ts";

/** Attribute name → the unit that it counts. */
const UNIT_NAMES = new Map(
  Object.entries(UNITS).flatMap(([unit, names]) =>
    names.map((name) => [name, unit] as const)
  ),
);

const LANGFUSE_DETAILS = "langfuse.observation.usage_details/";

/**
 * Adds the units with a price of their own to the counts of a call, as disjoint parts of
 * them. Returns the names of the units' attributes if they do not fit the totals.
 */
export function addUnits(attributes: Attributes, tokens: TokenUsage): string[] {
  const sent = findUnits(attributes);
  if (sent.size === 0) return [];
  const names = [...sent.values()].map(({ name }) => name);
  const {
    cache_write_5m_tokens: written5m = 0,
    cache_write_1h_tokens: written1h = 0,
  } = tokens;
  const amounts = new Map<string, number>([
    ["input_tokens", tokens.input_tokens],
    ["output_tokens", tokens.output_tokens],
    ["cache_read_tokens", tokens.cache_read_tokens ?? 0],
    ["cache_write_tokens", written5m + written1h],
    ["cache_write_1h_tokens", written1h],
    ["output_reasoning_tokens", tokens.reasoning_tokens ?? 0],
  ]);
  for (const [unit, { count }] of sent) amounts.set(unit, count);
  const units = { amounts, pointers: pointersTo(amounts), unread: [] };
  const isValid = [...amounts.values()].every(isCount);
  const split = isValid ? splitCounts(units) : null;
  if (split === null || !("counts" in split)) return names;
  const { cache_read_tokens, other_units } = split.counts;
  if (tokens.cache_read_tokens !== undefined) {
    tokens.cache_read_tokens = cache_read_tokens ?? 0;
  }
  tokens.other_units = other_units;
  return [];
}

/** Each unit points to itself, because no issue of them is shown. */
function pointersTo(amounts: Map<string, number>): Map<string, string> {
  return new Map([...amounts.keys()].map((unit) => [unit, unit]));
}

/** Units of which a span counts more than 0; several names of one have the same count. */
function findUnits(
  attributes: Attributes,
): Map<string, { name: string; count: number }> {
  const found = new Map<string, { name: string; count: number }>();
  for (const [name, value] of attributes) {
    const unit = UNIT_NAMES.get(name);
    const count = Number(value);
    if (unit === undefined || !(count > 0) || found.has(unit)) continue;
    found.set(unit, { name, count });
  }
  return found;
}

/**
 * The counts with Langfuse's other parts of the input and the output, which its totals
 * do not include.
 */
export function includeDisjointUnits(
  { attributes }: Span,
  counts: SentCounts,
): SentCounts {
  const { input, output, total } = counts;
  const isPlain = total !== null && total === (input ?? 0) + (output ?? 0);
  if (isPlain) return counts;
  const added = { input: 0, output: 0 };
  for (const [name, value] of attributes) {
    if (!name.startsWith(LANGFUSE_DETAILS) || KNOWN_COUNTS.has(name)) continue;
    const part = totalOf(name.slice(LANGFUSE_DETAILS.length));
    if (part !== null && isCount(value)) added[part] += Number(value);
  }
  return {
    ...counts,
    input: addTo(input, added.input),
    output: addTo(output, added.output),
  };
}

function addTo(count: number | null, added: number): number | null {
  return added === 0 ? count : (count ?? 0) + added;
}

/** The total that a unit is a part of, by the prefix of its name. */
function totalOf(unit: string): "input" | "output" | null {
  return unit.startsWith("input_")
    ? "input"
    : unit.startsWith("output_")
    ? "output"
    : null;
}

function isCount(value: unknown): boolean {
  const count = Number(value);
  return Number.isInteger(count) && count >= 0 && count <= MAX_INTEGER;
}

/** The names of the counts that become columns of their own. */
const KNOWN_COUNTS: ReadonlySet<string> = new Set(
  COUNTS.flatMap((count): readonly string[] => ALIASES[count]),
);

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.values(ALIASES).flat(),
  ...Object.values(UNITS).flat(),
]);

/** Names that hold no content. */
const PLAIN_NAME = /^[\w.:/-]{1,128}$/;

/**
 * A name that is safe to store: the attribute's without the member's, or the namespace
 * alone, if the rest may be content.
 */
export function toPlainName(name: string): string {
  const [attribute] = name.split("/");
  const namespace = name.split(".", 2).join(".");
  return [name, attribute].find((text) => PLAIN_NAME.test(text)) ?? namespace;
}

/** Unread names of one call, of which a sender may have any number. */
const MAX_UNREAD = 20;

/** The attributes that count usage in an unknown way, or that the sender left out. */
export function findUnread(span: Span): string[] {
  const unread: string[] = [];
  for (const [name, value] of span.attributes) {
    const isUnknown = isUsageName(name) && !KNOWN.has(name) &&
      Number(value) > 0 && !isWithoutPrice(name);
    if (!isUnknown || unread.length === MAX_UNREAD) continue;
    unread.push(name);
  }
  return [...unread, ...findOmitted(span)];
}

/** Attributes without which a sender's counts are known to be too low. */
function findOmitted(span: Span): string[] {
  const { scope, attributes } = span;
  if (USAGE_OBJECTS.some(({ name }) => attributes.has(name))) return [];
  const lacks = (names: readonly string[]) =>
    findAttribute(attributes, names) === undefined;
  const isThinking = /gemini-(?:2\.5|[3-9])/i.test(
    findText(attributes, ALIASES.model),
  ) && lacks(ALIASES.reasoning);
  if (scope === GOOGLE_ADK) {
    return isThinking ? ["gcp.vertex.agent.llm_response"] : [];
  }
  if (!isAiSdk(span) || isInclusiveAiSdk(span)) return [];
  const isCacheUnknown = ["anthropic", "aws"].includes(formatOf(span)) &&
    (lacks(ALIASES.cacheRead) || lacks(ALIASES.cacheWrite));
  return isCacheUnknown || isThinking ? ["ai.response.providerMetadata"] : [];
}
