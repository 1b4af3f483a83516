import {
  createJsonSample,
  DEMO,
  type Sample,
  type SampleSeed,
} from "./sample.ts";

/** A batch of LiteLLM's `generic_api`: a call that succeeded and one that did not. */
export function createLitellmSample(
  { now, createId }: SampleSeed,
): Sample {
  const end = now.getTime() / 1_000;
  const call = {
    trace_id: createId(),
    call_type: "acompletion",
    stream: false,
    custom_llm_provider: "anthropic",
    model: "anthropic/claude-sonnet-4-5",
    model_group: "claude-sonnet",
    startTime: end - 1.25,
    endTime: end,
    cache_hit: false,
    request_tags: ["task_type:extraction"],
    metadata: {
      user_api_key_alias: "extractor",
      spend_logs_metadata: {
        firm_id: DEMO.firm_id,
        cma_project_id: DEMO.cma_project_id,
      },
      usage_object: {} as unknown,
    },
  };
  const usage = {
    prompt_tokens: 5_200,
    completion_tokens: 310,
    total_tokens: 5_510,
    prompt_tokens_details: {
      cached_tokens: 4_000,
      cache_creation_tokens: 1_000,
    },
    completion_tokens_details: { reasoning_tokens: 120 },
  };
  const succeeded = {
    ...call,
    id: `chatcmpl-${createId()}`,
    status: "success",
    response_cost: 0.0102,
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens,
    total_tokens: usage.total_tokens,
    metadata: { ...call.metadata, usage_object: usage },
  };
  const failed = {
    ...call,
    id: createId(),
    status: "failure",
    response_cost: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    total_tokens: 0,
    error_str: "litellm.RateLimitError: AnthropicException - 429",
    error_information: { error_code: "429", error_class: "RateLimitError" },
  };
  return createJsonSample("webhooks/litellm", [succeeded, failed]);
}
