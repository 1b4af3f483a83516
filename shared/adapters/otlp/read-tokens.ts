import { MAX_INTEGER } from "../../limits.ts";
import { ALIASES, findText } from "./attribute-names.ts";
import type { SourceConvention } from "./source-convention.ts";
import type { Span } from "./span.ts";
import { decideConvention } from "./token-convention.ts";
import type { Basis, Convention } from "./token-convention.ts";
import { readCounts, type SentCounts } from "./token-counts.ts";

/** The members of an llm-usage event that count tokens. */
export type TokenUsage = {
  /** All input, cached or not. */
  input_tokens: number;
  /** All output, reasoning included. */
  output_tokens: number;
  /** The part of the input that was read from the cache. */
  cache_read_tokens?: number;
  /** The part of the input that was written to the cache, of no other lifetime. */
  cache_write_5m_tokens?: number;
  /** The part of the input that was written to the cache for an hour. */
  cache_write_1h_tokens?: number;
  /** The part of the output that was only thought. */
  reasoning_tokens?: number;
  /** How the span counted; left out when it makes no difference. */
  token_convention?: Convention;
  convention_basis?: Basis;
};

/** Operations that answer with no tokens. */
const WITHOUT_OUTPUT = /embed|rerank/i;

/**
 * The full token counts of a model call, or why the span gives none. A call that
 * failed may have none: it then used none that anybody knows of.
 */
export function readTokens(
  span: Span,
  success: boolean,
  source: SourceConvention,
): { tokens: TokenUsage } | { reason: string } {
  const read = readCounts(span.attributes);
  if ("reason" in read) return read;
  const { cacheRead, cacheWrite, cacheWrite1h, reasoning } = read.counts;
  const complete = completeCounts(read.counts, {
    output: success && !isWithoutOutput(span),
    input: success,
  });
  if ("reason" in complete) return complete;
  const { counts } = complete;
  const { addedInput, addedOutput, believed } = decideConvention(
    counts,
    source,
  );
  const input_tokens = counts.input + addedInput;
  const output_tokens = counts.output + addedOutput;
  if (Math.max(input_tokens, output_tokens) > MAX_INTEGER) {
    return { reason: `The tokens are more than ${MAX_INTEGER} in all` };
  }
  const tokens: TokenUsage = { input_tokens, output_tokens };
  if (cacheRead > 0) tokens.cache_read_tokens = cacheRead;
  if (cacheWrite > cacheWrite1h) {
    tokens.cache_write_5m_tokens = cacheWrite - cacheWrite1h;
  }
  if (cacheWrite1h > 0) tokens.cache_write_1h_tokens = cacheWrite1h;
  if (reasoning > 0) tokens.reasoning_tokens = reasoning;
  if (believed !== null) {
    tokens.token_convention = believed.convention;
    tokens.convention_basis = believed.basis;
  }
  return { tokens };
}

/** Fills in a count that follows from the total, or that may be missing. */
function completeCounts(
  counts: SentCounts,
  required: { input: boolean; output: boolean },
): { counts: SentCounts & { input: number; output: number } } | {
  reason: string;
} {
  const input = counts.input ?? subtract(counts.total, counts.output) ??
    (required.input ? null : 0);
  if (input === null) return { reason: explainCount(ALIASES.input[0]) };
  const output = counts.output ?? subtract(counts.total, counts.input) ??
    (required.output ? null : 0);
  if (output === null) return { reason: explainCount(ALIASES.output[0]) };
  return { counts: { ...counts, input, output } };
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
  ].map((names) => findText(attributes, names));
  return kinds.some((kind) => WITHOUT_OUTPUT.test(kind));
}

function explainCount(name: string): string {
  return `${name} is not set: a model call that succeeded must count its tokens`;
}
