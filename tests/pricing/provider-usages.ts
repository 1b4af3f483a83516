import type { Members } from "../support/stack-prices.ts";

/** Prices of a model that costs as much as a Claude Sonnet. */
export const PRICES = {
  input_usd_per_mtok: "3",
  cache_read_usd_per_mtok: "0.3",
  cache_write_5m_usd_per_mtok: "3.75",
  cache_write_1h_usd_per_mtok: "6",
  output_usd_per_mtok: "15",
};

/** Usage objects of bug reports and manuals, and their rows at these prices. */
export const USAGES: Record<string, [Members, Members]> = {
  "Anthropic, whose input excludes cached tokens": [{
    provider: "anthropic",
    usage: {
      input_tokens: 7,
      cache_read_input_tokens: 16_399,
      cache_creation_input_tokens: 2_089,
      output_tokens: 120,
    },
  }, {
    input_tokens: 18_495,
    uncached_input_tokens: 7,
    cache_read_tokens: 16_399,
    cache_write_5m_tokens: 2_089,
    // 21 + 4,919.7 + 7,833.75 + 1,800 millionths
    cost_usd_exact: "0.01457445",
    cost_usd: "0.014574",
  }],
  "Anthropic, with cache writes of both lifetimes": [{
    provider: "anthropic",
    usage: {
      input_tokens: 10,
      cache_creation_input_tokens: 1_000,
      cache_creation: {
        ephemeral_5m_input_tokens: 300,
        ephemeral_1h_input_tokens: 700,
      },
      output_tokens: 50,
    },
  }, {
    input_tokens: 1_010,
    cache_write_5m_tokens: 300,
    cache_write_1h_tokens: 700,
    cost_usd_exact: "0.006105",
  }],
  "OpenAI, whose input includes cached tokens": [{
    provider: "openai",
    api_flavor: "chat",
    usage: {
      prompt_tokens: 300,
      completion_tokens: 90,
      total_tokens: 390,
      prompt_tokens_details: { cached_tokens: 100 },
      completion_tokens_details: { reasoning_tokens: 64 },
    },
  }, {
    input_tokens: 300,
    output_tokens: 90,
    uncached_input_tokens: 200,
    cache_read_tokens: 100,
    visible_output_tokens: 26,
    reasoning_tokens: 64,
    cost_usd_exact: "0.00198",
  }],
  "OpenAI's responses": [{
    provider: "openai",
    api_flavor: "responses",
    usage: {
      input_tokens: 2_006,
      input_tokens_details: { cached_tokens: 1_920 },
      output_tokens: 300,
      output_tokens_details: { reasoning_tokens: 256 },
    },
  }, { input_tokens: 2_006, output_tokens: 300, cost_usd_exact: "0.005334" }],
  "Gemini, whose thoughts are not in the output": [{
    provider: "gcp.gemini",
    usage: {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      candidatesTokenCount: 200,
      thoughtsTokenCount: 150,
      totalTokenCount: 1_350,
    },
  }, {
    provider: "google",
    input_tokens: 1_000,
    output_tokens: 350,
    cache_read_tokens: 400,
    reasoning_tokens: 150,
    cost_usd_exact: "0.00717",
  }],
  "xAI, whose reasoning is not in the output": [{
    provider: "xai",
    api_flavor: "chat",
    usage: {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 94 },
    },
  }, {
    provider: "x-ai",
    input_tokens: 32,
    output_tokens: 103,
    visible_output_tokens: 9,
    cost_usd_exact: "0.0016248",
  }],
  "Bedrock, whose input excludes cached tokens": [{
    provider: "aws.bedrock",
    usage: {
      inputTokens: 20,
      outputTokens: 40,
      cacheReadInputTokens: 500,
      cacheWriteInputTokens: 60,
      totalTokens: 620,
    },
  }, { provider: "aws", input_tokens: 580, cost_usd_exact: "0.001035" }],
  "OpenRouter, whose input includes cache writes": [{
    provider: "openrouter",
    usage: {
      prompt_tokens: 10_339,
      completion_tokens: 60,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 10_318 },
      cost: 0.0129,
    },
  }, {
    input_tokens: 10_339,
    uncached_input_tokens: 21,
    cost_source: "reported",
    cost_usd_exact: "0.0129",
    computed_cost_usd: "0.0396555",
    cost_differs: true,
  }],
};
