import type { MatchLogic } from "@pydantic/genai-prices";

/**
 * The names under which instrumentation and gateways send a provider, by the id
 * that genai-prices gives it. Sources: OpenTelemetry `gen_ai.provider.name` and
 * its predecessor `gen_ai.system`, OpenLLMetry, LiteLLM `custom_llm_provider`,
 * the AI SDK's provider ids.
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

/** What the AI SDK puts after a provider: the kind of model, or the API. */
const KIND_OF_MODEL =
  /\.(?:chat|completion|completions|responses|messages|embedding|textembedding|image|speech|transcription|realtime)$/;

/**
 * The name under which a provider's prices are kept: genai-prices' id for every
 * name that is in use for one of its providers. Any other name stays as it is,
 * trimmed, in lower case and without the AI SDK's `.chat`, `.responses`, …: an
 * operator may enter prices of a provider that genai-prices does not list.
 */
export function canonicalProvider(name: string): string {
  const given = name.trim().toLowerCase();
  const provider = given.replace(KIND_OF_MODEL, "");
  return PROVIDER_ALIASES.get(given) ?? PROVIDER_ALIASES.get(provider) ??
    provider;
}

/** Names of the tier that a call gets when it asks for none. */
const STANDARD = ["standard", "default", "auto", "on_demand"];

/**
 * The name under which a service tier's prices are kept: `standard` for the
 * tier that everyone gets, else the name as it is (`batch`, `flex`,
 * `priority`, …), trimmed and in lower case.
 */
export function canonicalServiceTier(name: string): string {
  const tier = name.trim().toLowerCase();
  return STANDARD.includes(tier) ? "standard" : tier;
}

/** Whether a name matchesRule genai-prices' rule, which ignores case except in a regex. */
export function matchesRule(match: MatchLogic, name: string): boolean {
  const lower = name.toLowerCase();
  if ("or" in match) return match.or.some((one) => matchesRule(one, name));
  if ("and" in match) return match.and.every((one) => matchesRule(one, name));
  if ("equals" in match) return lower === match.equals.toLowerCase();
  if ("starts_with" in match) {
    return lower.startsWith(match.starts_with.toLowerCase());
  }
  if ("ends_with" in match) {
    return lower.endsWith(match.ends_with.toLowerCase());
  }
  if ("contains" in match) return lower.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(name);
}
