import { MAX_INTEGER } from "../limits.ts";
import type { UsageCounts } from "../pricing/extract-usage.ts";
import { ALIASES, findText } from "./attributes.ts";
import type { SourceConvention } from "./source-convention.ts";
import type { Span } from "./span.ts";
import {
  type Basis,
  type Convention,
  decideConvention,
  type Inference,
  readCounts,
  type SentCounts,
} from "./token-convention.ts";
import {
  addUnits,
  findUnread,
  includeDisjointUnits,
  toPlainName,
} from "./units.ts";
import { readUsageObject } from "./usage-objects.ts";

/** The members of an llm-usage event that count usage. */
export type TokenUsage = {
  /** All input, cached or not. */
  input_tokens: number;
  /** All output, reasoning included. */
  output_tokens: number;
  /** The part of the input that was read from the cache. */
  cache_read_tokens?: number;
  /** The part of the input that was written to the cache for 5 minutes or an unknown lifetime. */
  cache_write_5m_tokens?: number;
  /** The part of the input that was written to the cache for an hour. */
  cache_write_1h_tokens?: number;
  /** The part of the output that was reasoning. */
  reasoning_tokens?: number;
  /** Units with a price of their own, by name. */
  other_units?: Record<string, number>;
  /**
   * Attributes of the usage that were not understood or are missing, so that the cost is
   * a floor; `usage` for a call without any.
   */
  unread_members?: string[];
  /** Only where the provider's usage object states it. */
  service_tier?: string;
  /** The convention of the span's counts; omitted if both give the same result. */
  token_convention?: Convention;
  convention_basis?: Basis;
};

/** Operations without output tokens. */
const WITHOUT_OUTPUT = /embed|rerank/i;

/** The unread member of a call without usage. */
const ALL_USAGE = "usage";

/**
 * The inclusive token counts of a model call, or the reason why the span is rejected. A
 * provider's own usage object takes precedence over the sender's counts. A successful
 * call without counts has unknown usage.
 */
export function readTokens(
  span: Span,
  success: boolean,
  source: SourceConvention,
): { tokens: TokenUsage } | { reason: string } {
  const read = readCounts(span.attributes);
  if ("reason" in read) return read;
  const object = readUsageObject(span.attributes, read.counts);
  const unread = [...object?.unread ?? []];
  if (object !== null && object.counts !== null) {
    const tokens = fromUsageObject(object.counts, read.counts);
    addUnread(tokens, unread);
    return { tokens };
  }
  const { counts, missing } = completeCounts(
    includeDisjointUnits(span, read.counts),
    { input: success, output: success && !isWithoutOutput(span) },
  );
  const result = toInclusive(counts, source);
  if ("reason" in result) return result;
  const { tokens } = result;
  unread.push(...missing, ...addUnits(span.attributes, tokens));
  unread.push(...findUnread(span));
  if (success && !hasUsage(tokens)) tokens.unread_members = [ALL_USAGE];
  else addUnread(tokens, unread);
  return { tokens };
}

/**
 * The counts of a usage object, which are inclusive, with the convention of the sender's
 * own. A count of the sender that is higher takes precedence, as it does where a stream
 * ended before the provider's last count.
 */
function fromUsageObject(counts: UsageCounts, sent: SentCounts): TokenUsage {
  const tokens: TokenUsage = {
    ...counts,
    input_tokens: Math.max(counts.input_tokens, sent.input ?? 0),
    output_tokens: Math.max(counts.output_tokens, sent.output ?? 0),
  };
  const {
    cache_read_tokens = 0,
    cache_write_5m_tokens = 0,
    cache_write_1h_tokens = 0,
    reasoning_tokens = 0,
  } = counts;
  const cached = cache_read_tokens + cache_write_5m_tokens +
    cache_write_1h_tokens;
  if (cached + reasoning_tokens === 0) return tokens;
  const isExclusive = sent.input !== null && sent.input < tokens.input_tokens ||
    sent.output !== null && sent.output < tokens.output_tokens;
  tokens.token_convention = isExclusive ? "exclusive" : "inclusive";
  tokens.convention_basis = "proved";
  return tokens;
}

function toInclusive(
  counts: FullCounts,
  source: SourceConvention,
): { tokens: TokenUsage } | { reason: string } {
  const { cacheRead, cacheWrite, cacheWrite1h, reasoning } = counts;
  const { addedInput, addedOutput, inference } = decideConvention(
    counts,
    source,
  );
  const input_tokens = counts.input + addedInput;
  const output_tokens = counts.output + addedOutput;
  if (Math.max(input_tokens, output_tokens) > MAX_INTEGER) {
    return { reason: `The sum of the tokens is more than ${MAX_INTEGER}` };
  }
  const tokens: TokenUsage = { input_tokens, output_tokens };
  if (cacheRead > 0) tokens.cache_read_tokens = cacheRead;
  if (cacheWrite > cacheWrite1h) {
    tokens.cache_write_5m_tokens = cacheWrite - cacheWrite1h;
  }
  if (cacheWrite1h > 0) tokens.cache_write_1h_tokens = cacheWrite1h;
  if (reasoning > 0) tokens.reasoning_tokens = reasoning;
  addInference(tokens, inference);
  return { tokens };
}

function addUnread(tokens: TokenUsage, names: readonly string[]): void {
  const plain = new Set(names.map(toPlainName));
  if (plain.size > 0) tokens.unread_members = [...plain];
}

function addInference(tokens: TokenUsage, inference: Inference | null): void {
  if (inference === null) return;
  tokens.token_convention = inference.convention;
  tokens.convention_basis = inference.basis;
}

function hasUsage({ input_tokens, output_tokens, other_units }: TokenUsage) {
  return input_tokens + output_tokens > 0 || other_units !== undefined;
}

type FullCounts = SentCounts & { input: number; output: number };

/**
 * Fills in a missing count from the total, or 0. `missing` names the counts that a call
 * must have; a total alone counts as input, the cheaper of the two.
 */
function completeCounts(
  sent: SentCounts,
  required: { input: boolean; output: boolean },
): { counts: FullCounts; missing: string[] } {
  const { total } = sent;
  const isTotalOnly = sent.input === null && sent.output === null;
  const input = sent.input ?? subtract(total, sent.output) ??
    (isTotalOnly ? total : null);
  const output = sent.output ?? subtract(total, sent.input);
  const missing: string[] = [];
  if (required.input && input === null) missing.push(ALIASES.input[0]);
  if (required.output && output === null) missing.push(ALIASES.output[0]);
  return {
    counts: { ...sent, input: input ?? 0, output: output ?? 0 },
    missing,
  };
}

function subtract(total: number | null, part: number | null): number | null {
  return total !== null && part !== null && total >= part ? total - part : null;
}

function isWithoutOutput({ attributes }: Span): boolean {
  const kinds = [
    ALIASES.operation,
    ALIASES.aiSdkOperation,
    ALIASES.openInferenceKind,
    ALIASES.requestType,
    ALIASES.langfuseType,
    ALIASES.langsmithKind,
    ALIASES.genkitType,
  ].map((names) => findText(attributes, names));
  return kinds.some((kind) => WITHOUT_OUTPUT.test(kind));
}
