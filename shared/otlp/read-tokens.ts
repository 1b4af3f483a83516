import { MAX_INTEGER } from "../limits.ts";
import { canonicalProvider } from "../pricing/providers.ts";
import { ALIASES, findAttribute, findText } from "./attributes.ts";
import type { Span } from "./span.ts";
import {
  type Basis,
  type Convention,
  decideConvention,
  type Inference,
  readCounts,
  type SentCounts,
} from "./token-convention.ts";

/** The members of an llm-usage event that count tokens. */
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
  /** The convention of the span's counts; omitted if both give the same result. */
  token_convention?: Convention;
  convention_basis?: Basis;
};

/** Operations without output tokens. */
const WITHOUT_OUTPUT = /embed|rerank/i;

/**
 * The inclusive token counts of a model call, or the reason why the span is rejected.
 * The counts of a failed call are optional.
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
  if (inference !== null) {
    tokens.token_convention = inference.convention;
    tokens.convention_basis = inference.basis;
  }
  return { tokens };
}

/** Fills in a count from the total, or 0 where it is optional. */
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

/** The known conventions of a source; `declared` only if the source documents it. */
type SourceConvention = { cache: Inference; reasoning: Inference };

const DECLARED_INCLUSIVE: Inference = {
  convention: "inclusive",
  basis: "declared",
};
const LIKELY_INCLUSIVE: Inference = {
  convention: "inclusive",
  basis: "likely",
};
const LIKELY_EXCLUSIVE: Inference = {
  convention: "exclusive",
  basis: "likely",
};
/** The semantic conventions: cached and reasoning tokens SHOULD be included. */
const DEFAULT: Inference = { convention: "inclusive", basis: "default" };

/** Providers whose API excludes cached tokens from the input. */
const CACHE_EXCLUDED = ["anthropic", "aws"];
/** Providers whose API excludes reasoning from the output. */
const REASONING_EXCLUDED = ["google", "x-ai"];
/** Providers whose API includes both. */
const ALL_INCLUDED = [
  "azure",
  "deepseek",
  "groq",
  "mistral",
  "openai",
  "openrouter",
];

/** Anthropic's names of its counts, with the prefix `gen_ai.usage.`. */
const NATIVE_CACHE_NAMES = [
  "gen_ai.usage.cache_read_input_tokens",
  "gen_ai.usage.cache_creation_input_tokens",
];

/**
 * The conventions of a span's source for cached and reasoning tokens: declared by the
 * span, documented (OpenRouter, OpenInference, AI SDK 7), or known from the source's
 * code. Numbers that prove a convention take precedence in `decideConvention`.
 */
export function sourceConvention(
  span: Span,
  declared: "inclusive" | "exclusive" | undefined,
): SourceConvention {
  if (declared !== undefined) {
    const inference: Inference = { convention: declared, basis: "declared" };
    return { cache: inference, reasoning: inference };
  }
  const provider = canonicalProvider(
    findText(span.attributes, ALIASES.provider),
  );
  if (isDocumented(span)) {
    return { cache: DECLARED_INCLUSIVE, reasoning: DECLARED_INCLUSIVE };
  }
  // Before version 6, the AI SDK sent the numbers of the provider.
  if (span.attributes.has("ai.operationId")) return copiedFrom(provider);
  if (isNormalising(span.scope)) {
    return { cache: LIKELY_INCLUSIVE, reasoning: DEFAULT };
  }
  if (span.scope === "opentelemetry.instrumentation.bedrock") {
    return { cache: LIKELY_EXCLUSIVE, reasoning: DEFAULT };
  }
  if (span.scope === "opentelemetry.instrumentation.llamaindex") {
    return copiedFrom(provider);
  }
  if (ALL_INCLUDED.includes(provider)) return copiedFrom(provider);
  const native = copiedFrom(provider);
  const cacheName = findAttribute(span.attributes, NATIVE_CACHE_NAMES);
  const reasoningName = findAttribute(span.attributes, ALIASES.reasoning)?.name;
  return {
    cache: cacheName === undefined ? DEFAULT : native.cache,
    // The first name is the conventions' own, defined as a part of the output.
    reasoning: reasoningName === ALIASES.reasoning[0]
      ? DEFAULT
      : native.reasoning,
  };
}

/** Sources that document inclusive counts. */
function isDocumented({ scope, attributes }: Span): boolean {
  return scope === "gen_ai" || scope === "@ai-sdk/otel" ||
    attributes.has("gen_ai.usage.input_tokens.cached") ||
    attributes.has("openrouter.provider_slug") ||
    attributes.has("openrouter.provider_name") ||
    attributes.has("llm.token_count.prompt") ||
    attributes.has("ai.usage.inputTokenDetails.noCacheTokens");
}

/** Instrumentation that normalises the numbers of every provider. */
function isNormalising(scope: string): boolean {
  return [
    "litellm",
    "pydantic-ai",
    "opentelemetry.instrumentation.anthropic",
    "opentelemetry.instrumentation.langchain",
    "opentelemetry.instrumentation.openai",
    "opentelemetry.instrumentation.groq",
    "opentelemetry.instrumentation.google_generativeai",
  ].some((name) => scope === name || scope.startsWith(`${name}.`));
}

/** The convention of the provider's API, for sources that copy its numbers. */
function copiedFrom(provider: string): SourceConvention {
  const rule = (excluding: string[]) =>
    excluding.includes(provider)
      ? LIKELY_EXCLUSIVE
      : ALL_INCLUDED.includes(provider)
      ? LIKELY_INCLUSIVE
      : DEFAULT;
  return { cache: rule(CACHE_EXCLUDED), reasoning: rule(REASONING_EXCLUDED) };
}
