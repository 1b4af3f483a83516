import { type JsonSpan, jsonSpan } from "./otlp-exports.ts";

/** Minimal spans of one sender, as its version puts them on the wire, and their rows. */
export type SenderExport = {
  sender: string;
  scope: string;
  spans: JsonSpan[];
  /** The members of the model calls' events that count; a missing one is undefined. */
  calls: Record<string, unknown>[];
  /** The names of the tools that were used. */
  tools?: string[];
  /** Whether a span needs others of the same export. */
  together?: true;
};

const INTERNAL = { kind: 1 };
const json = (value: unknown) => JSON.stringify(value);
const one = (
  attributes: Record<string, unknown>,
  more: JsonSpan = {},
) => [jsonSpan(1, attributes, { ...INTERNAL, ...more })];

const CLAUDE = "claude-sonnet-4-5-20250929";

/** 4 tokens uncached, 900 read from the cache, 96 written to it: 1,000. */
const CACHED_CLAUDE = {
  model: CLAUDE,
  input_tokens: 1000,
  output_tokens: 50,
  cache_read_tokens: 900,
  cache_write_5m_tokens: 96,
};

/** 700 tokens uncached, 200 read, 100 written: the numbers alone prove nothing. */
const PARTLY_CACHED_CLAUDE = {
  model: CLAUDE,
  input_tokens: 1000,
  output_tokens: 50,
  cache_read_tokens: 200,
  cache_write_5m_tokens: 100,
  token_convention: "exclusive",
};

const anthropicUsage = {
  input_tokens: 700,
  output_tokens: 50,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 200,
  cache_creation: {
    ephemeral_5m_input_tokens: 100,
    ephemeral_1h_input_tokens: 0,
  },
  service_tier: "standard",
};

const geminiUsage = {
  promptTokenCount: 800,
  cachedContentTokenCount: 300,
  candidatesTokenCount: 90,
  thoughtsTokenCount: 60,
  totalTokenCount: 950,
};

/** The same call of Gemini by each sender: 90 tokens of answer and 60 of thought. */
const THINKING_GEMINI = {
  model: "gemini-2.5-flash",
  input_tokens: 800,
  output_tokens: 150,
  cache_read_tokens: 300,
  reasoning_tokens: 60,
};

const aiSdk = (
  operation: string,
  provider: string,
  model: string,
  more: Record<string, unknown>,
) =>
  one({
    "ai.operationId": operation,
    "ai.model.provider": provider,
    "ai.response.model": model,
    ...more,
  });

const AI_SDK: SenderExport[] = [
  {
    sender: "AI SDK 4, Anthropic",
    scope: "ai",
    spans: aiSdk("ai.generateText.doGenerate", "anthropic.messages", CLAUDE, {
      "ai.usage.promptTokens": 700,
      "ai.usage.completionTokens": 50,
      "ai.response.providerMetadata": json({
        anthropic: {
          cacheCreationInputTokens: 100,
          cacheReadInputTokens: 200,
        },
      }),
    }),
    calls: [{ ...PARTLY_CACHED_CLAUDE, convention_basis: "likely" }],
  },
  {
    sender: "AI SDK 4, Anthropic without a cache",
    scope: "ai",
    spans: aiSdk("ai.generateText.doGenerate", "anthropic.messages", CLAUDE, {
      "ai.usage.promptTokens": 700,
      "ai.usage.completionTokens": 50,
      "ai.response.providerMetadata": json({
        anthropic: {
          cacheCreationInputTokens: null,
          cacheReadInputTokens: null,
        },
      }),
    }),
    calls: [{ model: CLAUDE, input_tokens: 700, output_tokens: 50 }],
  },
  {
    sender: "AI SDK 4, OpenAI",
    scope: "ai",
    spans: aiSdk("ai.generateText.doGenerate", "openai.chat", "gpt-4o-mini", {
      "ai.usage.promptTokens": 600,
      "ai.usage.completionTokens": 70,
      "ai.response.providerMetadata": json({
        openai: { reasoningTokens: 20, cachedPromptTokens: 512 },
      }),
    }),
    calls: [{
      model: "gpt-4o-mini",
      input_tokens: 600,
      output_tokens: 70,
      cache_read_tokens: 512,
      reasoning_tokens: 20,
      token_convention: "inclusive",
    }],
  },
  {
    sender: "AI SDK 4, Claude of Vertex AI without metadata",
    scope: "ai",
    spans: aiSdk(
      "ai.generateText.doGenerate",
      "vertex.anthropic.messages",
      CLAUDE,
      { "ai.usage.promptTokens": 700, "ai.usage.completionTokens": 50 },
    ),
    calls: [{
      model: CLAUDE,
      input_tokens: 700,
      output_tokens: 50,
      unread_members: ["ai.response.providerMetadata"],
    }],
  },
  {
    sender: "AI SDK 5, Anthropic",
    scope: "ai",
    spans: aiSdk("ai.generateText.doGenerate", "anthropic.messages", CLAUDE, {
      "gen_ai.usage.input_tokens": 700,
      "gen_ai.usage.output_tokens": 50,
      "ai.response.providerMetadata": json({
        anthropic: { usage: anthropicUsage, cacheCreationInputTokens: 100 },
      }),
    }),
    calls: [{
      ...PARTLY_CACHED_CLAUDE,
      convention_basis: "proved",
      service_tier: "standard",
    }],
  },
  {
    sender: "AI SDK 5, a cache of an hour",
    scope: "ai",
    spans: aiSdk("ai.streamText.doStream", "anthropic.messages", CLAUDE, {
      "ai.usage.inputTokens": 4,
      "ai.usage.outputTokens": 50,
      "ai.usage.cachedInputTokens": 900,
      "ai.response.providerMetadata": json({
        anthropic: {
          usage: {
            input_tokens: 4,
            output_tokens: 50,
            cache_creation_input_tokens: 96,
            cache_read_input_tokens: 900,
            cache_creation: {
              ephemeral_5m_input_tokens: 0,
              ephemeral_1h_input_tokens: 96,
            },
          },
        },
      }),
    }),
    calls: [{
      ...CACHED_CLAUDE,
      cache_write_5m_tokens: undefined,
      cache_write_1h_tokens: 96,
      token_convention: "exclusive",
      convention_basis: "proved",
    }],
  },
  {
    sender: "AI SDK 5, a usage object without totals",
    scope: "ai",
    spans: aiSdk("ai.streamText.doStream", "anthropic.messages", CLAUDE, {
      "ai.usage.inputTokens": 700,
      "ai.usage.outputTokens": 50,
      "ai.response.providerMetadata": json({
        anthropic: { usage: { cache_creation_input_tokens: 100 } },
      }),
    }),
    calls: [{
      model: CLAUDE,
      input_tokens: 800,
      output_tokens: 50,
      cache_write_5m_tokens: 100,
      token_convention: "exclusive",
    }],
  },
  {
    sender: "AI SDK 5, Google",
    scope: "ai",
    spans: aiSdk(
      "ai.generateText.doGenerate",
      "google.generative-ai",
      "gemini-2.5-flash",
      {
        "gen_ai.usage.input_tokens": 800,
        "gen_ai.usage.output_tokens": 90,
        "ai.response.providerMetadata": json({
          google: { groundingMetadata: null, usageMetadata: geminiUsage },
        }),
      },
    ),
    calls: [{
      ...THINKING_GEMINI,
      token_convention: "exclusive",
      convention_basis: "proved",
    }],
  },
  {
    sender: "AI SDK 5 through OpenInference",
    scope: "ai",
    spans: aiSdk("ai.streamText.doStream", "anthropic.messages", CLAUDE, {
      "openinference.span.kind": "LLM",
      "ai.usage.inputTokens": 700,
      "ai.usage.outputTokens": 50,
      "ai.usage.totalTokens": 750,
      "ai.usage.cachedInputTokens": 200,
      "llm.token_count.prompt": 700,
      "llm.token_count.completion": 50,
      "llm.token_count.total": 750,
      "llm.token_count.prompt_details.cache_read": 200,
    }),
    calls: [{
      model: CLAUDE,
      input_tokens: 900,
      output_tokens: 50,
      cache_read_tokens: 200,
      token_convention: "exclusive",
      convention_basis: "likely",
      // What was written to the cache is not on the wire.
      unread_members: ["ai.response.providerMetadata"],
    }],
  },
  {
    sender: "AI SDK 6 before its details of the input",
    scope: "ai",
    spans: aiSdk("ai.streamText.doStream", "anthropic.messages", CLAUDE, {
      "ai.request.headers.user-agent": "ai/6.0.23",
      "ai.usage.inputTokens": 1000,
      "ai.usage.outputTokens": 50,
      "ai.usage.totalTokens": 1050,
      "ai.usage.cachedInputTokens": 200,
    }),
    calls: [{
      model: CLAUDE,
      input_tokens: 1000,
      output_tokens: 50,
      cache_read_tokens: 200,
      token_convention: "inclusive",
      convention_basis: "declared",
    }],
  },
  {
    sender: "AI SDK 5 by its user agent",
    scope: "ai",
    spans: aiSdk("ai.streamText.doStream", "anthropic.messages", CLAUDE, {
      "ai.request.headers.user-agent": "ai/5.0.277 runtime/node.js/24",
      "ai.usage.inputTokens": 700,
      "ai.usage.outputTokens": 50,
      "ai.usage.totalTokens": 750,
      "ai.usage.cachedInputTokens": 200,
      "ai.response.providerMetadata": json({
        anthropic: { cacheCreationInputTokens: 100 },
      }),
    }),
    calls: [{ ...PARTLY_CACHED_CLAUDE, convention_basis: "likely" }],
  },
];

const LIBRARIES: SenderExport[] = [
  {
    sender: "Traceloop's package for Anthropic",
    scope: "@traceloop/instrumentation-anthropic",
    spans: [jsonSpan(1, {
      "gen_ai.provider.name": "anthropic",
      "gen_ai.operation.name": "chat",
      "gen_ai.response.model": CLAUDE,
      "gen_ai.usage.input_tokens": 700,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.total_tokens": 750,
      "gen_ai.usage.cache_creation.input_tokens": 100,
      "gen_ai.usage.cache_read.input_tokens": 200,
    })],
    calls: [{ ...PARTLY_CACHED_CLAUDE, convention_basis: "likely" }],
  },
  {
    sender: "Traceloop's package for Bedrock",
    scope: "@traceloop/instrumentation-bedrock",
    spans: [jsonSpan(1, {
      "gen_ai.provider.name": "aws.bedrock",
      "gen_ai.operation.name": "chat",
      "gen_ai.response.model": CLAUDE,
      "gen_ai.usage.input_tokens": 700,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.cache_creation.input_tokens": 100,
      "gen_ai.usage.cache_read.input_tokens": 200,
    })],
    calls: [{ ...PARTLY_CACHED_CLAUDE, convention_basis: "likely" }],
  },
  {
    sender: "Langfuse",
    scope: "langfuse-sdk",
    spans: [
      ...one({
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o-mini",
        // 88 + 512 of input, 50 + 20 of output.
        "langfuse.observation.usage_details": json({
          input: 88,
          output: 50,
          total: 670,
          input_cached_tokens: 512,
          output_reasoning_tokens: 20,
          output_audio_tokens: 0,
        }),
      }),
      jsonSpan(2, { "langfuse.observation.type": "tool" }, {
        ...INTERNAL,
        name: "web-search",
      }),
      jsonSpan(3, { "langfuse.observation.type": "chain" }, INTERNAL),
    ],
    calls: [{
      model: "gpt-4o-mini",
      input_tokens: 600,
      output_tokens: 70,
      cache_read_tokens: 512,
      reasoning_tokens: 20,
      token_convention: "exclusive",
      convention_basis: "proved",
    }],
    tools: ["web-search"],
  },
  {
    sender: "Langfuse by hand, with Anthropic's names",
    scope: "langfuse-sdk",
    spans: one({
      "langfuse.observation.type": "generation",
      "langfuse.observation.model.name": CLAUDE,
      "langfuse.observation.usage_details": json({
        input: 700,
        output: 50,
        cache_read_input_tokens: 200,
        cache_creation_input_tokens: 100,
      }),
    }),
    calls: [{ ...PARTLY_CACHED_CLAUDE, convention_basis: "likely" }],
  },
  {
    sender: "Langfuse by hand, with OpenAI's usage object",
    scope: "langfuse-sdk",
    spans: one({
      "langfuse.observation.type": "generation",
      "langfuse.observation.model.name": "gpt-4o-mini",
      "langfuse.observation.usage_details": json({
        prompt_tokens: 600,
        completion_tokens: 70,
        total_tokens: 670,
        prompt_tokens_details: { cached_tokens: 512 },
      }),
    }),
    calls: [{
      model: "gpt-4o-mini",
      input_tokens: 600,
      output_tokens: 70,
      cache_read_tokens: 512,
      token_convention: "inclusive",
    }],
  },
  {
    sender: "Langfuse, audio beside the input",
    scope: "langfuse-sdk",
    spans: one({
      "langfuse.observation.type": "generation",
      "langfuse.observation.model.name": "gpt-4o-audio-preview",
      "langfuse.observation.usage_details": json({
        input: 50,
        output: 30,
        total: 270,
        input_audio_tokens: 150,
        output_audio_tokens: 40,
      }),
    }),
    calls: [{
      model: "gpt-4o-audio-preview",
      input_tokens: 200,
      output_tokens: 70,
      other_units: { input_audio_tokens: 150, output_audio_tokens: 40 },
    }],
  },
  {
    sender: "LangSmith",
    scope: "langsmith",
    spans: [
      ...one({
        "langsmith.span.kind": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 600,
        "gen_ai.usage.output_tokens": 70,
        "gen_ai.usage.total_tokens": 670,
        "gen_ai.usage.input_token_details": json({ audio: 0, cache_read: 512 }),
        "gen_ai.usage.output_token_details": json({ audio: 0, reasoning: 20 }),
      }),
      jsonSpan(2, {
        "langsmith.span.kind": "prompt",
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "langchain",
      }, INTERNAL),
      jsonSpan(3, {
        "langsmith.span.kind": "retriever",
        "gen_ai.operation.name": "embeddings",
        "gen_ai.system": "langchain",
      }, INTERNAL),
    ],
    calls: [{
      model: "gpt-4o-mini",
      input_tokens: 600,
      output_tokens: 70,
      cache_read_tokens: 512,
      reasoning_tokens: 20,
      token_convention: "inclusive",
      convention_basis: "declared",
    }],
  },
  {
    sender: "LangSmith, Anthropic",
    scope: "langsmith",
    spans: one({
      "langsmith.span.kind": "llm",
      "gen_ai.operation.name": "chat",
      "gen_ai.system": "anthropic",
      "gen_ai.response.model": CLAUDE,
      "gen_ai.usage.input_tokens": 1000,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.input_token_details": json({
        cache_read: 200,
        cache_creation: 0,
        ephemeral_5m_input_tokens: 60,
        ephemeral_1h_input_tokens: 40,
      }),
    }),
    calls: [{
      model: CLAUDE,
      input_tokens: 1000,
      output_tokens: 50,
      cache_read_tokens: 200,
      cache_write_5m_tokens: 60,
      cache_write_1h_tokens: 40,
    }],
  },
  {
    sender: "OpenInference without counts",
    scope: "@arizeai/openinference-instrumentation-openai",
    spans: [
      ...one({
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o-mini",
        "llm.system": "openai",
      }),
      jsonSpan(2, {
        "openinference.span.kind": "EMBEDDING",
        "embedding.model_name": "text-embedding-3-small",
        "llm.system": "openai",
      }, INTERNAL),
    ],
    calls: ["gpt-4o-mini", "text-embedding-3-small"].map((model) => ({
      model,
      input_tokens: 0,
      output_tokens: 0,
      unread_members: ["usage"],
    })),
  },
];

const FRAMEWORKS: SenderExport[] = [
  {
    sender: "Google ADK",
    scope: "gcp.vertex.agent",
    spans: [
      jsonSpan(1, {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "reviewer",
      }, INTERNAL),
      jsonSpan(2, {
        "gen_ai.system": "gcp.vertex.agent",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.usage.input_tokens": 800,
        "gen_ai.usage.output_tokens": 90,
        "gcp.vertex.agent.llm_response": json({
          content: { parts: [{ text: "secret" }] },
          usageMetadata: geminiUsage,
        }),
      }, { ...INTERNAL, name: "call_llm", parent: 1 }),
    ],
    calls: [{
      ...THINKING_GEMINI,
      token_convention: "exclusive",
      convention_basis: "proved",
    }],
  },
  {
    sender: "Google ADK for Python",
    scope: "gcp.vertex.agent",
    spans: one({
      "gen_ai.system": "gcp.vertex.agent",
      "gen_ai.request.model": "gemini-2.5-flash",
      "gcp.vertex.agent.llm_response": json({
        usage_metadata: {
          prompt_token_count: 800,
          cached_content_token_count: 300,
          candidates_token_count: 90,
          thoughts_token_count: 60,
          total_token_count: 950,
        },
      }),
    }, { name: "call_llm" }),
    calls: [THINKING_GEMINI],
  },
  {
    sender: "Google ADK without its response",
    scope: "gcp.vertex.agent",
    spans: one({
      "gen_ai.request.model": "gemini-2.5-flash",
      "gen_ai.usage.input_tokens": 800,
      "gen_ai.usage.output_tokens": 90,
      "gcp.vertex.agent.llm_response": "{}",
    }, { name: "call_llm" }),
    calls: [{
      model: "gemini-2.5-flash",
      input_tokens: 800,
      output_tokens: 90,
      unread_members: ["gcp.vertex.agent.llm_response"],
    }],
  },
  {
    sender: "Genkit",
    scope: "genkit-tracer",
    spans: [
      jsonSpan(1, {
        "genkit:type": "util",
        "genkit:name": "generate",
        "genkit:output": json({
          usage: { inputTokens: 800, outputTokens: 90, totalTokens: 950 },
        }),
      }, INTERNAL),
      jsonSpan(2, {
        "genkit:type": "action",
        "genkit:metadata:subtype": "model",
        "genkit:name": "googleai/gemini-2.5-flash",
        "genkit:state": "success",
        "genkit:output": json({
          candidates: [{ message: { content: [{ text: "secret" }] } }],
          usage: {
            inputTokens: 800,
            outputTokens: 90,
            thoughtsTokens: 60,
            totalTokens: 950,
            cachedContentTokens: 300,
            inputCharacters: 4000,
          },
        }),
      }, { ...INTERNAL, parent: 1 }),
      jsonSpan(3, {
        "genkit:type": "action",
        "genkit:metadata:subtype": "tool",
        "genkit:name": "web-search",
      }, INTERNAL),
    ],
    calls: [{
      ...THINKING_GEMINI,
      provider: "google",
      token_convention: "exclusive",
      convention_basis: "proved",
    }],
    tools: ["web-search"],
  },
  {
    sender: "Genkit, Anthropic",
    scope: "genkit-tracer",
    spans: one({
      "genkit:type": "action",
      "genkit:metadata:subtype": "model",
      "genkit:name": `anthropic/${CLAUDE}`,
      "genkit:output": json({
        usage: {
          inputTokens: 700,
          outputTokens: 50,
          custom: {
            cache_creation_input_tokens: 100,
            cache_read_input_tokens: 200,
          },
        },
      }),
    }),
    calls: [{ ...PARTLY_CACHED_CLAUDE, provider: "anthropic" }],
  },
  {
    sender: "a framework with an operation of its own",
    scope: "house-agents",
    spans: one({
      "gen_ai.operation.name": "chat.completions",
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.usage.input_tokens": 600,
      "gen_ai.usage.output_tokens": 70,
    }),
    calls: [{ model: "gpt-4o-mini", input_tokens: 600, output_tokens: 70 }],
  },
];

const CODING_AGENTS: SenderExport[] = [
  {
    sender: "Claude Code",
    scope: "com.anthropic.claude_code.tracing",
    spans: [
      jsonSpan(1, { "span.type": "interaction" }, {
        ...INTERNAL,
        name: "claude_code.interaction",
      }),
      jsonSpan(2, {
        "span.type": "llm_request",
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": CLAUDE,
        input_tokens: 700,
        output_tokens: 50,
        cache_read_tokens: 200,
        cache_creation_tokens: 100,
        success: true,
        speed: "fast",
      }, { ...INTERNAL, name: "claude_code.llm_request", parent: 1 }),
    ],
    calls: [{
      ...PARTLY_CACHED_CLAUDE,
      convention_basis: "likely",
      success: true,
      service_tier: "fast",
    }],
  },
  {
    sender: "Claude Code by the type of its spans",
    scope: "x",
    spans: one({
      "span.type": "llm_request",
      "gen_ai.system": "anthropic",
      "gen_ai.request.model": CLAUDE,
      input_tokens: 700,
      output_tokens: 50,
      cache_read_tokens: 200,
      cache_creation_tokens: 100,
    }),
    calls: [{ ...PARTLY_CACHED_CLAUDE, convention_basis: "likely" }],
  },
  {
    sender: "Claude Code, a failed request",
    scope: "com.anthropic.claude_code.tracing",
    spans: one({
      "span.type": "llm_request",
      model: CLAUDE,
      success: false,
      error: "Overloaded",
    }, { name: "claude_code.llm_request" }),
    calls: [{
      model: CLAUDE,
      input_tokens: 0,
      output_tokens: 0,
      success: false,
      error_message: "Overloaded",
    }],
  },
  {
    sender: "Qwen Code",
    scope: "qwen-code",
    spans: one({
      "gen_ai.request.model": "qwen3-coder-plus",
      input_tokens: 600,
      output_tokens: 70,
      cached_input_tokens: 512,
      "gen_ai.usage.input_tokens": 600,
      "gen_ai.usage.output_tokens": 70,
      "gen_ai.usage.cached_tokens": 512,
    }, { name: "qwen-code.llm_request" }),
    calls: [{
      model: "qwen3-coder-plus",
      input_tokens: 600,
      output_tokens: 70,
      cache_read_tokens: 512,
      token_convention: "inclusive",
    }],
  },
  {
    sender: "Codex",
    scope: "codex_exec",
    together: true,
    spans: [
      jsonSpan(1, {
        "codex.turn.token_usage.input_tokens": 5000,
        "codex.turn.token_usage.output_tokens": 500,
      }, { ...INTERNAL, name: "session_task.turn" }),
      jsonSpan(2, { model: "gpt-5-mini" }, {
        ...INTERNAL,
        name: "try_run_sampling_request",
        parent: 1,
      }),
      jsonSpan(3, {
        "gen_ai.usage.input_tokens": 600,
        "gen_ai.usage.cache_read.input_tokens": 512,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.usage.output_tokens": 70,
        "codex.usage.reasoning_output_tokens": 20,
        "codex.usage.total_tokens": 670,
      }, { ...INTERNAL, name: "handle_responses", parent: 2 }),
      jsonSpan(4, {}, { ...INTERNAL, name: "handle_responses", parent: 2 }),
    ],
    calls: [{
      model: "gpt-5-mini",
      input_tokens: 600,
      output_tokens: 70,
      cache_read_tokens: 512,
      reasoning_tokens: 20,
      token_convention: "inclusive",
    }],
  },
  {
    sender: "Gemini CLI",
    scope: "gemini-cli",
    spans: [
      ...one({
        "gen_ai.operation.name": "llm_call",
        "gen_ai.request.model": "gemini-2.5-flash",
      }),
      jsonSpan(2, {
        "gen_ai.operation.name": "tool_call",
        "gen_ai.tool.name": "web-search",
      }, INTERNAL),
    ],
    calls: [{
      model: "gemini-2.5-flash",
      input_tokens: 0,
      output_tokens: 0,
      unread_members: ["usage"],
    }],
    tools: ["web-search"],
  },
];

/** The exports of known senders. */
export const SENDER_EXPORTS: readonly SenderExport[] = [
  ...AI_SDK,
  ...LIBRARIES,
  ...FRAMEWORKS,
  ...CODING_AGENTS,
];
