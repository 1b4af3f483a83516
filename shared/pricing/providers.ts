/**
 * Alias of a provider in instrumentation or gateways → genai-prices' id. Sources:
 * OpenTelemetry `gen_ai.provider.name` and its predecessor `gen_ai.system`,
 * OpenLLMetry, LiteLLM `custom_llm_provider`, the AI SDK's provider ids.
 */
export const PROVIDER_ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "aws": [
      "aws.bedrock",
      "aws_bedrock",
      "aws-bedrock",
      "amazon-bedrock",
      "amazon_bedrock",
      "amazon",
      "bedrock",
      "bedrock_converse",
      "bedrock-converse",
    ],
    "azure": [
      "azure.ai.inference",
      "azure.ai.openai",
      "az.ai.inference",
      "az.ai.openai",
      "azure_ai",
      "azure-ai",
      "azure_openai",
      "azure-openai",
      "azure_text",
    ],
    "cloudflare": ["workers-ai", "workersai"],
    "cohere": ["cohere_chat"],
    "fireworks": ["fireworks_ai", "fireworks-ai", "fireworksai"],
    "github-copilot": ["github_copilot", "copilot"],
    "google": [
      "gcp.gemini",
      "gcp.gen_ai",
      "gcp.vertex_ai",
      "gemini",
      "google.generative-ai",
      "google.vertex",
      "google-gla",
      "google-genai",
      "google_genai",
      "gcp.vertex.agent",
      "google-vertex",
      "google_vertexai",
      "vertex",
      "vertex.anthropic",
      "vertex_ai",
      "vertex_ai_beta",
      "vertex-ai",
      "vertexai",
    ],
    "mistral": ["mistral_ai", "mistral-ai", "mistralai"],
    "moonshotai": ["moonshot", "moonshot_ai", "moonshot-ai"],
    "openai": ["text-completion-openai"],
    "perplexity": ["perplexity_ai", "perplexity-ai", "perplexityai"],
    "together": ["together_ai", "together-ai", "together.ai", "togetherai"],
    "voyageai": ["voyage", "voyage_ai", "voyage-ai"],
    "x-ai": ["x_ai", "xai", "x.ai", "grok"],
    "zai": ["z_ai", "z-ai", "z.ai"],
    "zhipuai": ["zhipu", "zhipu_ai", "zhipu-ai"],
  }).flatMap(([id, aliases]) => aliases.map((alias) => [alias, id] as const)),
);

/** The suffix of the AI SDK's provider ids: the kind of model, or the API. */
const AI_SDK_SUFFIX =
  /\.(?:chat|completion|completions|responses|messages|embedding|textembedding|image|speech|transcription|realtime)$/;

/**
 * The name of a provider in the price list: genai-prices' id for its providers and
 * their aliases. Any other name is trimmed, in lower case and without the AI SDK's
 * `.chat`, `.responses`, …, because an operator may enter prices of a provider that
 * genai-prices does not list.
 */
export function canonicalProvider(name: string): string {
  const normalized = name.trim().toLowerCase();
  const provider = normalized.replace(AI_SDK_SUFFIX, "");
  return PROVIDER_ALIASES.get(normalized) ?? PROVIDER_ALIASES.get(provider) ??
    provider;
}

/** Providers of the price list that have no alias. */
const WITHOUT_ALIAS = [
  "anthropic",
  "baseten",
  "cerebras",
  "deepseek",
  "groq",
  "novita",
  "openrouter",
];

const PROVIDERS: ReadonlySet<string> = new Set([
  ...PROVIDER_ALIASES.values(),
  ...WITHOUT_ALIAS,
]);

/** Whether a name of `canonicalProvider` is that of a known provider. */
export function isProvider(name: string): boolean {
  return PROVIDERS.has(name);
}

/** Names of the tier of calls that do not request one. */
const STANDARD = ["standard", "default", "auto", "on_demand"];

/**
 * The name of a service tier in the price list: `standard` for the default tier, any
 * other (`batch`, `flex`, `priority`, …) trimmed and in lower case.
 */
export function canonicalServiceTier(name: string): string {
  const tier = name.trim().toLowerCase();
  return STANDARD.includes(tier) ? "standard" : tier;
}
