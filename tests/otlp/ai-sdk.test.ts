import { LegacyOpenTelemetry, OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { embedMany, generateText, isStepCount, streamText, tool } from "ai";
import {
  MockEmbeddingModelV4,
  MockLanguageModelV4,
  simulateReadableStream,
} from "ai/test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import type { TraceReading } from "../../shared/otlp/receive-traces.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(() => {
  receiver = startReceiver();
});
afterEach(() => receiver.close());

const usage = (
  total: number,
  cached: number,
  written: number,
  output: number,
) => ({
  inputTokens: {
    total,
    noCache: total - cached - written,
    cacheRead: cached,
    cacheWrite: written,
  },
  outputTokens: { total: output, text: output - 5, reasoning: 5 },
});

const FIRST = {
  content: [{
    type: "tool-call" as const,
    toolCallId: "1",
    toolName: "weather",
    input: '{"city":"secret"}',
  }],
  finishReason: { unified: "tool-calls" as const, raw: undefined },
  usage: usage(300, 100, 50, 20),
  warnings: [],
};
const SECOND = {
  content: [{ type: "text" as const, text: "secret" }],
  finishReason: { unified: "stop" as const, raw: undefined },
  usage: usage(400, 300, 0, 30),
  warnings: [],
};

/** A model that calls a tool in its first step and answers in its second. */
function agentModel() {
  return new MockLanguageModelV4({
    provider: "anthropic.messages",
    modelId: "claude-sonnet-4-5",
    doGenerate: [FIRST, SECOND],
  });
}

const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: () => "sunny",
});

/** Runs something with telemetry on; what was read of all its exports. */
async function record(
  run: (telemetry: object) => Promise<unknown>,
  Integration: typeof OpenTelemetry | typeof LegacyOpenTelemetry =
    OpenTelemetry,
  options: object = {},
): Promise<TraceReading> {
  const provider = new BasicTracerProvider({
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url: receiver.url })),
    ],
  });
  const scope = Integration === OpenTelemetry ? "gen_ai" : "ai";
  const tracer = provider.getTracer(scope);
  await run({
    functionId: "weather-agent",
    integrations: [new Integration({ tracer, ...options })],
  });
  await provider.shutdown();
  expect(receiver.readings).toHaveLength(1);
  return receiver.readings[0];
}

describe.each(
  [
    ["the AI SDK", OpenTelemetry, "anthropic"],
    [
      "the AI SDK with its older names",
      LegacyOpenTelemetry,
      "anthropic.messages",
    ],
  ] as const,
)("%s", (_, Integration, provider) => {
  test("gives two model calls and one tool use for an agent of two steps", async () => {
    const model = agentModel();
    const reading = await record(
      (telemetry) =>
        generateText({
          model,
          prompt: "secret",
          tools: { weather },
          stopWhen: isStepCount(5),
          telemetry,
        }),
      Integration,
    );
    expect(model.doGenerateCalls).toHaveLength(2);
    expect(reading.rejected).toEqual([]);
    expect(reading.modelCalls).toHaveLength(2);
    expect(reading.modelCalls.map(({ event }) => event)).toMatchObject([
      {
        provider,
        model: "claude-sonnet-4-5",
        input_tokens: 300,
        output_tokens: 20,
        cache_read_tokens: 100,
        cache_write_5m_tokens: 50,
        success: true,
        token_convention: "inclusive",
      },
      { input_tokens: 400, output_tokens: 30, cache_read_tokens: 300 },
    ]);
    expect(reading.toolUses).toHaveLength(1);
    expect(reading.ignored).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify(reading)).not.toContain("secret");
  });

  test("gives one model call for each request of an embedding", async () => {
    const model = new MockEmbeddingModelV4({
      provider: "openai.embedding",
      modelId: "text-embedding-3-small",
      maxEmbeddingsPerCall: 1,
      doEmbed: ({ values }) =>
        Promise.resolve({
          embeddings: values.map(() => [0, 1]),
          usage: { tokens: 7 },
          warnings: [],
        }),
    });
    const reading = await record(
      (telemetry) =>
        embedMany({ model, values: ["secret", "secret"], telemetry }),
      Integration,
    );
    expect(reading.rejected).toEqual([]);
    expect(
      reading.modelCalls.map((
        { event },
      ) => [event.input_tokens, event.output_tokens]),
    ).toEqual([[7, 0], [7, 0]]);
  });

  test("gives a failed model call for a request that failed", async () => {
    const model = new MockLanguageModelV4({
      modelId: "m",
      doGenerate: () => Promise.reject(new Error("The model is away")),
    });
    const reading = await record(
      (telemetry) =>
        generateText({ model, prompt: "hello", maxRetries: 0, telemetry })
          .catch(() => {}),
      Integration,
    );
    expect(reading.rejected).toEqual([]);
    expect(reading.modelCalls).toMatchObject([{
      event: {
        success: false,
        error_message: "The model is away",
        input_tokens: 0,
      },
    }]);
  });
});

test("the function id and the tools of an agent are looked up by name", async () => {
  receiver.settings = {};
  const model = agentModel();
  const { toolUses } = await record((telemetry) =>
    generateText({
      model,
      prompt: "hello",
      tools: { weather },
      stopWhen: isStepCount(5),
      telemetry,
    })
  );
  expect(toolUses.map(({ lookups }) => lookups)).toEqual([
    { agents: ["weather-agent"], tool: "weather" },
  ]);
});

test("a streamed answer is one model call, whose usage details prove its convention", async () => {
  const stream = simulateReadableStream({
    chunks: [
      { type: "stream-start" as const, warnings: [] },
      { type: "text-start" as const, id: "1" },
      { type: "text-delta" as const, id: "1", delta: "secret" },
      { type: "text-end" as const, id: "1" },
      {
        type: "finish" as const,
        finishReason: { unified: "stop" as const, raw: undefined },
        usage: usage(300, 100, 50, 20),
      },
    ],
  });
  const model = new MockLanguageModelV4({ modelId: "m", doStream: { stream } });
  const reading = await record(
    (telemetry) =>
      streamText({ model, prompt: "hello", telemetry }).text as Promise<string>,
    OpenTelemetry,
    { usage: true },
  );
  expect(reading.modelCalls).toMatchObject([{
    event: {
      input_tokens: 300,
      output_tokens: 20,
      reasoning_tokens: 5,
      convention_basis: "proved",
    },
  }]);
});
