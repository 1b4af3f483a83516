import type { Members } from "../support/stack-prices.ts";

/**
 * Usage objects as their documentation prints them, beside the model alone, and their
 * rows: the model, the usage object, and the columns with the exact cost in dollars,
 * null if the model has no price.
 */
export const PASTED: Record<string, [string, Members, Members]> = {
  "OpenAI, Chat Completions": ["gpt-4o", {
    prompt_tokens: 10,
    completion_tokens: 5,
  }, {
    provider: "openai",
    input_tokens: 10,
    output_tokens: 5,
    cost_usd_exact: "0.000075",
  }],
  "OpenAI, Chat Completions with details": ["gpt-4o-2024-08-06", {
    prompt_tokens: 1117,
    completion_tokens: 46,
    total_tokens: 1163,
    prompt_tokens_details: { cached_tokens: 1024, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 3,
      rejected_prediction_tokens: 2,
    },
  }, {
    cache_read_tokens: 1024,
    // 93 × 2.5 + 1024 × 1.25 + 46 × 10 millionths
    cost_usd_exact: "0.0019725",
  }],
  "OpenAI, Responses": ["gpt-4o", {
    input_tokens: 36,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 87,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 123,
  }, { cost_usd_exact: "0.00096" }],
  "OpenAI, audio in a chat": ["gpt-audio", {
    prompt_tokens: 100,
    completion_tokens: 592,
    total_tokens: 692,
    completion_tokens_details: { audio_tokens: 482, text_tokens: 110 },
  }, {
    other_units: { output_audio_tokens: 482 },
    // 100 × 2.5 + 482 × 64 + 110 × 10
    cost_usd_exact: "0.032198",
  }],
  "OpenAI, embeddings": ["text-embedding-3-small", {
    prompt_tokens: 8,
    total_tokens: 8,
  }, { provider: "openai", output_tokens: 0, cost_usd_exact: "0.00000016" }],
  "OpenAI, images": ["gpt-image-1", {
    total_tokens: 100,
    input_tokens: 50,
    output_tokens: 50,
    input_tokens_details: { text_tokens: 10, image_tokens: 40 },
  }, {
    other_units: { input_image_tokens: 40, output_image_tokens: 50 },
    // 10 × 5 + 40 × 10 + 50 × 40
    cost_usd_exact: "0.00245",
  }],
  "OpenAI, images of a model that writes text, too": ["gpt-image-1.5", {
    input_tokens: 23,
    input_tokens_details: { image_tokens: 0, text_tokens: 23 },
    output_tokens: 1056,
  }, { cost_usd_exact: "0.033907" }],
  "OpenAI, transcriptions": ["gpt-4o-transcribe", {
    type: "tokens",
    input_tokens: 14,
    input_token_details: { text_tokens: 0, audio_tokens: 14 },
    output_tokens: 45,
    total_tokens: 59,
  }, {
    other_units: { input_audio_tokens: 14 },
    // 14 × 6 + 45 × 10
    cost_usd_exact: "0.000534",
  }],
  "OpenAI, flex processing": ["gpt-5", {
    input_tokens: 1_000,
    output_tokens: 100,
    service_tier: "flex",
  }, { service_tier: "flex", cost_usd_exact: "0.001125" }],
  "OpenAI's Codex": ["gpt-5", {
    input_tokens: 1_000,
    cached_input_tokens: 800,
    output_tokens: 100,
    reasoning_output_tokens: 40,
    total_tokens: 1_100,
  }, {
    reasoning_tokens: 40,
    // 200 × 1.25 + 800 × 0.125 + 100 × 10
    cost_usd_exact: "0.00135",
  }],
  "Anthropic": ["claude-sonnet-4-5-20250929", {
    input_tokens: 10,
    cache_creation_input_tokens: 1_000,
    cache_read_input_tokens: 500,
    cache_creation: {
      ephemeral_5m_input_tokens: 300,
      ephemeral_1h_input_tokens: 700,
    },
    output_tokens: 50,
    server_tool_use: { web_search_requests: 1, web_fetch_requests: 2 },
    service_tier: "standard",
    inference_geo: "not_available",
    speed: "standard",
  }, {
    provider: "anthropic",
    input_tokens: 1_510,
    // 30 + 1,125 + 4,200 + 150 + 750 + 10,000
    cost_usd_exact: "0.016255",
  }],
  "Claude Code": ["claude-sonnet-4-5", {
    inputTokens: 10,
    outputTokens: 5,
    cacheReadInputTokens: 50,
    cacheCreationInputTokens: 100,
    webSearchRequests: 1,
    costUSD: 0.0104,
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
  }, {
    input_tokens: 160,
    // 30 + 15 + 375 + 75 + 10,000
    cost_usd_exact: "0.010495",
  }],
  "Anthropic, fast mode": ["claude-opus-4-6", {
    input_tokens: 1_000,
    output_tokens: 500,
    speed: "fast",
  }, { service_tier: "fast", cost_usd_exact: "0.105" }],
  "Anthropic, inference in the US alone": ["claude-opus-4-6", {
    input_tokens: 1_000,
    output_tokens: 500,
    inference_geo: "us",
  }, { service_tier: "us", cost_usd_exact: "0.01925" }],
  "Anthropic on Vertex": ["vertex_ai/claude-opus-4-5@20251101", {
    input_tokens: 10,
    output_tokens: 20,
    cache_creation_input_tokens: 1_000,
    cache_creation: { ephemeral_1h_input_tokens: 1_000 },
  }, { provider: "google", cost_usd_exact: "0.01055" }],
  "Gemini": ["gemini-2.5-flash", {
    promptTokenCount: 8,
    candidatesTokenCount: 20,
    thoughtsTokenCount: 12,
    totalTokenCount: 40,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: 8 }],
  }, { provider: "google", output_tokens: 32, cost_usd_exact: "0.0000824" }],
  "Gemini, in Python": ["models/gemini-2.5-flash", {
    prompt_token_count: 100,
    candidates_token_count: 10,
    cached_content_token_count: 40,
    total_token_count: 110,
    cache_tokens_details: null,
  }, { provider: "google", cost_usd_exact: "0.0000442" }],
  "Gemini, images": ["gemini-3-pro-image-preview", {
    promptTokenCount: 10,
    candidatesTokenCount: 1_120,
    candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_120 }],
    thoughtsTokenCount: 225,
    totalTokenCount: 1_355,
  }, { cost_usd_exact: "0.13712" }],
  "Gemini on Vertex, flex": ["gemini-2.5-flash", {
    promptTokenCount: 4_061,
    candidatesTokenCount: 25,
    trafficType: "ON_DEMAND_FLEX",
  }, { service_tier: "flex", cost_usd_exact: "0.0006404" }],
  "Bedrock, Converse": ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", {
    inputTokens: 30,
    outputTokens: 628,
    totalTokens: 658,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
  }, {
    provider: "aws",
    // 30 × 3.3 + 628 × 16.5
    cost_usd_exact: "0.010461",
  }],
  "Bedrock, Converse with lifetimes": [
    "us.anthropic.claude-opus-4-5-20251101-v1:0",
    {
      inputTokens: 10,
      outputTokens: 20,
      cacheWriteInputTokens: 9_634,
      cacheReadInputTokens: 0,
      cacheDetails: [{ inputTokens: 9_634, ttl: "1h" }],
    },
    { cache_write_1h_tokens: 9_634, cost_usd_exact: "0.106579" },
  ],
  "Bedrock, InvokeModel of a Llama": ["meta.llama3-1-70b-instruct-v1:0", {
    prompt_token_count: 10,
    generation_token_count: 5,
  }, { provider: "aws", cost_usd_exact: "0.0000108" }],
  "Bedrock, InvokeModel of a Nova": ["amazon.nova-pro-v1:0", {
    inputTokens: 10,
    outputTokens: 5,
    totalTokens: 15,
    cacheReadInputTokenCount: 0,
    cacheWriteInputTokenCount: 0,
  }, { cost_usd_exact: "0.000024" }],
  "AI SDK 4": ["gpt-4o", {
    promptTokens: 10,
    completionTokens: 5,
    totalTokens: 15,
  }, { cost_usd_exact: "0.000075" }],
  "AI SDK 5": ["gpt-4o", {
    inputTokens: 1_200,
    outputTokens: 150,
    totalTokens: 1_350,
    reasoningTokens: 64,
    cachedInputTokens: 1_024,
  }, { reasoning_tokens: 64, cost_usd_exact: "0.00322" }],
  "AI SDK 5, whose output excludes Gemini's thoughts": ["gemini-2.5-flash", {
    inputTokens: 1_500,
    outputTokens: 90,
    totalTokens: 1_800,
    reasoningTokens: 210,
    cachedInputTokens: 1_000,
  }, {
    output_tokens: 300,
    // 500 × 0.3 + 1000 × 0.03 + 300 × 2.5
    cost_usd_exact: "0.00093",
  }],
  "AI SDK 6": ["claude-sonnet-4-5", {
    inputTokens: 9_500,
    inputTokenDetails: {
      noCacheTokens: 500,
      cacheReadTokens: 8_000,
      cacheWriteTokens: 1_000,
    },
    outputTokens: 300,
    outputTokenDetails: { textTokens: 300, reasoningTokens: 0 },
    totalTokens: 9_800,
    cachedInputTokens: 8_000,
    reasoningTokens: 0,
  }, {
    cache_write_5m_tokens: 1_000,
    // 1,500 + 2,400 + 3,750 + 4,500
    cost_usd_exact: "0.01215",
  }],
  "AI SDK 6, with the provider's own object": ["claude-sonnet-4-5", {
    inputTokens: 1_500,
    outputTokens: 100,
    totalTokens: 1_600,
    cachedInputTokens: 500,
    raw: {
      input_tokens: 0,
      cache_creation_input_tokens: 1_000,
      cache_creation: { ephemeral_1h_input_tokens: 1_000 },
      cache_read_input_tokens: 500,
      output_tokens: 100,
    },
  }, {
    cache_write_1h_tokens: 1_000,
    // 6,000 + 150 + 1,500
    cost_usd_exact: "0.00765",
  }],
  "AI SDK 7, a language model": ["gpt-4o", {
    inputTokens: { total: 100, noCache: 60, cacheRead: 40, cacheWrite: 0 },
    outputTokens: { total: 20, text: 15, reasoning: 5 },
  }, { reasoning_tokens: 5, cost_usd_exact: "0.0004" }],
  "AI SDK, embeddings": ["text-embedding-3-small", { tokens: 8 }, {
    input_tokens: 8,
    cost_usd_exact: "0.00000016",
  }],
  "LangChain": ["claude-sonnet-4-5", {
    input_tokens: 3_500,
    output_tokens: 200,
    total_tokens: 3_700,
    input_token_details: { cache_read: 2_000, cache_creation: 1_000 },
    output_token_details: {},
  }, {
    input_tokens: 3_500,
    // 1,500 + 600 + 3,750 + 3,000
    cost_usd_exact: "0.00885",
  }],
  "LangChain, with lifetimes": ["claude-sonnet-4-5", {
    input_tokens: 3_500,
    output_tokens: 200,
    total_tokens: 3_700,
    input_token_details: {
      cache_read: 2_000,
      cache_creation: 0,
      ephemeral_5m_input_tokens: 0,
      ephemeral_1h_input_tokens: 1_000,
    },
  }, { cache_write_1h_tokens: 1_000, cost_usd_exact: "0.0111" }],
  "LlamaIndex": ["gpt-4o", {
    prompt_llm_token_count: 10,
    completion_llm_token_count: 5,
    total_llm_token_count: 15,
    total_embedding_token_count: 0,
  }, { input_tokens: 10, cost_usd_exact: "0.000075" }],
  "LiteLLM": ["anthropic/claude-sonnet-4-5", {
    completion_tokens: 120,
    prompt_tokens: 18_495,
    total_tokens: 18_615,
    completion_tokens_details: null,
    prompt_tokens_details: {
      audio_tokens: null,
      cached_tokens: 16_399,
      cache_creation_tokens: 2_089,
    },
    cache_creation_input_tokens: 2_089,
    cache_read_input_tokens: 16_399,
  }, {
    provider: "anthropic",
    input_tokens: 18_495,
    cost_usd_exact: "0.01457445",
  }],
  "Portkey, whose input excludes cached tokens": ["claude-sonnet-4-5", {
    prompt_tokens: 7,
    completion_tokens: 120,
    total_tokens: 18_615,
    cache_read_input_tokens: 16_399,
    cache_creation_input_tokens: 2_089,
  }, { input_tokens: 18_495, cost_usd_exact: "0.01457445" }],
  "Langfuse": ["gpt-4o-mini", {
    input: 176,
    output: 86,
    total: 1_350,
    input_cached_tokens: 1_024,
    output_reasoning_tokens: 64,
  }, { input_tokens: 1_200, output_tokens: 150, cost_usd_exact: "0.0001932" }],
  "OpenRouter, with its cost": ["anthropic/claude-sonnet-4.5", {
    prompt_tokens: 194,
    completion_tokens: 2,
    total_tokens: 196,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
    cost: 0.00061,
    cost_details: { upstream_inference_cost: null },
    is_byok: false,
  }, {
    provider: "openrouter",
    cost_source: "reported",
    cost_usd_exact: "0.00061",
    computed_cost_usd: "0.000612",
  }],
  "OpenRouter, on a key of one's own": ["anthropic/claude-sonnet-4.5", {
    prompt_tokens: 1_000,
    completion_tokens: 100,
    total_tokens: 1_100,
    cost: 0.000225,
    is_byok: true,
    cost_details: { upstream_inference_cost: 0.0045 },
  }, { cost_source: "reported", cost_usd_exact: "0.004725" }],
  "OpenRouter, billed upstream only": ["anthropic/claude-sonnet-4.5", {
    prompt_tokens: 1_000,
    completion_tokens: 100,
    total_tokens: 1_100,
    cost: 0,
    cost_details: { upstream_inference_cost: 0.0051 },
  }, { cost_source: "reported", cost_usd_exact: "0.0051" }],
  "OpenRouter, on a key of one's own whose charge is unknown": [
    "anthropic/claude-sonnet-4.5",
    {
      prompt_tokens: 1_000,
      completion_tokens: 100,
      total_tokens: 1_100,
      cost: 0,
      is_byok: true,
    },
    { cost_source: "computed", cost_usd_exact: "0.0045" },
  ],
  "OpenRouter, a free model": ["deepseek/deepseek-r1:free", {
    prompt_tokens: 194,
    completion_tokens: 2,
    total_tokens: 196,
  }, { provider: "openrouter", cost_source: "computed", cost_usd_exact: "0" }],
  "xAI": ["grok-4", {
    prompt_tokens: 32,
    completion_tokens: 9,
    total_tokens: 135,
    prompt_tokens_details: { text_tokens: 32, cached_tokens: 6 },
    completion_tokens_details: { reasoning_tokens: 94, audio_tokens: 0 },
    num_sources_used: 0,
  }, { provider: "x-ai", output_tokens: 103, cost_usd_exact: "0.0016275" }],
  "xAI, with its cost": ["grok-4", {
    input_tokens: 32,
    output_tokens: 9,
    total_tokens: 41,
    cost_in_usd_ticks: 2_310_000,
  }, { cost_source: "reported", cost_usd_exact: "0.000231" }],
  "Perplexity, with its cost": ["sonar", {
    prompt_tokens: 26,
    completion_tokens: 832,
    total_tokens: 858,
    search_context_size: "low",
    cost: { input_tokens_cost: 0, request_cost: 0.005, total_cost: 0.006 },
  }, {
    provider: "perplexity",
    cost_source: "reported",
    cost_usd_exact: "0.006",
  }],
  "DeepSeek": ["deepseek-chat", {
    prompt_tokens: 100,
    completion_tokens: 10,
    total_tokens: 110,
    prompt_cache_hit_tokens: 64,
    prompt_cache_miss_tokens: 36,
    completion_tokens_details: { reasoning_tokens: 5 },
  }, {
    provider: "deepseek",
    cache_read_tokens: 64,
    // 36 × 0.27 + 64 × 0.07 + 10 × 1.1
    cost_usd_exact: "0.0000252",
  }],
  "Mistral": ["mistral-small-latest", {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    num_cached_tokens: 0,
    prompt_audio_seconds: null,
  }, { provider: "mistral", cost_usd_exact: "0.0000025" }],
  "Cohere": ["command-r-08-2024", {
    billed_units: { input_tokens: 5, output_tokens: 418 },
    tokens: { input_tokens: 71, output_tokens: 418 },
  }, { input_tokens: 5, cost_usd_exact: "0.00025155" }],
  "Moonshot": ["kimi-k2-0905-preview", {
    prompt_tokens: 100,
    completion_tokens: 10,
    total_tokens: 110,
    cached_tokens: 60,
  }, { cost_usd_exact: "0.000058" }],
  "Fireworks": ["accounts/fireworks/models/deepseek-v3p2", {
    prompt_tokens: 100,
    completion_tokens: 10,
    total_tokens: 110,
    prompt_tokens_details: { cached_tokens: 40 },
  }, { provider: "fireworks", cost_usd_exact: "0.0000616" }],
  "Voyage, embeddings": ["voyage-3.5", { total_tokens: 1_000 }, {
    provider: "voyageai",
    input_tokens: 1_000,
    cost_usd_exact: "0.00006",
  }],
  "Azure, with times": ["azure/gpt-4o", {
    completion_tokens: 5,
    prompt_tokens: 10,
    total_tokens: 15,
    latency_checkpoint: { engine_tbt_ms: 10, engine_ttft_ms: 200 },
  }, { provider: "azure", cost_usd_exact: "0.000075" }],
  "Together": ["together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    cached_tokens: 0,
  }, { provider: "together", cost_usd_exact: "0.0000132" }],
  "Groq": ["groq/llama-3.3-70b-versatile", {
    queue_time: 0.037,
    prompt_tokens: 100,
    prompt_time: 0.0007,
    completion_tokens: 10,
    completion_time: 0.46,
    total_tokens: 110,
    total_time: 0.46,
  }, { provider: "groq", cost_usd_exact: "0.0000669" }],
};

/** Usage objects whose cost is not known, or known in part: the row is a floor. */
export const FLOORS: Record<string, [string, Members, Members]> = {
  "Ollama": ["llama3.2", {
    total_duration: 10_706_818_083,
    load_duration: 6_338_219_291,
    prompt_eval_count: 26,
    prompt_eval_duration: 130_079_000,
    eval_count: 298,
    eval_duration: 4_232_710_000,
  }, { input_tokens: 26, output_tokens: 298, cost_source: "unpriced" }],
  "vLLM": ["meta-llama/Llama-3.1-8B-Instruct", {
    prompt_tokens: 5,
    total_tokens: 12,
    completion_tokens: 7,
    prompt_tokens_details: null,
  }, { input_tokens: 5, output_tokens: 7, cost_source: "unpriced" }],
  "OpenAI, transcriptions by duration": ["whisper-1", {
    type: "duration",
    seconds: 9,
  }, { other_units: { audio_seconds: 9 }, cost_source: "unpriced" }],
  "Cohere, rerankings": ["rerank-v3.5", { billed_units: { search_units: 1 } }, {
    provider: "cohere",
    other_units: { search_units: 1 },
  }],
  "Vertex's provisioned throughput": ["gemini-2.5-flash", {
    promptTokenCount: 4_061,
    candidatesTokenCount: 25,
    trafficType: "PROVISIONED_THROUGHPUT",
  }, { service_tier: "provisioned_throughput", cost_source: "unpriced" }],
  "audio without a price of its own": ["gpt-4o-audio-preview", {
    prompt_tokens: 200,
    completion_tokens: 300,
    prompt_tokens_details: { audio_tokens: 150 },
    completion_tokens_details: { audio_tokens: 250 },
  }, { cost_source: "computed", cost_usd_exact: "0.0035" }],
  "a total that the parts do not explain": ["gpt-4o", {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 40,
  }, { cost_usd_exact: "0.000075", unread_members: ["/usage/total_tokens"] }],
  "a count that is not known": ["gpt-4o", {
    prompt_tokens: 10,
    completion_tokens: 5,
    completion_tokens_details: { hologram_tokens: 3 },
  }, {
    cost_usd_exact: "0.000075",
    unread_members: ["/usage/completion_tokens_details/hologram_tokens"],
  }],
  "AI SDK 4, of a stream without usage": ["gpt-4o", {
    promptTokens: null,
    completionTokens: null,
    totalTokens: null,
  }, {
    input_tokens: 0,
    output_tokens: 0,
    cost_source: "unpriced",
    warnings: [{ code: "unpriced" }, { code: "usage_missing" }],
  }],
  "speech by characters": ["tts-1", { characters: 1_200 }, {
    provider: "openai",
    other_units: { characters: 1_200 },
  }],
  "two inputs": ["claude-sonnet-4-5", {
    input_tokens: 10,
    prompt_tokens: 110,
    completion_tokens: 5,
    cache_read_input_tokens: 100,
    total_tokens: 115,
  }, {
    input_tokens: 110,
    cost_usd_exact: "0.000135",
    unread_members: ["/usage/prompt_tokens"],
  }],
  "a missing output": ["gpt-4o", { prompt_tokens: 10 }, {
    cost_usd_exact: "0.000025",
    unread_members: ["/usage/output_tokens"],
  }],
  "sources of xAI's live search": ["grok-4", {
    prompt_tokens: 32,
    completion_tokens: 9,
    total_tokens: 41,
    num_sources_used: 4,
  }, {
    cost_usd_exact: "0.000231",
    unread_members: ["/usage/num_sources_used"],
  }],
  "Anthropic's compaction, which the totals exclude": ["claude-opus-4-6", {
    input_tokens: 1_000,
    output_tokens: 500,
    iterations: [
      { type: "compaction", input_tokens: 9_000, output_tokens: 300 },
      { type: "message", input_tokens: 1_000, output_tokens: 500 },
    ],
  }, {
    cost_usd_exact: "0.0175",
    unread_members: ["/usage/iterations"],
  }],
};
