import { canonicalProvider } from "../../pricing/canonical-provider.ts";
import { ALIASES, findAttribute, findText } from "./attribute-names.ts";
import type { Span } from "./span.ts";
import type { Believed } from "./token-convention.ts";

/** What is known about how a source counts; `likely` unless it says so itself. */
export type SourceConvention = { cache: Believed; reasoning: Believed };

const DECLARED_INCLUSIVE: Believed = {
  convention: "inclusive",
  basis: "declared",
};
const LIKELY_INCLUSIVE: Believed = { convention: "inclusive", basis: "likely" };
const LIKELY_EXCLUSIVE: Believed = { convention: "exclusive", basis: "likely" };
/** The semantic conventions: cached and reasoning tokens SHOULD be included. */
const DEFAULT: Believed = { convention: "inclusive", basis: "default" };

/** Providers whose own API leaves cached tokens out of the input. */
const CACHE_APART = ["anthropic", "aws"];
/** Providers whose own API leaves reasoning out of the output. */
const REASONING_APART = ["google", "x-ai"];
/** Providers whose own API includes both. */
const ALL_INCLUDED = [
  "azure",
  "deepseek",
  "groq",
  "mistral",
  "openai",
  "openrouter",
];

/** Anthropic's own names of its counts, behind `gen_ai.usage.`. */
const NATIVE_CACHE_NAMES = [
  "gen_ai.usage.cache_read_input_tokens",
  "gen_ai.usage.cache_creation_input_tokens",
];

/**
 * How the source of a span counts cached and reasoning tokens, by what it says
 * itself, what its documentation says (OpenRouter, OpenInference, AI SDK 7) or
 * what its code is known to do. The numbers, where they prove something, are
 * stronger than this.
 */
export function sourceConvention(
  span: Span,
  declared: "inclusive" | "exclusive" | undefined,
): SourceConvention {
  if (declared !== undefined) {
    const believed: Believed = { convention: declared, basis: "declared" };
    return { cache: believed, reasoning: believed };
  }
  const provider = canonicalProvider(
    findText(span.attributes, ALIASES.provider),
  );
  if (isDocumented(span)) {
    return { cache: DECLARED_INCLUSIVE, reasoning: DECLARED_INCLUSIVE };
  }
  // What the AI SDK sent before version 6 are the numbers of the provider.
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

/** Sources whose documentation says that the counts are inclusive. */
function isDocumented({ scope, attributes }: Span): boolean {
  return scope === "gen_ai" || scope === "@ai-sdk/otel" ||
    attributes.has("gen_ai.usage.input_tokens.cached") ||
    attributes.has("openrouter.provider_slug") ||
    attributes.has("openrouter.provider_name") ||
    attributes.has("llm.token_count.prompt") ||
    attributes.has("ai.usage.inputTokenDetails.noCacheTokens");
}

/** Instrumentation that brings every provider's numbers to the same rule. */
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

/** The rule of the provider's own API, for sources that copy its numbers. */
function copiedFrom(provider: string): SourceConvention {
  const rule = (apart: string[]) =>
    apart.includes(provider)
      ? LIKELY_EXCLUSIVE
      : ALL_INCLUDED.includes(provider)
      ? LIKELY_INCLUSIVE
      : DEFAULT;
  return { cache: rule(CACHE_APART), reasoning: rule(REASONING_APART) };
}
