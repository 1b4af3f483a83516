import { findProvider, waitForUpdate } from "@pydantic/genai-prices";
import { expect, test } from "vitest";
import {
  canonicalProvider,
  canonicalServiceTier,
  PROVIDER_ALIASES,
} from "../../shared/pricing/providers.ts";

/**
 * genai-prices looks for names inside of names: it takes Azure's OpenAI for
 * OpenAI's own, whose prices differ, and Anthropic's models on Vertex for
 * Anthropic's own API.
 */
const DIFFERENT_IN_GENAI_PRICES = new Map([
  ["azure.ai.openai", "openai"],
  ["az.ai.openai", "openai"],
  ["azure_openai", "openai"],
  ["azure-openai", "openai"],
  ["vertex.anthropic", "anthropic"],
]);

test.each([...PROVIDER_ALIASES])(
  "the alias %s maps to the genai-prices provider %s",
  async (alias, id) => {
    expect(canonicalProvider(alias)).toBe(id);
    expect((await waitForUpdate())!.map((one) => one.id)).toContain(id);
    const theirs = findProvider({ providerId: alias })?.id;
    expect(theirs ?? id).toBe(DIFFERENT_IN_GENAI_PRICES.get(alias) ?? id);
  },
);

test("every provider of genai-prices keeps its own id", async () => {
  for (const { id } of (await waitForUpdate())!) {
    expect(canonicalProvider(id)).toBe(id);
  }
});

test.each([
  // https://opentelemetry.io/docs/specs/semconv/attributes-registry/gen-ai/
  ["anthropic", "anthropic"],
  ["aws.bedrock", "aws"],
  ["azure.ai.inference", "azure"],
  ["azure.ai.openai", "azure"],
  ["cohere", "cohere"],
  ["deepseek", "deepseek"],
  ["gcp.gemini", "google"],
  ["gcp.gen_ai", "google"],
  ["gcp.vertex_ai", "google"],
  ["groq", "groq"],
  ["mistral_ai", "mistral"],
  ["moonshot_ai", "moonshotai"],
  ["openai", "openai"],
  ["perplexity", "perplexity"],
  ["x_ai", "x-ai"],
])("OpenTelemetry's provider name %s maps to %s", (name, id) => {
  expect(canonicalProvider(name)).toBe(id);
});

test.each([
  ["anthropic.messages", "anthropic"],
  ["openai.chat", "openai"],
  ["openai.responses", "openai"],
  ["azure-openai.chat", "azure"],
  ["google.generative-ai", "google"],
  ["google.vertex.chat", "google"],
  ["vertex.anthropic.messages", "google"],
  ["groq.chat", "groq"],
])("the AI SDK's provider name %s maps to %s", (name, id) => {
  expect(canonicalProvider(name)).toBe(id);
});

test("case and surrounding white space of a name are ignored", () => {
  expect(canonicalProvider(" OpenAI\n")).toBe("openai");
  expect(canonicalProvider("AWS.Bedrock")).toBe("aws");
});

test.each(["ibm.watsonx.ai", "acme", "constructor", "__proto__", "my openai"])(
  "%s, which genai-prices does not have, stays unchanged",
  (name) => {
    expect(canonicalProvider(name)).toBe(name);
    expect(canonicalProvider(name.toUpperCase())).toBe(name);
  },
);

test("the default service tier has one name, and any other tier keeps its own", () => {
  for (const name of ["default", "auto", "Standard", " ON_DEMAND"]) {
    expect(canonicalServiceTier(name)).toBe("standard");
  }
  expect(["Batch", "flex", "priority"].map(canonicalServiceTier))
    .toEqual(["batch", "flex", "priority"]);
});
