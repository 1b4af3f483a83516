import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  JsonTraceSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeJson } from "../../shared/otlp/decode-json.ts";
import { decodeProtobuf } from "../../shared/otlp/decode-protobuf.ts";
import { readTraces } from "../../shared/otlp/receive-traces.ts";
import { URL_SETTINGS } from "../support/otlp-exports.ts";

type Made = {
  /** Which of the spans before it is its parent; none when there is none there. */
  parent: number;
  name: string;
  kind: number;
  attributes: Attributes;
  status?: { code: SpanStatusCode; message: string };
  milliseconds: number;
  event?: string;
};

const count = fc.oneof(fc.nat(5_000), fc.constantFrom(-1, 2 ** 40, 0.5));
const word = fc.oneof(fc.string({ unit: "grapheme" }), fc.constant("gpt-5"));

const attributes = fc.record({
  "gen_ai.operation.name": fc.constantFrom(
    "chat",
    "execute_tool",
    "invoke_agent",
    "embeddings",
    "x",
  ),
  "gen_ai.provider.name": fc.constantFrom("openai", "anthropic", "x_ai"),
  "gen_ai.response.model": word,
  "gen_ai.usage.input_tokens": count,
  "gen_ai.usage.output_tokens": count,
  "gen_ai.usage.total_tokens": count,
  "gen_ai.usage.cache_read.input_tokens": count,
  "gen_ai.usage.cache_write.input_tokens": count,
  "gen_ai.usage.reasoning.output_tokens": count,
  // The SDK cannot write what is not finite to JSON, nor large integers as int64.
  "gen_ai.usage.cost": fc.double({ min: -10, max: 1e6, noNaN: true }),
  "gen_ai.response.finish_reasons": fc.array(fc.constantFrom("stop", "error"), {
    maxLength: 2,
  }),
  "gen_ai.usage.hologram_tokens": count,
  "gen_ai.usage.input_token_details": fc.json({ maxDepth: 2 }),
  "ai.response.providerMetadata": fc.json({ maxDepth: 3 }),
  "gen_ai.tool.name": word,
  "gen_ai.agent.name": word,
  "gen_ai.input.messages": word,
  "error.type": word,
  "llm.is_streaming": fc.boolean(),
}, { requiredKeys: [] });

const trees: fc.Arbitrary<Made[]> = fc.array(
  fc.record({
    parent: fc.integer({ min: -1, max: 5 }),
    name: word,
    kind: fc.nat(4),
    attributes: attributes as fc.Arbitrary<Attributes>,
    status: fc.option(
      fc.record({ code: fc.constantFrom(0, 1, 2), message: word }),
      { nil: undefined },
    ),
    milliseconds: fc.nat(100_000),
    event: fc.option(fc.constantFrom("exception", "retry"), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 7 },
);

const START = Date.parse("2026-01-31T12:00:00Z");

/** Lets the OpenTelemetry SDK make the spans. */
function makeSpans(tree: Made[]): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("ai", "1");
  const made: Span[] = [];
  for (const { parent, name, kind, attributes, ...ending } of tree) {
    const around = made[parent] === undefined
      ? ROOT_CONTEXT
      : trace.setSpan(ROOT_CONTEXT, made[parent]);
    const options = { kind, attributes, startTime: START };
    const span = tracer.startSpan(name, options, around);
    if (ending.status) span.setStatus(ending.status);
    if (ending.event) span.addEvent(ending.event);
    span.end(START + ending.milliseconds);
    made.push(span);
  }
  return exporter.getFinishedSpans();
}

describe("the two encodings of an export", () => {
  test("decode to the same spans", () => {
    fc.assert(fc.property(trees, (tree) => {
      const spans = makeSpans(tree);
      const json = decodeJson(JsonTraceSerializer.serializeRequest(spans)!);
      const protobuf = decodeProtobuf(
        ProtobufTraceSerializer.serializeRequest(spans)!,
      );
      expect(protobuf).toEqual(json);
      expect(json).toHaveLength(spans.length);
    }));
  });

  test("give the same events, with every span counted", async () => {
    await fc.assert(fc.asyncProperty(trees, async (tree) => {
      const spans = makeSpans(tree);
      const json = await readTraces(
        JsonTraceSerializer.serializeRequest(spans)!,
        "json",
        URL_SETTINGS,
      );
      const protobuf = await readTraces(
        ProtobufTraceSerializer.serializeRequest(spans)!,
        "protobuf",
        URL_SETTINGS,
      );
      expect(protobuf).toEqual(json);
      if ("fault" in json) throw new Error(json.fault.message);
      const { modelCalls, toolUses, rejected, ignored } = json;
      expect(modelCalls.length + toolUses.length + rejected.length + ignored)
        .toBe(spans.length);
    }));
  });

  test("never fail on JSON of any shape", async () => {
    const keys = fc.constantFrom(
      "resourceSpans",
      "resource",
      "scopeSpans",
      "scope",
      "spans",
      "attributes",
      "key",
      "value",
      "stringValue",
      "intValue",
      "arrayValue",
      "values",
      "status",
      "traceId",
      "spanId",
      "parentSpanId",
      "name",
      "kind",
      "startTimeUnixNano",
    );
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "medium" },
        fc.constantFrom(null, "", "chat", 5, -1, true, "gen_ai.operation.name"),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(keys, tie("any"), { maxKeys: 4 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(any, async (value) => {
        const bytes = new TextEncoder().encode(JSON.stringify(value));
        const result = await readTraces(bytes, "json", URL_SETTINGS);
        expect("fault" in result).toBe(!("modelCalls" in result));
      }),
      { numRuns: 1_000 },
    );
  });
});
