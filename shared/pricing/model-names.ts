import { canonicalProvider, isProvider } from "./providers.ts";

/**
 * Frameworks, instrumentations and gateways that senders name as the provider, although
 * they serve no model: the model's name tells more.
 */
const NOT_PROVIDERS = new Set([
  "_other",
  "agno",
  "ai-sdk",
  "any-llm",
  "autogen",
  "cloudflare-ai-gateway",
  "crewai",
  "custom",
  "custom_openai",
  "dspy",
  "gateway",
  "genkit",
  "haystack",
  "helicone",
  "instructor",
  "kong",
  "langchain",
  "langchain4j",
  "langgraph",
  "langfuse",
  "langsmith",
  "litellm",
  "litellm_proxy",
  "livekit",
  "llama-index",
  "llama_index",
  "llamaindex",
  "logfire",
  "mastra",
  "n8n",
  "openai-agents",
  "openai-compatible",
  "openai_compatible",
  "openai_like",
  "openinference",
  "openllmetry",
  "other",
  "pipecat",
  "portkey",
  "pydantic-ai",
  "pydantic_ai",
  "semantic-kernel",
  "semantic_kernel",
  "smolagents",
  "spring-ai",
  "spring_ai",
  "strands",
  "strands-agents",
  "strands_agents",
  "traceloop",
  "vercel",
  "vercel-ai-gateway",
]);

/**
 * The name of a provider in the price list, or undefined for a framework or a gateway,
 * which says nothing of the provider.
 */
export function providerOrNone(name: string): string | undefined {
  const provider = canonicalProvider(name);
  return NOT_PROVIDERS.has(provider) ? undefined : provider;
}

/** Bedrock's ids of models and inference profiles: us.anthropic.claude-… */
const BEDROCK_ID =
  /^(?:[a-z][a-z-]{1,6}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.[a-z]/i;

/** Names of one provider's models, where the price list does not tell it. */
const PLAIN_NAMES: readonly [RegExp, string][] = [
  [BEDROCK_ID, "aws"],
  [/^(?:text-embedding-(?:3|ada)|chatgpt-|tts-1|dall-e-)/i, "openai"],
  [/^sonar(?:-|$)/i, "perplexity"],
  [/^(?:embed|rerank)-(?:v\d|english|multilingual)/i, "cohere"],
];

/**
 * The provider that the form of a model's name tells: its prefix (`azure/gpt-4o`), or the
 * resource names of Bedrock and Vertex. Undefined if it tells none; the price list may,
 * by the name itself.
 */
export function providerOf(model: string): string | undefined {
  if (model.startsWith("arn:aws:")) return "aws";
  // Only OpenRouter names its free models so.
  if (model.endsWith(":free")) return "openrouter";
  if (!model.includes("/")) {
    return PLAIN_NAMES.find(([name]) => name.test(model))?.[1];
  }
  const steps = model.split("/").slice(0, -1);
  // A gateway may precede the provider: litellm_proxy/azure/gpt-4o.
  for (const step of steps) {
    const prefix = canonicalProvider(step);
    if (isProvider(prefix)) return prefix;
    if (!NOT_PROVIDERS.has(prefix)) break;
  }
  return publisherOf(steps);
}

/** The publisher of a resource name of Vertex: …/publishers/anthropic/models/… */
function publisherOf(steps: readonly string[]): string | undefined {
  const isVertex = steps.at(-1) === "models" && steps.includes("publishers");
  return isVertex ? "google" : undefined;
}
