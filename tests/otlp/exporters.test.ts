import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { respondFailure } from "../../shared/otlp/respond.ts";
import { collectOtelWarnings } from "../support/otel-warnings.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

type Options = { url: string; compression?: "gzip" | "none" };
type Exporter = new (options: Options) => SpanExporter;

const EXPORTERS: [string, Exporter, "json" | "protobuf"][] = [
  ["application/json", JsonExporter as Exporter, "json"],
  ["application/x-protobuf", ProtobufExporter as Exporter, "protobuf"],
];

const warnings = collectOtelWarnings();
let receiver: Receiver;
beforeEach(() => void (receiver = startReceiver()));
afterEach(() => receiver.close());

/** Sends one failed model call and one tool use below an agent. */
async function sendTrace(
  exporter: SpanExporter,
  usage: Record<string, number>,
) {
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("test", "1");
  const agent = tracer.startSpan("invoke_agent reviewer", {
    attributes: {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "reviewer",
    },
  });
  const inside = trace.setSpan(ROOT_CONTEXT, agent);
  const call = tracer.startSpan("chat gpt-5", {
    kind: SpanKind.CLIENT,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.response.model": "gpt-5",
      "gen_ai.usage.cost": 0.0000125,
      "gen_ai.input.messages": "secret",
      ...usage,
    },
  }, inside);
  call.setStatus({ code: SpanStatusCode.ERROR, message: "Cut off" });
  call.end();
  tracer.startSpan("execute_tool search", {
    attributes: {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "search",
    },
  }, inside).end();
  agent.end();
  await provider.shutdown();
  return call.spanContext();
}

const USAGE = {
  "gen_ai.usage.input_tokens": 1200,
  "gen_ai.usage.output_tokens": 80,
};

describe.each(EXPORTERS)(
  "the OpenTelemetry SDK sending %s",
  (mediaType, Exporter, encoding) => {
    test.each(["none", "gzip"] as const)(
      "sends spans that are read (compression: %s)",
      async (compression) => {
        const { spanId } = await sendTrace(
          new Exporter({ url: receiver.url, compression }),
          USAGE,
        );
        const [headers] = receiver.requests;
        expect(headers.get("content-type")).toBe(mediaType);
        expect(headers.get("content-encoding")).toBe(
          compression === "gzip" ? "gzip" : null,
        );
        expect(receiver.readings).toHaveLength(1);
        const [{ modelCalls, toolUses, rejected, ignored }] = receiver.readings;
        expect(modelCalls).toMatchObject([{
          spanId,
          event: {
            model: "gpt-5",
            input_tokens: 1200,
            output_tokens: 80,
            reported_cost_usd: "0.0000125",
            success: false,
            error_message: "Cut off",
          },
        }]);
        expect(toolUses).toHaveLength(1);
        expect(rejected).toEqual([]);
        expect(ignored).toBe(1);
        expect(JSON.stringify(receiver.readings)).not.toContain("secret");
        expect(warnings).toEqual([]);
      },
    );

    test("reports a partial success, and does not retry", async () => {
      await sendTrace(new Exporter({ url: receiver.url }), {
        ...USAGE,
        "gen_ai.usage.input_tokens": -1,
      });
      expect(receiver.requests).toHaveLength(1);
      expect(warnings.join("\n")).toContain(
        "gen_ai.usage.input_tokens is not a whole number",
      );
    });

    test("retries when the database is unavailable", async () => {
      const soon = { "retry-after": "1" };
      receiver.failures.push(
        respondFailure(encoding, 500, "The database is away", soon),
      );
      await sendTrace(new Exporter({ url: receiver.url }), USAGE);
      expect(receiver.requests).toHaveLength(2);
      expect(receiver.readings).toHaveLength(1);
      expect(receiver.readings[0].modelCalls).toHaveLength(1);
    });

    test("does not retry a malformed export", async () => {
      receiver.failures.push(
        respondFailure(encoding, 400, "The body is broken"),
      );
      const sent = sendTrace(new Exporter({ url: receiver.url }), USAGE);
      await expect(sent).rejects.toThrow("Bad Request");
      expect(receiver.requests).toHaveLength(1);
      expect(receiver.readings).toEqual([]);
    });
  },
);
