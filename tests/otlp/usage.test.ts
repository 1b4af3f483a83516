import { describe, expect, test } from "vitest";
import {
  chat,
  jsonExport,
  jsonSpan,
  read,
  readCall,
  toBytes,
} from "../support/otlp-exports.ts";
import { readTraces } from "../../shared/otlp/receive-traces.ts";
import { URL_SETTINGS } from "../support/otlp-exports.ts";

describe("the usage of a span", () => {
  test.each([
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "gen_ai.usage.input_cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cached_tokens",
    "gen_ai.usage.prompt_tokens_details.cache_read",
    "gen_ai.usage.input_tokens_details.cached",
    "gen_ai.usage.cached_content_tokens",
    "gen_ai.usage.details.cached_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
  ])("has cached tokens by the name %s", async (name) => {
    const event = await readCall(chat(5000, 100, { [name]: 4000 }));
    expect(event).toMatchObject({
      input_tokens: 5000,
      cache_read_tokens: 4000,
    });
    expect(event).not.toHaveProperty("unread_members");
  });

  test.each([
    "gen_ai.usage.cache_creation_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "gen_ai.usage.prompt_tokens_details.cache_write",
  ])("has written tokens by the name %s", async (name) => {
    expect(await readCall(chat(5000, 100, { [name]: 4000 })))
      .toMatchObject({ input_tokens: 5000, cache_write_5m_tokens: 4000 });
  });

  test.each([
    "gen_ai.usage.output_reasoning_tokens",
    "gen_ai.usage.thoughts_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning",
    "gen_ai.usage.output_tokens_details.reasoning",
  ])("has reasoning by the name %s", async (name) => {
    expect(await readCall(chat(10, 100, { [name]: 40 })))
      .toMatchObject({ output_tokens: 100, reasoning_tokens: 40 });
  });

  test.each([
    ["llm.token_count.prompt_details.audio", "input_audio_tokens"],
    ["llm.token_count.completion_details.audio", "output_audio_tokens"],
    ["gen_ai.usage.audio.input_tokens", "input_audio_tokens"],
    ["gen_ai.usage.image.output_tokens", "output_image_tokens"],
    ["gen_ai.usage.input_image_tokens", "input_image_tokens"],
    ["gen_ai.usage.details.output_audio_tokens", "output_audio_tokens"],
    [
      "gen_ai.usage.completion_tokens_details.audio_tokens",
      "output_audio_tokens",
    ],
    ["gen_ai.usage.web_search_requests", "web_searches"],
    ["gen_ai.usage.server_tool_use.web_search_requests", "web_searches"],
  ])("has the units of %s", async (name, unit) => {
    const event = await readCall(chat(200, 300, { [name]: 150 }));
    expect(event).toMatchObject({
      input_tokens: 200,
      output_tokens: 300,
      other_units: { [unit]: 150 },
    });
    expect(event).not.toHaveProperty("unread_members");
  });

  test("has cached audio as a part of both", async () => {
    const event = await readCall(chat(1000, 300, {
      "gen_ai.usage.cache_read.input_tokens": 400,
      "gen_ai.usage.audio.input_tokens": 500,
      "gen_ai.usage.audio.cache_read.input_tokens": 150,
    }));
    expect(event).toMatchObject({
      input_tokens: 1000,
      // 250 of text and 150 of audio.
      cache_read_tokens: 250,
      other_units: { input_audio_tokens: 350, cache_audio_read_tokens: 150 },
    });
  });

  test("names units that exceed their total", async () => {
    for (const count of [201, 0.5]) {
      const event = await readCall(
        chat(200, 300, { "gen_ai.usage.input_audio_tokens": count }),
      );
      expect(event).not.toHaveProperty("other_units");
      expect(event.unread_members).toEqual(["gen_ai.usage.input_audio_tokens"]);
    }
  });

  test("names counts that are not known", async () => {
    const event = await readCall(chat(200, 300, {
      "gen_ai.usage.hologram_tokens": 7,
      "gen_ai.usage.smell_units": "12",
      "llm.token_count.prompt_details.touch": 3,
      "gen_ai.usage.empty_tokens": 0,
      "gen_ai.usage.note": "hologram",
      "gen_ai.usage.input_cost": 0.25,
      "gen_ai.usage.details.accepted_prediction_tokens": 8,
    }));
    expect(event.unread_members).toEqual([
      "gen_ai.usage.hologram_tokens",
      "gen_ai.usage.smell_units",
      "llm.token_count.prompt_details.touch",
    ]);
  });

  test("keeps no name that may be content", async () => {
    const event = await readCall({
      "langfuse.observation.type": "generation",
      "langfuse.observation.model.name": "gpt-5",
      "langfuse.observation.usage_details": JSON.stringify({
        input: 5,
        output: 6,
        "the secret plan": 7,
      }),
    });
    expect(event.unread_members).toEqual([
      "langfuse.observation.usage_details",
    ]);
    const other = await readCall(
      chat(1, 1, { "gen_ai.usage.the secret plan": 7 }),
    );
    expect(other.unread_members).toEqual(["gen_ai.usage"]);
  });

  test.each([["nothing", {}], ["zeros", {
    "gen_ai.usage.input_tokens": 0,
    "gen_ai.usage.output_tokens": 0,
  }], ["NaN", {
    "gen_ai.usage.input_tokens": NaN,
    "gen_ai.usage.output_tokens": NaN,
  }]])("is unknown where a successful call counts %s", async (_, counts) => {
    const event = await readCall({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-5",
      ...counts,
    });
    expect(event).toMatchObject({
      input_tokens: 0,
      output_tokens: 0,
      unread_members: ["usage"],
    });
  });

  test("of a failed call is nothing where it counts nothing", async () => {
    const event = await readCall({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-5",
      "error.type": "timeout",
    });
    expect(event).toMatchObject({ input_tokens: 0, success: false });
    expect(event).not.toHaveProperty("unread_members");
  });

  test("of a call with an exception is that of a failed call without counts", async () => {
    const exception = { events: [{ name: "retry" }, { name: "exception" }] };
    const event = await readCall({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-5",
    }, exception);
    expect(event).toMatchObject({ input_tokens: 0, success: false });
    expect(await readCall(chat(3, 4), exception))
      .toMatchObject({ input_tokens: 3, success: true });
  });

  test.each([
    ["gen_ai.usage.output_tokens", { "gen_ai.usage.input_tokens": 9 }, [9, 0]],
    ["gen_ai.usage.input_tokens", { "gen_ai.usage.output_tokens": 9 }, [0, 9]],
    ["gen_ai.usage.output_tokens", { "gen_ai.usage.total_tokens": 9 }, [9, 0]],
  ])("lacks %s beside %o", async (missing, counts, [input, output]) => {
    const event = await readCall({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-5",
      ...counts,
    });
    expect(event).toMatchObject({
      input_tokens: input,
      output_tokens: output,
    });
    expect(event.unread_members).toEqual([missing]);
  });

  test("comes from a usage object that the provider's rules explain only", async () => {
    const event = await readCall({
      "ai.operationId": "ai.generateText.doGenerate",
      "ai.model.provider": "anthropic.messages",
      "ai.model.id": "claude-sonnet-4-5",
      "ai.usage.promptTokens": 700,
      "ai.usage.completionTokens": 50,
      "ai.response.providerMetadata": JSON.stringify({
        anthropic: { usage: { input_tokens: "many" } },
      }),
    });
    expect(event).toMatchObject({
      input_tokens: 700,
      output_tokens: 50,
      unread_members: ["ai.response.providerMetadata/anthropic/usage"],
    });
  });
});

describe("the cost of a call", () => {
  test("is the provider's where the gateway did not bill it", async () => {
    const event = await readCall(chat(1000, 100, {
      "gen_ai.usage.cost": 0,
      "gen_ai.usage.upstream_inference_cost": 0.0045,
    }));
    expect(event.reported_cost_usd).toBe("0.0045");
  });

  test("is 0 for a free model", async () => {
    const event = await readCall(chat(1000, 100, {
      "gen_ai.response.model": "qwen/qwen3-coder:free",
      "gen_ai.usage.cost": 0,
    }));
    expect(event.reported_cost_usd).toBe("0");
  });

  test("is Langfuse's, which is 0 for a failed call", async () => {
    const generation = (total: number) => ({
      "langfuse.observation.type": "generation",
      "langfuse.observation.model.name": "gpt-5",
      "langfuse.observation.cost_details": JSON.stringify({ total }),
      "langfuse.observation.level": "ERROR",
      "langfuse.observation.status_message": "Overloaded",
    });
    expect(await readCall(generation(0.25))).toMatchObject({
      reported_cost_usd: "0.25",
      success: false,
      error_message: "Overloaded",
    });
    expect(await readCall(generation(0))).not.toHaveProperty(
      "reported_cost_usd",
    );
  });
});

describe("a setting", () => {
  test.each([
    "ai.telemetry.metadata.",
    "traceloop.association.properties.",
    "langfuse.trace.metadata.",
    "langsmith.metadata.",
  ])("is found under %s", async (prefix) => {
    const event = await readCall(
      chat(1, 1, {
        [`${prefix}ledger.firm_id`]: "metadata",
        [`${prefix}ledger.task_type`]: "validation",
      }),
    );
    expect(event).toMatchObject({
      firm_id: "metadata",
      task_type: "validation",
    });
  });

  test("is found in OpenInference's metadata", async () => {
    const metadata = JSON.stringify({
      "ledger.firm_id": "metadata",
      note: "secret",
    });
    expect(await readCall(chat(1, 1, { metadata })))
      .toMatchObject({ firm_id: "metadata" });
  });
});

describe("a span that is no proper JSON", () => {
  const good = jsonSpan(2, chat(3, 4));
  const send = async (text: string) => {
    const reading = await readTraces(
      new TextEncoder().encode(text),
      "json",
      URL_SETTINGS,
    );
    expect(reading).not.toHaveProperty("fault");
    return reading as Exclude<typeof reading, { fault: unknown }>;
  };
  const exportWith = (value: string) =>
    JSON.stringify(jsonExport([
      jsonSpan(1, chat(1, 1, { "gen_ai.usage.cost": "REPLACED" })),
      good,
    ])).replace('{"stringValue":"REPLACED"}', value);

  test.each(["NaN", "Infinity", "-Infinity"])(
    "loses no neighbour by the token %s",
    async (token) => {
      const { modelCalls } = await send(
        exportWith(`{"doubleValue":${token}}`),
      );
      expect(modelCalls.map(({ spanId }) => spanId)).toContain(good.spanId);
    },
  );

  test("keeps the token in texts", async () => {
    const { modelCalls } = await send(
      exportWith('{"doubleValue":NaN}').replaceAll(
        "gpt-5-2025-08-07",
        'the \\"NaN\\" model',
      ),
    );
    expect(modelCalls[0].event.model).toBe('the "NaN" model');
  });

  test("loses no neighbour by its depth", async () => {
    const depth = 20_000;
    const deep = '{"arrayValue":{"values":['.repeat(depth) +
      "]}}".repeat(depth);
    const { modelCalls } = await send(exportWith(deep));
    expect(modelCalls).toHaveLength(2);
  });

  test("loses no neighbour by JSON in an attribute", async () => {
    const metadata = "[".repeat(50_000);
    const { modelCalls } = await read(
      jsonExport([jsonSpan(1, chat(1, 1, { metadata })), good]),
    );
    expect(modelCalls).toHaveLength(2);
    expect(toBytes(modelCalls).length).toBeLessThan(2_000);
  });
});

describe("an export of which nothing is recognized", () => {
  const hintOf = async (scope: string, attributes = {}) => {
    const span = jsonSpan(1, attributes, { kind: 1 });
    return (await read(jsonExport([span], { scope }))).hint;
  };

  test.each([
    ["langfuse-sdk", "usageDetails"],
    ["gcp.vertex.agent", "call_llm"],
    ["genkit-tracer", "genkit:output"],
    ["gemini-cli", "llm_call"],
    ["codex_exec", "handle_responses"],
    ["com.anthropic.claude_code.tracing", "CLAUDE_CODE_ENHANCED_TELEMETRY"],
    ["@traceloop/instrumentation-openai", "token counts"],
  ])("says what %s has to send", async (scope, remedy) => {
    const hint = await hintOf(scope);
    expect(hint).toMatch(/^No span of this export was recognized/);
    expect(hint).toContain(remedy);
  });

  test("says what to set where a span names a model", async () => {
    expect(await hintOf("house", { "gen_ai.request.model": "gpt-5" }))
      .toContain("gen_ai.operation.name");
  });

  test.each<[string, string, object]>([
    ["of an unknown sender", "house", {}],
    ["of an agent", "langfuse-sdk", { "langfuse.observation.type": "agent" }],
    ["of a pending span", "ai", {
      "ai.operationId": "ai.toolCall",
      "logfire.span_type": "pending_span",
    }],
    ["of a model call", "langfuse-sdk", chat(1, 1)],
  ])("has no hint: %s", async (_, scope, attributes) => {
    expect(await hintOf(scope, attributes)).toBeNull();
  });
});
