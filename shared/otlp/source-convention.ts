import { canonicalProvider } from "../pricing/providers.ts";
import { ALIASES, findAttribute, findText } from "./attributes.ts";
import { GOOGLE_ADK, isCodex } from "./roles.ts";
import type { Span } from "./span.ts";
import type { Inference } from "./token-convention.ts";

/** The known conventions of a source; `declared` only if the source documents it. */
export type SourceConvention = { cache: Inference; reasoning: Inference };

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

/** Names of counts that senders copy from Anthropic's API. */
const NATIVE_CACHE_NAMES = [
  "gen_ai.usage.cache_read_input_tokens",
  "gen_ai.usage.cache_creation_input_tokens",
  // Claude Code's.
  "cache_read_tokens",
  "cache_creation_tokens",
];
const NATIVE_LANGFUSE_NAMES = [
  "langfuse.observation.usage_details/cache_read_input_tokens",
  "langfuse.observation.usage_details/cache_creation_input_tokens",
];

/** Langfuse's usage details are disjoint parts, unless the total says otherwise. */
const DISJOINT: Inference = { convention: "exclusive", basis: "default" };

/**
 * The conventions of a span's source for cached and reasoning tokens: declared by the
 * span, documented (OpenRouter, OpenInference, AI SDK 6 and later), or known from the
 * source's code. Numbers that prove a convention take precedence in `decideConvention`.
 */
export function sourceConvention(
  span: Span,
  declared: "inclusive" | "exclusive" | undefined,
): SourceConvention {
  if (declared !== undefined) {
    const inference: Inference = { convention: declared, basis: "declared" };
    return { cache: inference, reasoning: inference };
  }
  const provider = formatOf(span);
  // OpenInference copies the AI SDK's numbers, so the AI SDK's convention counts.
  if (isAiSdk(span) && !isInclusiveAiSdk(span)) return copiedFrom(provider);
  if (isDocumented(span)) {
    return { cache: DECLARED_INCLUSIVE, reasoning: DECLARED_INCLUSIVE };
  }
  return fromSender(span, provider) ?? fromNames(span);
}

/** The convention of a sender that is known from its code. */
function fromSender(
  span: Span,
  provider: string,
): SourceConvention | undefined {
  const { scope, name, attributes } = span;
  if (findText(attributes, ALIASES.langfuseType) !== "") {
    const native = findAttribute(attributes, NATIVE_LANGFUSE_NAMES);
    const cache = native === undefined ? DISJOINT : LIKELY_EXCLUSIVE;
    return { cache, reasoning: DISJOINT };
  }
  if (name.startsWith("claude_code.")) {
    return { cache: LIKELY_EXCLUSIVE, reasoning: DEFAULT };
  }
  if (name.startsWith("qwen-code.") || isCodex(span)) {
    return { cache: LIKELY_INCLUSIVE, reasoning: LIKELY_INCLUSIVE };
  }
  if (isNormalising(scope)) {
    return { cache: LIKELY_INCLUSIVE, reasoning: DEFAULT };
  }
  if (scope === "opentelemetry.instrumentation.bedrock") {
    return { cache: LIKELY_EXCLUSIVE, reasoning: DEFAULT };
  }
  const isCopying = COPYING_SCOPES.includes(scope) ||
    scope.startsWith("@traceloop/instrumentation-");
  return isCopying ? copiedFrom(provider) : undefined;
}

/** The convention that the provider and the names of the counts suggest. */
function fromNames(span: Span): SourceConvention {
  const { attributes } = span;
  const sent = canonicalProvider(findText(attributes, ALIASES.provider));
  // A model's name says nothing about the API of an unknown provider.
  const isOther = sent !== "" && !isFormat(sent);
  const provider = isOther ? sent : formatOf(span);
  if (ALL_INCLUDED.includes(provider)) return copiedFrom(provider);
  const native = copiedFrom(provider);
  const cacheName = findAttribute(attributes, NATIVE_CACHE_NAMES);
  const reasoningName = findAttribute(attributes, ALIASES.reasoning)?.name;
  return {
    cache: cacheName === undefined ? DEFAULT : native.cache,
    // The first name is the conventions' own, defined as a part of the output.
    reasoning: reasoningName === ALIASES.reasoning[0]
      ? DEFAULT
      : native.reasoning,
  };
}

/** Scopes of instrumentation that copies the numbers of every provider. */
const COPYING_SCOPES = [
  GOOGLE_ADK,
  "genkit-tracer",
  "opentelemetry.instrumentation.llamaindex",
];

/** The provider whose format a call's usage has, which need not be the one that served it. */
export function formatOf({ scope, attributes }: Span): string {
  const provider = canonicalProvider(findText(attributes, ALIASES.provider));
  const model = findText(attributes, ALIASES.model) ||
    findText(attributes, ALIASES.genkitName);
  if (scope === "@traceloop/instrumentation-anthropic") return "anthropic";
  // Google and Azure serve Claude with Anthropic's API.
  if (["azure", "google"].includes(provider) && /claude/i.test(model)) {
    return "anthropic";
  }
  return isFormat(provider) ? provider : impliedFormat(model) ?? provider;
}

/** Whether the convention of a provider's API is known. */
function isFormat(provider: string): boolean {
  return [...CACHE_EXCLUDED, ...REASONING_EXCLUDED, ...ALL_INCLUDED]
    .includes(provider);
}

function impliedFormat(model: string): string | undefined {
  return MODEL_FORMATS.find(([name]) => name.test(model))?.[1];
}

const MODEL_FORMATS: readonly (readonly [RegExp, string])[] = [
  [/claude/i, "anthropic"],
  [/gemini/i, "google"],
  [/(?:^|\/)grok-/i, "x-ai"],
  [/(?:^|\/)(?:gpt-|o[1-9]\b)/i, "openai"],
];

/** Whether the AI SDK made a span, in a version before 7 or with its older names. */
export function isAiSdk({ attributes }: Span): boolean {
  return attributes.has("ai.operationId");
}

/** Before version 6, the AI SDK sent the numbers of the provider. */
export function isInclusiveAiSdk({ scope, attributes }: Span): boolean {
  const [, version = "0"] = AI_SDK_VERSION.exec(
    findText(attributes, ALIASES.userAgent),
  ) ?? [];
  return Number(version) >= 6 || AI_SDK_7_SCOPES.includes(scope) ||
    attributes.has(ALIASES.uncachedInput[0]);
}

const AI_SDK_7_SCOPES = ["gen_ai", "@ai-sdk/otel"];
const AI_SDK_VERSION = /(?:^|\s)ai\/(\d+)\./;

/** Sources that document inclusive counts, of which the AI SDK is one since version 6. */
function isDocumented({ scope, attributes }: Span): boolean {
  return AI_SDK_7_SCOPES.includes(scope) ||
    attributes.has("gen_ai.usage.input_tokens.cached") ||
    attributes.has("openrouter.provider_slug") ||
    attributes.has("openrouter.provider_name") ||
    attributes.has("llm.token_count.prompt") ||
    findText(attributes, ALIASES.langsmithKind) !== "" ||
    attributes.has("ai.operationId");
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
