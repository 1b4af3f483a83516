/**
 * The counts that members of usage objects state. `…_inside` is a part of the total as
 * the member states it, `…_beside` is to be added to it, and `…_either` is one or the
 * other: the API decides. Other names are units of `UsageCounts.other_units`.
 */
export type Count =
  | "input"
  | "output"
  | "total"
  | "cache_read_inside"
  | "cache_read_beside"
  | "cache_read_either"
  | "cache_write_inside"
  | "cache_write_beside"
  | "cache_write_either"
  | "cache_write_5m"
  | "cache_write_1h"
  | "reasoning_inside"
  | "reasoning_beside"
  | "reasoning_either"
  | "input_tool_tokens"
  | "input_document_tokens"
  | "output_document_tokens"
  | "input_audio_tokens"
  | "input_image_tokens"
  | "input_video_tokens"
  | "input_audio_tool_tokens"
  | "input_image_tool_tokens"
  | "input_video_tool_tokens"
  | "input_document_tool_tokens"
  | "output_text_tokens"
  | "output_audio_tokens"
  | "output_image_tokens"
  | "output_video_tokens"
  | "output_citation_tokens"
  | "cache_audio_read_tokens"
  | "cache_image_read_tokens"
  | "cache_document_read_tokens"
  | "cache_video_read_tokens"
  | "billed_input"
  | "billed_output"
  | "web_searches"
  | "search_units"
  | "classifications"
  | "audio_seconds"
  | "characters"
  | "images"
  | "input_text_messages"
  | "input_document_pages";

/** Count → the names of its members, as `UsageLeaf.name`. */
const NAMES: Record<Count, readonly string[]> = {
  input: [
    "input_tokens", // Anthropic, OpenAI (Responses), Bedrock, AI SDK 5, LangChain
    "prompt_tokens", // OpenAI (Chat Completions) and compatible APIs, AI SDK 4
    "prompt_token_count", // Gemini, Llama on Bedrock
    "input_token_count", // Bedrock's invocation metrics
    "input_text_token_count", // Titan on Bedrock
    "prompt_eval_count", // Ollama
    "prompt_llm_token_count", // LlamaIndex
    "total_embedding_token_count", // LlamaIndex
    "input_tokens.total", // AI SDK 7, language models
    "tokens.input_tokens", // Cohere, before what is billed
    "tokens", // AI SDK, embeddings
    "input", // Langfuse
  ],
  output: [
    "output_tokens",
    "completion_tokens",
    "candidates_token_count",
    "response_token_count", // Gemini, Live API
    "output_token_count",
    "generation_token_count",
    "eval_count",
    "completion_llm_token_count",
    "output_tokens.total",
    "tokens.output_tokens",
    "output",
  ],
  total: [
    "total_tokens",
    "total_token_count",
    "total_llm_token_count",
    "total",
  ],
  cache_read_inside: [
    "input_details.cached_tokens",
    "input_details.cache_read_tokens",
    "input_details.cache_read",
    "input_tokens.cache_read",
    "cached_tokens", // Moonshot, Cohere
    "num_cached_tokens", // Mistral
    "prompt_cache_hit_tokens", // DeepSeek
    "cached_content_token_count", // Gemini
    "cached_prompt_text_tokens", // xAI's SDK
  ],
  cache_read_beside: [
    "cache_read_input_token_count", // Bedrock
    "input_cached_tokens", // Langfuse
  ],
  cache_read_either: [
    "cache_read_input_tokens", // Anthropic, Bedrock; LiteLLM
    "cached_input_tokens", // AI SDK 5 and 6, OpenAI's agents
    "cache_read_tokens", // Cursor; Pydantic AI
  ],
  cache_write_inside: [
    "input_details.cache_write_tokens",
    "input_details.cache_creation_tokens",
    "input_details.cache_creation",
    "input_details.cache_write",
    "input_tokens.cache_write",
  ],
  cache_write_beside: ["cache_write_input_token_count"],
  cache_write_either: [
    "cache_creation_input_tokens",
    "cache_write_input_tokens",
    "cache_write_tokens",
  ],
  cache_write_5m: [
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_details[5m]", // Bedrock
    "input_details.ephemeral_5m_input_tokens", // LangChain
    "input_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    "cache_creation_token_details.ephemeral_5m_input_tokens",
    "cache_write_5m_tokens",
  ],
  cache_write_1h: [
    "cache_creation.ephemeral_1h_input_tokens",
    "cache_details[1h]",
    "input_details.ephemeral_1h_input_tokens",
    "input_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "cache_creation_token_details.ephemeral_1h_input_tokens",
    "cache_write_1h_tokens",
  ],
  reasoning_inside: [
    "output_details.reasoning",
    "output_details.thinking_tokens", // Anthropic
    "output_tokens.reasoning",
    "reasoning_output_tokens", // Codex
    "details.reasoning_tokens", // Pydantic AI
  ],
  reasoning_beside: [
    "thoughts_token_count",
    "output_reasoning_tokens", // Langfuse
  ],
  reasoning_either: ["output_details.reasoning_tokens", "reasoning_tokens"],
  input_tool_tokens: ["tool_use_prompt_token_count"],
  input_document_tokens: ["input_details[document]"],
  output_document_tokens: ["output_details[document]"],
  input_audio_tokens: inputKind("audio"),
  input_image_tokens: inputKind("image"),
  input_video_tokens: inputKind("video"),
  input_audio_tool_tokens: ["tool_details[audio]"],
  input_image_tool_tokens: ["tool_details[image]"],
  input_document_tool_tokens: ["tool_details[document]"],
  input_video_tool_tokens: ["tool_details[video]"],
  output_text_tokens: [
    "output_details.text_tokens",
    "output_details.text",
    "output_details[text]",
  ],
  output_audio_tokens: outputKind("audio"),
  output_image_tokens: outputKind("image"),
  output_video_tokens: outputKind("video"),
  output_citation_tokens: ["citation_tokens"], // Perplexity
  cache_audio_read_tokens: cachedKind("audio"),
  cache_image_read_tokens: cachedKind("image"),
  cache_document_read_tokens: ["cache_tokens_details[document]"],
  cache_video_read_tokens: cachedKind("video"),
  billed_input: ["billed_units.input_tokens"],
  billed_output: ["billed_units.output_tokens"],
  web_searches: [
    "server_tool_use.web_search_requests", // Anthropic
    "web_search_requests", // Claude Code
    "input_details.web_search_requests", // LiteLLM
    "num_search_queries", // Perplexity
    "server_side_tool_usage_details.web_search_calls", // xAI
  ],
  search_units: ["billed_units.search_units"], // Cohere, rerank
  classifications: ["billed_units.classifications"],
  audio_seconds: [
    "seconds", // OpenAI, transcriptions
    "prompt_audio_seconds", // Mistral
    "billable_audio_seconds", // xAI, realtime
  ],
  characters: ["characters", "character_count", "input_characters"],
  images: ["images", "image_count", "generated_images", "num_images"],
  input_text_messages: ["input_text_messages"],
  input_document_pages: ["pages_processed"],
};

function inputKind(kind: string): string[] {
  return [
    `input_details.${kind}_tokens`,
    `input_details.${kind}`,
    `input_details[${kind}]`,
    `input_${kind}_tokens`,
  ];
}

function outputKind(kind: string): string[] {
  return [
    `output_details.${kind}_tokens`,
    `output_details.${kind}`,
    `output_details[${kind}]`,
    `output_${kind}_tokens`,
  ];
}

function cachedKind(kind: string): string[] {
  return [
    `input_details.cached_tokens_details.${kind}_tokens`, // OpenAI, realtime
    `cache_tokens_details[${kind}]`, // Gemini
    `cache_${kind}_read_tokens`,
  ];
}

const COUNTS: ReadonlyMap<string, Count> = new Map(
  Object.entries(NAMES).flatMap(([count, names]) =>
    names.map((name) => [name, count as Count] as const)
  ),
);

/** What a member counts, by `UsageLeaf.name`, if it is known to count something. */
export function countOf(name: string): Count | undefined {
  return COUNTS.get(name);
}

/**
 * Members that change no cost: text and other remainders of what is counted, parts of
 * counts, units that are free, times, rates and costs.
 */
const IRRELEVANT: readonly RegExp[] = [
  /(?:^|[._[])(?:no_cache|text|uncached)(?:_tokens)?\]?$/,
  /^prompt_cache_miss_tokens$/,
  /^output_details\.(?:accepted|rejected)_prediction_tokens$/,
  /^server_tool_use\.web_fetch_requests$/,
  /(?:^|[._])(?:cost|costs|price|is_byok|neurons)(?:[._]|$)/,
  /(?:^|[._])\w*(?:time|duration|latency|_ms|per_sec|per_second|created|created_at|index)$/,
  /^(?:requests|request_count|num_requests|tool_calls|api_version)$/,
  /^cost_in_usd_ticks$/,
  // Sizes and limits.
  /_bytes$|(?:^|[._])(?:max|limit|context_window)(?:_|$)/,
  // Copies of counts that stand elsewhere in the object.
  /^details\.|^raw\.|^iterations\[/,
];

/** Whether a member that counts nothing is known to change no cost. */
export function isIrrelevant(name: string): boolean {
  return IRRELEVANT.some((pattern) => pattern.test(name));
}
