import { expect, test } from "vitest";
import { extractUsage } from "../../shared/pricing/extract-usage.ts";
import { canonicalProvider } from "../../shared/pricing/providers.ts";

/** Usage objects as the providers document them: provider, flavour, usage and counts. */
const READ: Record<string, [string, string | undefined, unknown, unknown]> = {
  "Anthropic's input without what was cached": ["anthropic", undefined, {
    input_tokens: 7,
    cache_read_input_tokens: 16_399,
    cache_creation_input_tokens: 2_089,
    cache_creation: null,
    server_tool_use: { web_search_requests: 2 },
    output_tokens: 120,
    service_tier: "standard",
  }, {
    input_tokens: 18_495,
    output_tokens: 120,
    cache_read_tokens: 16_399,
    cache_write_5m_tokens: 2_089,
    other_units: { web_searches: 2 },
    service_tier: "standard",
  }],
  "Anthropic's cache writes by lifetime": ["Anthropic", undefined, {
    input_tokens: 10,
    cache_creation_input_tokens: 1_000,
    cache_creation: {
      ephemeral_5m_input_tokens: 300,
      ephemeral_1h_input_tokens: 700,
    },
    output_tokens: 50,
    output_tokens_details: { thinking_tokens: 20 },
    service_tier: "batch",
  }, {
    input_tokens: 1_010,
    output_tokens: 50,
    cache_write_5m_tokens: 300,
    cache_write_1h_tokens: 700,
    reasoning_tokens: 20,
    service_tier: "batch",
  }],
  "Anthropic's cache writes with a lifetime for a part of them": [
    "anthropic.messages",
    "default",
    {
      input_tokens: 1,
      cache_creation_input_tokens: 1_000,
      cache_creation: { ephemeral_1h_input_tokens: 700 },
      output_tokens: 0,
    },
    {
      input_tokens: 1_001,
      output_tokens: 0,
      cache_write_5m_tokens: 300,
      cache_write_1h_tokens: 700,
    },
  ],
  "OpenAI's input with what was cached": ["openai", "chat", {
    prompt_tokens: 300,
    completion_tokens: 90,
    total_tokens: 390,
    prompt_tokens_details: { cached_tokens: 100, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 0 },
  }, {
    input_tokens: 300,
    output_tokens: 90,
    cache_read_tokens: 100,
    reasoning_tokens: 64,
  }],
  "OpenAI's responses": ["openai.responses", "responses", {
    input_tokens: 2_006,
    input_tokens_details: { cached_tokens: 1_920 },
    output_tokens: 300,
    output_tokens_details: { reasoning_tokens: 256 },
  }, {
    input_tokens: 2_006,
    output_tokens: 300,
    cache_read_tokens: 1_920,
    reasoning_tokens: 256,
  }],
  "OpenAI's realtime audio, some of it cached": ["openai", "realtime", {
    input_tokens: 127,
    output_tokens: 148,
    input_token_details: {
      text_tokens: 60,
      audio_tokens: 67,
      cached_tokens: 64,
      cached_tokens_details: { text_tokens: 24, audio_tokens: 40 },
    },
    output_token_details: { text_tokens: 30, audio_tokens: 118 },
  }, {
    input_tokens: 127,
    output_tokens: 148,
    cache_read_tokens: 24,
    other_units: {
      input_audio_tokens: 27,
      cache_audio_read_tokens: 40,
      output_audio_tokens: 118,
    },
  }],
  "audio and cached tokens that overlap": ["openai", "chat", {
    prompt_tokens: 100,
    prompt_tokens_details: { cached_tokens: 80, audio_tokens: 50 },
    completion_tokens: 1,
  }, {
    input_tokens: 100,
    output_tokens: 1,
    cache_read_tokens: 50,
    other_units: { input_audio_tokens: 20, cache_audio_read_tokens: 30 },
  }],
  "embeddings, which have no output": ["openai", "embeddings", {
    prompt_tokens: 8,
    total_tokens: 8,
  }, { input_tokens: 8, output_tokens: 0 }],
  "Gemini's thoughts and tool prompts next to the rest": [
    "gcp.gemini",
    undefined,
    {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      candidatesTokenCount: 200,
      thoughtsTokenCount: 150,
      toolUsePromptTokenCount: 30,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 700 },
        { modality: "AUDIO", tokenCount: 300 },
      ],
      cacheTokensDetails: [
        { modality: "TEXT", tokenCount: 300 },
        { modality: "AUDIO", tokenCount: 100 },
      ],
    },
    {
      input_tokens: 1_030,
      output_tokens: 350,
      cache_read_tokens: 300,
      reasoning_tokens: 150,
      other_units: {
        cache_audio_read_tokens: 100,
        input_audio_tokens: 200,
        input_tool_tokens: 30,
      },
    },
  ],
  "Anthropic's models on Vertex": ["vertex_ai", "anthropic", {
    input_tokens: 5,
    cache_read_input_tokens: 95,
    output_tokens: 10,
  }, { input_tokens: 100, output_tokens: 10, cache_read_tokens: 95 }],
  "xAI's reasoning next to the output": ["xai", "chat", {
    prompt_tokens: 32,
    completion_tokens: 9,
    prompt_tokens_details: { cached_tokens: 6 },
    completion_tokens_details: { reasoning_tokens: 94, audio_tokens: 0 },
  }, {
    input_tokens: 32,
    output_tokens: 103,
    cache_read_tokens: 6,
    reasoning_tokens: 94,
  }],
  "Bedrock's input without what was cached": ["aws.bedrock", undefined, {
    inputTokens: 20,
    outputTokens: 40,
    cacheReadInputTokens: 500,
    cacheWriteInputTokens: 60,
    totalTokens: 620,
  }, {
    input_tokens: 580,
    output_tokens: 40,
    cache_read_tokens: 500,
    cache_write_5m_tokens: 60,
  }],
  "OpenRouter's cache writes in its input": ["openrouter", undefined, {
    prompt_tokens: 10_339,
    completion_tokens: 60,
    prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 10_318 },
    cost: 0.0129,
  }, {
    input_tokens: 10_339,
    output_tokens: 60,
    cache_write_5m_tokens: 10_318,
  }],
  "Cohere's billed units": ["cohere", undefined, {
    billed_units: { input_tokens: 11, output_tokens: 22 },
    tokens: { input_tokens: 77, output_tokens: 33 },
  }, { input_tokens: 11, output_tokens: 22 }],
  "Cohere's tokens, with the flavour tokens": ["cohere", "tokens", {
    billed_units: { input_tokens: 11, output_tokens: 22 },
    tokens: { input_tokens: 77, output_tokens: 33 },
    cached_tokens: 16,
  }, { input_tokens: 77, output_tokens: 33, cache_read_tokens: 16 }],
  "Perplexity's reasoning, citations and searches": ["perplexity", undefined, {
    prompt_tokens: 33,
    completion_tokens: 1_000,
    reasoning_tokens: 5_000,
    citation_tokens: 700,
    num_search_queries: 18,
  }, {
    input_tokens: 33,
    output_tokens: 6_700,
    reasoning_tokens: 5_000,
    other_units: { output_citation_tokens: 700, web_searches: 18 },
  }],
  "Groq's tokens, without its times and sums": ["groq", undefined, {
    queue_time: 0.03,
    prompt_tokens: 18,
    prompt_time: 0.0007,
    completion_tokens: 556,
    total_tokens: 574,
  }, { input_tokens: 18, output_tokens: 556 }],
  "Mistral's annotated pages": ["mistral", "ocr_annotated", {
    pages_processed: 29,
    doc_size_bytes: null,
  }, {
    input_tokens: 0,
    output_tokens: 0,
    other_units: { input_annotated_document_pages: 29 },
  }],
  "Cloudflare's tokens": ["cloudflare", undefined, {
    prompt_tokens: 5,
    completion_tokens: 6,
  }, { input_tokens: 5, output_tokens: 6 }],
};

test.each(Object.entries(READ))(
  "reads %s",
  (_, [provider, apiFlavor, usage, counts]) => {
    expect(extractUsage({
      provider: canonicalProvider(provider),
      apiFlavor,
      usage,
    }))
      .toMatchObject({ counts, unread: [] });
  },
);

test.each(["a tier that is far too long to be the name of one", "2!"])(
  "does not understand the service tier %j",
  (service_tier) => {
    const usage = { input_tokens: 1, output_tokens: 1, service_tier };
    expect(extractUsage({ provider: "anthropic", usage })).toMatchObject({
      counts: { input_tokens: 1, output_tokens: 1 },
      unread: ["/usage/service_tier"],
    });
  },
);

test.each([
  [{ service_tier: "" }, undefined],
  [{ service_tier: "default", speed: "standard" }, "standard"],
  [{ inference_geo: "global" }, "standard"],
  [{ service_tier: "batch", inference_geo: "us" }, "batch-us"],
  [{ speed: "fast", inference_geo: "us" }, "fast-us"],
  [{ serviceTier: { type: "flex" } }, "flex"],
  [{ trafficType: "ON_DEMAND" }, "standard"],
  [{ traffic_type: "ON_DEMAND_PRIORITY" }, "priority"],
])("finds in %j the service tier %j", (members, tier) => {
  const usage = { input_tokens: 1, output_tokens: 1, ...members };
  const result = extractUsage({ usage });
  expect(result).toMatchObject({ unread: [] });
  expect("counts" in result && result.counts.service_tier).toBe(tier);
});
