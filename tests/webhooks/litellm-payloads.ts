import { FIRM, PROJECT } from "../support/webhook-deliveries.ts";

/**
 * Payloads as LiteLLM's `generic_api` callback sends them, written after its
 * types (litellm/types/utils.py: StandardLoggingPayload) with every member there.
 */
export function createPayload(
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    id: "chatcmpl-BxYz1234567890",
    trace_id: "6a1f1c1e-5b0a-4d7e-9b1e-0d6b1f2a3c4d",
    litellm_call_id: "0b7c9f5e-3d1a-4e2b-8f6c-7a5d4c3b2a19",
    call_type: "acompletion",
    cache_hit: false,
    stream: true,
    status: "success",
    status_fields: { llm_api_status: "success", guardrail_status: "not_run" },
    custom_llm_provider: "openai",
    saved_cache_cost: 0.0,
    startTime: 1791187200.25,
    endTime: 1791187201.5,
    completionStartTime: 1791187200.75,
    response_time: 0.5,
    model: "gpt-4o-mini",
    metadata: {
      user_api_key_hash:
        "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9",
      user_api_key_alias: "backend",
      user_api_key_team_id: null,
      user_api_key_user_id: "default_user_id",
      spend_logs_metadata: {
        firm_id: FIRM,
        cma_project_id: PROJECT,
        task_type: "extraction",
      },
      requester_ip_address: "10.0.0.7",
      requester_metadata: {},
      usage_object: {
        prompt_tokens: 1200,
        completion_tokens: 80,
        total_tokens: 1280,
        prompt_tokens_details: { audio_tokens: null, cached_tokens: 1024 },
        completion_tokens_details: { reasoning_tokens: 30 },
      },
      applied_guardrails: [],
    },
    cache_key: null,
    response_cost: 0.00015225,
    cost_breakdown: {
      input_cost: 0.00010425,
      output_cost: 0.000048,
      total_cost: 0.00015225,
      tool_usage_cost: 0,
    },
    total_tokens: 1280,
    prompt_tokens: 1200,
    completion_tokens: 80,
    request_tags: ["User-Agent: OpenAI", "production"],
    end_user: "",
    api_base: "https://api.openai.com",
    model_group: "small",
    model_id: "e5a7c3",
    requester_ip_address: "10.0.0.7",
    messages: [{ role: "user", content: "the prompt of a customer" }],
    response: {
      id: "chatcmpl-BxYz1234567890",
      model: "gpt-4o-mini-2024-07-18",
      service_tier: "default",
      choices: [{ message: { content: "the answer to a customer" } }],
    },
    model_parameters: { temperature: 0, stream: true },
    hidden_params: { model_id: "e5a7c3", response_cost: 0.00015225 },
    model_map_information: {
      model_map_key: "gpt-4o-mini",
      model_map_value: { input_cost_per_token: 1.5e-7 },
    },
    error_str: null,
    error_information: null,
    response_cost_failure_debug_info: null,
    guardrail_information: null,
    ...changes,
  };
}

/** A payload whose `usage_object` is `usage`, with the counts that go with it. */
export function createUsagePayload(
  usage: Record<string, unknown>,
): Record<string, unknown> {
  const payload = createPayload({
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens,
    total_tokens: usage.total_tokens,
  });
  const metadata = payload.metadata as Record<string, unknown>;
  return { ...payload, metadata: { ...metadata, usage_object: usage } };
}
