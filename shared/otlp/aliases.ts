/**
 * The attribute names of a value, by precedence. A name with a JSON Pointer behind it
 * (RFC 6901) is a member of an attribute whose text is JSON. Sources: the GenAI semantic
 * conventions (current, of 2025 with `cache_creation`, and of 2024 with
 * `prompt_tokens`), OpenLLMetry (`llm.usage.*`), OpenInference (`llm.token_count.*`), the
 * AI SDK (`ai.*`), OpenRouter Broadcast, LiteLLM (`gen_ai.cost.*`), Pydantic AI
 * (`gen_ai.usage.details.*`, `operation.cost`), OpenLIT (`*_tokens_details.*`), Langfuse,
 * LangSmith, Genkit, Qwen Code, Codex (`codex.*`) and Claude Code, whose names have no
 * prefix.
 */
export const ALIASES = {
  provider: [
    "gen_ai.provider.name",
    "gen_ai.system",
    "openrouter.provider_slug",
    "openrouter.provider_name",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
  ],
  // The model that answered determines the price.
  model: [
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "gen_ai.request.model",
    "ai.model.id",
    "llm.request.model_name",
    "embedding.model_name",
    "reranker.model_name",
    "langfuse.observation.model.name",
    "model",
  ],
  serviceTier: [
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "ai.response.providerMetadata/openai/serviceTier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
  ],
  input: [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "llm.usage.input_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
    "langfuse.observation.usage_details/input",
    "langfuse.observation.usage_details/input_tokens",
    "langfuse.observation.usage_details/prompt_tokens",
    "langsmith.usage_metadata/input_tokens",
    "genkit:output/usage/inputTokens",
    "input_tokens",
  ],
  output: [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "llm.usage.output_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
    "langfuse.observation.usage_details/output",
    "langfuse.observation.usage_details/output_tokens",
    "langfuse.observation.usage_details/completion_tokens",
    "langsmith.usage_metadata/output_tokens",
    "genkit:output/usage/outputTokens",
    "output_tokens",
  ],
  total: [
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "llm.token_count.total",
    "ai.usage.totalTokens",
    "langfuse.observation.usage_details/total",
    "langfuse.observation.usage_details/total_tokens",
    "langsmith.usage_metadata/total_tokens",
    "genkit:output/usage/totalTokens",
    "codex.usage.total_tokens",
  ],
  cacheRead: [
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.cached_content_tokens",
    "gen_ai.usage.cached_content_token_count",
    "gen_ai.usage.cached_prompt_tokens",
    "gen_ai.usage.cached.input_tokens",
    "gen_ai.usage.cache_hit_tokens",
    "gen_ai.usage.cache_read",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.input_cache_read_tokens",
    "gen_ai.usage.input_cache_read",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.input_tokens.cache_read",
    "gen_ai.usage.input_tokens_cached",
    "gen_ai.usage.prompt_cached_tokens",
    "gen_ai.usage.prompt_cache_hit_tokens",
    "gen_ai.usage.prompt_tokens_cached",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.details.cached_tokens",
    "gen_ai.usage.details.cached_content_tokens",
    ...detailNames("input", [
      "cached_tokens",
      "cached",
      "cache_read",
      "cache_read_tokens",
      "cache_read_input_tokens",
    ]),
    "llm.token_count.prompt_details.cache_read",
    "llm.token_count.prompt_details.cache_input",
    "llm.token_count.prompt_details.cached",
    "llm.token_count.prompt_details.cached_tokens",
    "llm.token_count.prompt.cache_read",
    "llm.usage.cache_read_input_tokens",
    "llm.usage.cached_input_tokens",
    "llm.usage.cached_tokens",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
    "ai.response.providerMetadata/anthropic/cacheReadInputTokens",
    "ai.response.providerMetadata/bedrock/usage/cacheReadInputTokens",
    "ai.response.providerMetadata/openai/cachedPromptTokens",
    "ai.response.providerMetadata/azure/cachedPromptTokens",
    "ai.response.providerMetadata/deepseek/promptCacheHitTokens",
    "ai.response.providerMetadata/openrouter/usage/promptTokensDetails/cachedTokens",
    "langfuse.observation.usage_details/input_cached_tokens",
    "langfuse.observation.usage_details/input_cached",
    "langfuse.observation.usage_details/input_cache_read",
    "langfuse.observation.usage_details/input_cache_read_tokens",
    "langfuse.observation.usage_details/cache_read_input_tokens",
    "langfuse.observation.usage_details/cached_tokens",
    "langfuse.observation.usage_details/prompt_tokens_details/cached_tokens",
    "langfuse.observation.usage_details/input_tokens_details/cached_tokens",
    "langsmith.usage_metadata/input_token_details/cache_read",
    "genkit:output/usage/cachedContentTokens",
    "genkit:output/usage/custom/cache_read_input_tokens",
    "genkit:output/usage/custom/cacheReadInputTokens",
    "codex.usage.cached_input_tokens",
    "cache_read_tokens",
    "cache_read_input_tokens",
    "cached_input_tokens",
  ],
  cacheWrite: [
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.cache_creation",
    "gen_ai.usage.cache_write",
    "gen_ai.usage.input_cache_write_tokens",
    "gen_ai.usage.input_cache_creation_tokens",
    "gen_ai.usage.input_cache_creation",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.input_tokens.cache_creation",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    ...detailNames("input", [
      "cache_write",
      "cache_creation",
      "cache_write_tokens",
      "cache_creation_tokens",
      "cache_creation_input_tokens",
    ]),
    "llm.token_count.prompt_details.cache_write",
    "llm.token_count.prompt_details.cache_creation",
    "llm.token_count.prompt.cache_creation",
    "llm.usage.cache_creation_input_tokens",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
    "ai.response.providerMetadata/anthropic/cacheCreationInputTokens",
    "ai.response.providerMetadata/bedrock/usage/cacheWriteInputTokens",
    "langfuse.observation.usage_details/input_cache_creation",
    "langfuse.observation.usage_details/input_cache_creation_tokens",
    "langfuse.observation.usage_details/input_cache_write",
    "langfuse.observation.usage_details/input_cache_write_tokens",
    "langfuse.observation.usage_details/cache_creation_input_tokens",
    "langsmith.usage_metadata/input_token_details/cache_creation",
    "genkit:output/usage/custom/cache_creation_input_tokens",
    "genkit:output/usage/custom/cacheCreationInputTokens",
    "cache_creation_tokens",
    "cache_creation_input_tokens",
    "cache_write_tokens",
  ],
  cacheWrite5m: [
    "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens",
    "gen_ai.usage.cache_creation_5m_tokens",
    "langfuse.observation.usage_details/input_cache_creation_5m",
    ...detailNames("input", ["ephemeral_5m_input_tokens"]),
  ],
  cacheWrite1h: [
    "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
    "gen_ai.usage.cache_creation_1h_tokens",
    "langfuse.observation.usage_details/input_cache_creation_1h",
    ...detailNames("input", ["ephemeral_1h_input_tokens"]),
  ],
  uncachedInput: ["ai.usage.inputTokenDetails.noCacheTokens"],
  reasoning: [
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.reasoning_output_tokens",
    "gen_ai.usage.output_reasoning_tokens",
    "gen_ai.usage.experimental.reasoning_tokens",
    "gen_ai.usage.thoughts_tokens",
    "gen_ai.usage.thoughts_token_count",
    "gen_ai.usage.thinking_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.details.thoughts_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    ...detailNames("output", [
      "reasoning_tokens",
      "reasoning",
      "reasoning_output_tokens",
    ]),
    "llm.token_count.completion_details.reasoning",
    "llm.token_count.completion_details.reasoning_tokens",
    "llm.usage.reasoning_tokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
    "ai.response.providerMetadata/openai/reasoningTokens",
    "ai.response.providerMetadata/azure/reasoningTokens",
    "ai.response.providerMetadata/openrouter/usage/completionTokensDetails/reasoningTokens",
    "langfuse.observation.usage_details/output_reasoning_tokens",
    "langfuse.observation.usage_details/output_reasoning",
    "langfuse.observation.usage_details/reasoning_tokens",
    "langfuse.observation.usage_details/completion_tokens_details/reasoning_tokens",
    "langfuse.observation.usage_details/output_tokens_details/reasoning_tokens",
    "langsmith.usage_metadata/output_token_details/reasoning",
    "genkit:output/usage/thoughtsTokens",
    "codex.usage.reasoning_output_tokens",
    "reasoning_tokens",
  ],
  visibleOutput: ["ai.usage.outputTokenDetails.textTokens"],
  cost: [
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "gen_ai.usage.cost_usd",
    "gen_ai.cost.total_cost",
    "litellm.cost.total",
    "llm.cost.total",
    "operation.cost",
    "ai.response.providerMetadata/openrouter/usage/cost",
    "ai.response.providerMetadata/gateway/cost",
    "langfuse.observation.cost_details/total",
  ],
  // Of a call that the gateway did not bill, because the caller's own key paid for it.
  upstreamCost: [
    "gen_ai.usage.upstream_inference_cost",
    "gen_ai.usage.cost_details.upstream_inference_cost",
    "ai.response.providerMetadata/openrouter/usage/costDetails/upstreamInferenceCost",
  ],
  finishReasons: ["gen_ai.response.finish_reasons"],
  errorType: ["error.type"],
  operation: ["gen_ai.operation.name"],
  aiSdkOperation: ["ai.operationId"],
  userAgent: ["ai.request.headers.user-agent"],
  mcpMethod: ["mcp.method.name"],
  openInferenceKind: ["openinference.span.kind"],
  traceloopKind: ["traceloop.span.kind"],
  langfuseType: ["langfuse.observation.type"],
  langfuseLevel: ["langfuse.observation.level"],
  langfuseMessage: ["langfuse.observation.status_message"],
  langsmithKind: ["langsmith.span.kind"],
  genkitType: ["genkit:metadata:subtype", "genkit:type"],
  genkitName: ["genkit:name"],
  genkitState: ["genkit:state"],
  mastraType: ["mastra.span.type"],
  logfireType: ["logfire.span_type"],
  codingAgentType: ["span.type"],
  codingAgentSuccess: ["success"],
  codingAgentError: ["error"],
  codingAgentSpeed: ["speed"],
  requestType: ["llm.request.type"],
  toolName: [
    "gen_ai.tool.name",
    "tool.name",
    "ai.toolCall.name",
    "mcp.tool.name",
    "traceloop.entity.name",
  ],
  agentId: ["gen_ai.agent.id"],
  // The AI SDK names the agent so since version 7; before, it was the function.
  agentName: ["gen_ai.agent.name", "agent.name", "ai.telemetry.functionId"],
} as const satisfies Record<string, readonly string[]>;

/**
 * The attribute names of units with a price of their own, by genai-prices' names of the
 * units, which `shared/pricing/read-usage.ts` explains.
 */
export const UNITS: Record<string, readonly string[]> = {
  input_audio_tokens: modalityNames("input", "audio"),
  input_image_tokens: modalityNames("input", "image"),
  input_video_tokens: modalityNames("input", "video"),
  output_audio_tokens: modalityNames("output", "audio"),
  output_image_tokens: modalityNames("output", "image"),
  output_video_tokens: modalityNames("output", "video"),
  ...Object.fromEntries(
    ["audio", "image", "video"].map((kind) => [
      `cache_${kind}_read_tokens`,
      [
        `gen_ai.usage.${kind}.cache_read.input_tokens`,
        `gen_ai.usage.cache_${kind}_read_tokens`,
        `gen_ai.usage.details.cache_${kind}_read_tokens`,
        `gen_ai.usage.details.${kind}_cache_tokens`,
      ],
    ]),
  ),
  web_searches: [
    "gen_ai.usage.web_search_requests",
    "gen_ai.usage.web_searches",
    "gen_ai.usage.server_tool_use.web_search_requests",
    "gen_ai.usage.details.web_search_requests",
    "llm.token_count.prompt_details.web_search_requests",
    "langfuse.observation.usage_details/web_search_requests",
    "langfuse.observation.usage_details/web_search_queries",
  ],
};

/** OpenAI's, OpenLIT's and LangSmith's names of the parts of a total. */
function detailNames(
  total: "input" | "output",
  members: readonly string[],
): string[] {
  const legacy = total === "input" ? "prompt" : "completion";
  return [
    `${total}_token_details`,
    `${total}_tokens_details`,
    `${legacy}_tokens_details`,
  ]
    .flatMap((group) =>
      members.flatMap((member) => [
        `gen_ai.usage.${group}.${member}`,
        `gen_ai.usage.${group}/${member}`,
      ])
    );
}

function modalityNames(total: "input" | "output", kind: string): string[] {
  const legacy = total === "input" ? "prompt" : "completion";
  const group = `llm.token_count.${legacy}_details`;
  return [
    `gen_ai.usage.${kind}.${total}_tokens`,
    `gen_ai.usage.${total}_${kind}_tokens`,
    `gen_ai.usage.${total}_tokens.${kind}`,
    `gen_ai.usage.${legacy}_${kind}_tokens`,
    `gen_ai.usage.details.${total}_${kind}_tokens`,
    `gen_ai.usage.details.${kind}_${
      total === "input" ? "prompt" : "candidates"
    }_tokens`,
    ...detailNames(total, [kind, `${kind}_tokens`]),
    `${group}.${kind}`,
    `${group}.${kind}_tokens`,
    `langfuse.observation.usage_details/${total}_${kind}_tokens`,
    `langfuse.observation.usage_details/${total}_${kind}`,
    `langfuse.observation.usage_details/${legacy}_tokens_details/${kind}_tokens`,
    `langsmith.usage_metadata/${total}_token_details/${kind}`,
  ];
}

/** The names that count usage, of which an unknown one makes a row's cost a floor. */
const USAGE_NAME =
  /^(?:gen_ai\.usage|llm\.token_count|llm\.usage|ai\.usage)\.|^langfuse\.observation\.usage_details\//;

/** Whether an attribute counts usage, by its name. */
export function isUsageName(name: string): boolean {
  return USAGE_NAME.test(name);
}

/** Usage that costs nothing of its own: parts at the price of their total, and no counts. */
const WITHOUT_PRICE =
  /cost|price|usd|per_second|duration|latency|time|text|prediction|total|uncached|no_?cache|fresh|characters|context|percent|ratio|limit|remaining|tool_use_prompt|requests$|rate$|details[./](?:input|output)(?:_tokens)?$/i;

/** Whether an attribute of the usage costs nothing of its own, by its name. */
export function isWithoutPrice(name: string): boolean {
  return WITHOUT_PRICE.test(name);
}
