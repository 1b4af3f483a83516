import { expect, test } from "vitest";
import {
  providerOf,
  providerOrNone,
} from "../../shared/pricing/model-names.ts";

test.each([
  ["openai/gpt-4o-mini", "openai"],
  ["anthropic/claude-sonnet-4-5", "anthropic"],
  ["azure/gpt-4o", "azure"],
  ["azure_ai/grok-4", "azure"],
  ["bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0", "aws"],
  ["bedrock/converse/us.anthropic.claude-sonnet-4-20250514-v1:0", "aws"],
  ["us.anthropic.claude-sonnet-4-20250514-v1:0", "aws"],
  ["amazon.nova-pro-v1:0", "aws"],
  ["arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova", "aws"],
  ["vertex_ai/gemini-2.5-flash", "google"],
  ["publishers/anthropic/models/claude-opus-4-5@20251101", "google"],
  ["projects/p/locations/l/publishers/google/models/gemini-2.5", "google"],
  ["gemini/gemini-2.5-flash", "google"],
  ["openrouter/anthropic/claude-sonnet-4.5", "openrouter"],
  ["deepseek/deepseek-r1:free", "openrouter"],
  ["groq/llama-3.3-70b-versatile", "groq"],
  ["together_ai/meta-llama/Llama-3-70b", "together"],
  ["fireworks_ai/accounts/fireworks/models/x", "fireworks"],
  ["litellm_proxy/azure/gpt-4o", "azure"],
  ["xai/grok-4", "x-ai"],
  // The form of these names tells nothing.
  ["gpt-4o", undefined],
  ["models/gemini-2.5-flash", undefined],
  ["meta-llama/llama-3-70b", undefined],
  ["gemini-2.0-flash", undefined],
  ["gpt-4.1", undefined],
  ["house-model.v2", undefined],
])("the model %s is served by %s", (model, provider) => {
  expect(providerOf(model)).toBe(provider);
});

test.each(["LangChain", "_OTHER", "strands-agents", "gateway", "litellm"])(
  "the provider %s says nothing",
  (name) => {
    expect(providerOrNone(name)).toBeUndefined();
  },
);

test.each([["house", "house"], ["openai.chat", "openai"], [
  "gcp.vertex.agent",
  "google",
]])("the provider %s is %s", (name, provider) => {
  expect(providerOrNone(name)).toBe(provider);
});
