import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_SPAN_ERROR_TEXT } from "../../shared/limits.ts";
import { spanEventId } from "../../shared/ingest/ids.ts";
import {
  chat,
  jsonExport,
  jsonSpan,
  read,
  readCall,
  readReason,
  TRACE_ID,
  URL_SETTINGS,
} from "../support/otlp-exports.ts";

const FIRM = URL_SETTINGS.firm_id;

describe("the span of a model call", () => {
  test("becomes an event of llm-usage", async () => {
    const event = await readCall(
      chat(300, 200, {
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_write.input_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 80,
        "gen_ai.usage.cost": 0.0001234567,
        "openai.response.service_tier": "flex",
        "ledger.cma_project_id": "30000000-0000-4000-8000-000000000001",
      }),
    );
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-/),
      firm_id: FIRM,
      cma_project_id: "30000000-0000-4000-8000-000000000001",
      model: "gpt-5-2025-08-07",
      task_type: "extraction",
      input_tokens: 300,
      output_tokens: 200,
      reported_cost_usd: "0.0001234567",
      latency_ms: 1500,
      success: true,
      created_at: "2025-08-22T00:00:01.500000Z",
      provider: "openai",
      service_tier: "flex",
      cache_read_tokens: 100,
      cache_write_5m_tokens: 50,
      reasoning_tokens: 80,
      token_convention: "inclusive",
      convention_basis: "likely",
    });
  });

  test("derives a stable id, which differs between the logs", async () => {
    const span = { traceId: TRACE_ID, spanId: "eee19b7ec3c1b174" };
    const id = await spanEventId("llm-usage", span);
    expect(id).toBe("f1db568e-5653-538d-81c8-8e813a4d15a7");
    expect(await spanEventId("tool-usage", span)).not.toBe(id);
    const sent = { ...jsonSpan(1, chat(1, 1)), spanId: "EEE19B7EC3C1B174" };
    const { modelCalls } = await read(jsonExport([sent]));
    expect(modelCalls[0].event.id).toBe(id);
  });

  test.each([
    ["the conventions", {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.response.model": "claude",
      "gen_ai.usage.input_tokens": 300,
      "gen_ai.usage.output_tokens": 200,
      "gen_ai.usage.cache_read.input_tokens": 100,
      "gen_ai.usage.cache_write.input_tokens": 50,
    }],
    ["the conventions before August 2026", {
      "gen_ai.operation.name": "chat",
      "gen_ai.system": "anthropic",
      "gen_ai.request.model": "claude",
      "gen_ai.usage.input_tokens": 300,
      "gen_ai.usage.output_tokens": 200,
      "gen_ai.usage.cache_read.input_tokens": 100,
      "gen_ai.usage.cache_creation.input_tokens": 50,
    }],
    ["the conventions of 2024, by OpenLLMetry", {
      "llm.request.type": "chat",
      "gen_ai.system": "anthropic",
      "gen_ai.response.model": "claude",
      "gen_ai.usage.prompt_tokens": 300,
      "gen_ai.usage.completion_tokens": 200,
      "llm.usage.total_tokens": 500,
      "gen_ai.usage.cache_read_input_tokens": 100,
      "gen_ai.usage.cache_creation_input_tokens": 50,
    }],
    ["OpenInference", {
      "openinference.span.kind": "LLM",
      "llm.provider": "anthropic",
      "llm.model_name": "claude",
      "llm.token_count.prompt": 300,
      "llm.token_count.completion": 200,
      "llm.token_count.total": 500,
      "llm.token_count.prompt_details.cache_read": 100,
      "llm.token_count.prompt_details.cache_write": 50,
    }],
    ["the AI SDK before its version 7", {
      "ai.operationId": "ai.streamText.doStream",
      "ai.model.provider": "anthropic",
      "ai.model.id": "claude",
      "ai.usage.inputTokens": 300,
      "ai.usage.outputTokens": 200,
      "ai.usage.inputTokenDetails.noCacheTokens": 150,
      "ai.usage.inputTokenDetails.cacheReadTokens": 100,
      "ai.usage.inputTokenDetails.cacheWriteTokens": 50,
    }],
    ["Pydantic AI", {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.response.model": "claude",
      "gen_ai.usage.input_tokens": 300,
      "gen_ai.usage.output_tokens": 200,
      "gen_ai.usage.details.cache_read_tokens": 100,
      "gen_ai.usage.details.cache_write_tokens": 50,
    }],
  ])("has attributes by %s", async (_, attributes) => {
    const scope = "litellm";
    expect(await readCall(attributes, { scope })).toMatchObject({
      provider: "anthropic",
      model: "claude",
      input_tokens: 300,
      output_tokens: 200,
      cache_read_tokens: 100,
      cache_write_5m_tokens: 50,
      token_convention: "inclusive",
    });
  });

  test("has attributes by OpenRouter, with the kind SERVER", async () => {
    const event = await readCall({
      "gen_ai.operation.name": "chat",
      "gen_ai.system": "openai",
      "gen_ai.provider.name": "OpenAI",
      "gen_ai.response.model": "openai/gpt-5",
      "gen_ai.usage.input_tokens": 150,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.total_cost": 0.0035,
      "gen_ai.usage.input_cost": 0.002,
      "gen_ai.usage.input_tokens.cached": 10,
      "gen_ai.usage.output_tokens.reasoning": 5,
      "gen_ai.prompt": "secret",
      "openrouter.provider_slug": "openai",
    }, { kind: 2 });
    expect(event).toMatchObject({
      provider: "OpenAI",
      model: "openai/gpt-5",
      input_tokens: 150,
      cache_read_tokens: 10,
      reasoning_tokens: 5,
      reported_cost_usd: "0.0035",
      convention_basis: "declared",
    });
    expect(JSON.stringify(event)).not.toContain("secret");
  });

  test("prefers cache_write to cache_creation, and the response model to the request model", async () => {
    const event = await readCall(chat(300, 20, {
      "gen_ai.request.model": "asked",
      "gen_ai.usage.cache_creation.input_tokens": 1,
      "gen_ai.usage.cache_write.input_tokens": 2,
    }));
    expect(event).toMatchObject({
      model: "gpt-5-2025-08-07",
      cache_write_5m_tokens: 2,
    });
  });

  test("has cache writes by lifetime", async () => {
    const split = {
      "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens": 30,
      "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens": 20,
    };
    const expected = { cache_write_5m_tokens: 30, cache_write_1h_tokens: 20 };
    expect(await readCall(chat(300, 20, split))).toMatchObject(expected);
    const sum = { "gen_ai.usage.cache_write.input_tokens": 50 };
    expect(await readCall(chat(300, 20, { ...split, ...sum })))
      .toMatchObject(expected);
    expect(
      await readReason(
        chat(300, 20, {
          ...split,
          "gen_ai.usage.cache_write.input_tokens": 49,
        }),
      ),
    ).toContain("more than all tokens written to the cache");
  });

  test("has no output for an embedding", async () => {
    const event = await readCall({
      "gen_ai.operation.name": "embeddings",
      "gen_ai.request.model": "text-embedding-3-small",
      "gen_ai.usage.input_tokens": 40,
    });
    expect(event).toMatchObject({ input_tokens: 40, output_tokens: 0 });
  });

  test.each([["input", 30], ["output", 20]])(
    "derives a count from the total and the %s",
    async (known, count) => {
      const event = await readCall({
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.total_tokens": 50,
        [`gen_ai.usage.${known}_tokens`]: count,
      });
      expect(event).toMatchObject({ input_tokens: 30, output_tokens: 20 });
    },
  );

  test("accepts counts as text", async () => {
    const event = await readCall(
      chat(0, 7, { "gen_ai.usage.input_tokens": "209" }),
    );
    expect(event).toMatchObject({ input_tokens: 209, output_tokens: 7 });
  });

  test("ignores empty names", async () => {
    const event = await readCall(chat(1, 1, {
      "gen_ai.response.model": "",
      "gen_ai.request.model": "asked",
      "gen_ai.provider.name": " ",
    }));
    expect(event.model).toBe("asked");
    expect(event).not.toHaveProperty("provider");
  });
});

describe("a setting", () => {
  const settings = { firm_id: "url", task_type: "url" };
  const span = { "ledger.firm_id": "span" };
  const resource = { "ledger.firm_id": "resource" };

  test("comes from the span, else its resource, else the URL", async () => {
    const both = await readCall(chat(1, 1, span), { resource, settings });
    expect(both.firm_id).toBe("span");
    const outer = await readCall(chat(1, 1), { resource, settings });
    expect(outer.firm_id).toBe("resource");
    const none = await readCall(chat(1, 1), { settings });
    expect(none.firm_id).toBe("url");
  });

  test.each([
    ["firm_id", { task_type: "extraction" }],
    ["task_type", { firm_id: FIRM }],
  ])(
    "that is missing (%s) rejects the span, with the remedy",
    async (name, settings) => {
      expect(await readReason(chat(1, 1), {}, settings)).toBe(
        `ledger.${name} is not set: set it as an attribute of the span or of its resource, or ${name} in the URL of the endpoint`,
      );
    },
  );

  test("that is missing rejects no other span", async () => {
    const { modelCalls, rejected } = await read(
      jsonExport([
        jsonSpan(1, chat(1, 1)),
        jsonSpan(2, chat(1, 1, { "ledger.firm_id": FIRM })),
      ]),
      { task_type: "extraction" },
    );
    expect(modelCalls.map(({ spanId }) => spanId)).toEqual([
      "0000000000000002",
    ]);
    expect(rejected.map(({ spanId }) => spanId)).toEqual(["0000000000000001"]);
  });

  test("for the token convention is inclusive or exclusive", async () => {
    const reason = await readReason(
      chat(1, 1, { "ledger.token_convention": "both" }),
    );
    expect(reason).toBe(
      "ledger.token_convention is neither inclusive nor exclusive",
    );
  });
});

describe("a model call is rejected", () => {
  const chatWithout = (name: string) =>
    Object.fromEntries(
      Object.entries(chat(3, 4)).filter(([key]) => key !== name),
    );

  test.each([
    [
      "gen_ai.response.model",
      "gen_ai.response.model is not set: set it, or gen_ai.request.model",
    ],
  ])("without %s", async (name, reason) => {
    expect(await readReason(chatWithout(name))).toContain(reason);
  });

  test.each([-1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 60, "many", true])(
    "when a count is %s",
    async (value) => {
      const reason = await readReason(
        chat(3, 4, { "gen_ai.usage.cache_read.input_tokens": value }),
      );
      expect(reason).toBe(
        "gen_ai.usage.cache_read.input_tokens is not a whole number from 0 to 2147483647",
      );
    },
  );

  test("when its full counts are out of range", async () => {
    const reason = await readReason(chat(2 ** 30, 1, {
      "gen_ai.usage.cache_read.input_tokens": 2 ** 30 + 1,
      "gen_ai.usage.cache_write.input_tokens": 2 ** 30,
    }));
    expect(reason).toContain("more than 2147483647");
  });

  test.each([["left out", undefined], ["0", "0"], ["no number", "now"], [
    "negative",
    -5,
  ]])(
    "when its end is %s",
    async (_, endTimeUnixNano) => {
      expect(await readReason(chat(1, 1), { endTimeUnixNano }))
        .toContain("endTimeUnixNano is not set");
    },
  );
});

describe("the time of a model call", () => {
  test("is its end, truncated to microseconds", async () => {
    const event = await readCall(chat(1, 1), {
      endTimeUnixNano: "1755820801999999999",
    });
    expect(event.created_at).toMatch(/:01\.999999Z$/);
    expect(event.latency_ms).toBe(2000);
  });

  test.each([
    ["the start is missing", { startTimeUnixNano: "0" }],
    ["it ended before it began", { startTimeUnixNano: "1755820801500000001" }],
    ["it took months", { startTimeUnixNano: "1" }],
  ])("gives no latency when %s", async (_, times) => {
    const event = await readCall(chat(1, 1), times);
    expect(event).not.toHaveProperty("latency_ms");
    expect(event.created_at).toMatch(/:01\.500000Z$/);
  });
});

describe("a failed model call", () => {
  test("has the status message, with or without tokens", async () => {
    const event = await readCall({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-5",
      "error.type": "429",
    }, { status: { code: 2, message: "Too many requests" } });
    expect(event).toMatchObject({
      success: false,
      error_message: "Too many requests",
      input_tokens: 0,
      output_tokens: 0,
    });
  });

  test("is identified by error.type, which becomes its message", async () => {
    expect(await readCall(chat(1, 0, { "error.type": "timeout" })))
      .toMatchObject({ success: false, error_message: "timeout" });
  });

  test("is identified by its finish reason, without a message", async () => {
    const event = await readCall(
      chat(1, 0, { "gen_ai.response.finish_reasons": ["error"] }),
    );
    expect(event.success).toBe(false);
    expect(event).not.toHaveProperty("error_message");
  });

  test("has no secret in its message, not even a truncated one", async () => {
    const key = "sk-ant-api03-" + "a1B2c3D4".repeat(12);
    const message = "x".repeat(MAX_SPAN_ERROR_TEXT - 60) + " key " + key;
    const event = await readCall(chat(1, 0), { status: { code: 2, message } });
    expect(event.error_message).toContain("[redacted:");
    expect(event.error_message).not.toContain("sk-ant");
  });

  test("has a truncated message of whole characters", async () => {
    const message = "\u{1f4a5}".repeat(9_000);
    const event = await readCall(chat(1, 0), { status: { code: 2, message } });
    const text = event.error_message as string;
    expect(text).toHaveLength(MAX_SPAN_ERROR_TEXT);
    expect(text.isWellFormed()).toBe(true);
    const odd = await readCall(chat(1, 0), {
      status: { code: 2, message: "a" + message },
    });
    expect((odd.error_message as string).isWellFormed()).toBe(true);
  });

  test("has no message when the status is OK", async () => {
    const event = await readCall(chat(1, 1), {
      status: { code: 1, message: "fine" },
    });
    expect(event.success).toBe(true);
    expect(event).not.toHaveProperty("error_message");
  });
});

describe("the reported cost", () => {
  const cost = async (value: unknown, name = "gen_ai.usage.cost") =>
    (await readCall(chat(1, 1, { [name]: value }))).reported_cost_usd;

  test.each([
    [0.0001234567, "0.0001234567"],
    [1.25e-7, "0.000000125"],
    [2e-9, "0.000000002"],
    [1.5e21, "1500000000000000000000"],
    [0.1, "0.1"],
    [12, "12"],
    ["0.00123400", "0.00123400"],
    ["1.25e-7", "0.000000125"],
  ])("%s is %s", async (value, text) => {
    expect(await cost(value)).toBe(text);
  });

  test.each([0, -0, "0.00", -0.1, NaN, Infinity, "free", "", true, ["1"]])(
    "%s is not a cost",
    async (value) => {
      expect(await cost(value)).toBeUndefined();
    },
  );

  test.each([
    "gen_ai.usage.total_cost",
    "llm.cost.total",
    "gen_ai.cost.total_cost",
    "operation.cost",
  ])("comes from %s", async (name) => {
    expect(await cost(0.25, name)).toBe("0.25");
  });

  test("is a plain decimal of the same double", async () => {
    const doubles = fc.double({
      min: 0,
      minExcluded: true,
      noNaN: true,
      noDefaultInfinity: true,
    });
    await fc.assert(fc.asyncProperty(doubles, async (value) => {
      const text = await cost(value);
      expect(text).toMatch(/^\d+(\.\d+)?$/);
      expect(Number(text)).toBe(value);
    }));
  });
});
