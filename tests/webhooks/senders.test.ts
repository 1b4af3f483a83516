import { LegacyOpenTelemetry, OpenTelemetry } from "@ai-sdk/otel";
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { generateText, isStepCount, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from "cloudevents";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { collectOtelWarnings } from "../support/otel-warnings.ts";
import { AGENT, EVENTS, FIRM, newId, TOOL } from "../support/running-stack.ts";
import {
  countRows,
  GATEWAY_KEY,
  showRow,
  STANDARD_SECRETS,
  useReceiver,
} from "../support/receiving-stack.ts";

const ledger = useReceiver("PGlite");
const warnings = collectOtelWarnings();
const url = (path: string) => `${ledger.stack.url}/functions/v1/${path}`;
const QUERY = `?firm_id=${FIRM}&task_type=extraction`;

type Options = {
  url: string;
  headers: Record<string, string>;
  compression?: "gzip" | "none";
};
type Exporter = new (options: Options) => SpanExporter;

/** A provider of tracers that exports to the stack when it is shut down. */
function createProvider(
  Exporter: Exporter,
  options: Partial<Options> = {},
): BasicTracerProvider {
  const exporter = new Exporter({
    url: url(`otlp/v1/traces${QUERY}`),
    headers: { apikey: GATEWAY_KEY },
    ...options,
  });
  return new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
}

/** The rows that `act` adds. */
async function newRows(table: string, act: () => Promise<unknown>) {
  const before = new Set((await ledger.rows(table)).map(({ id }) => id));
  await act();
  return (await ledger.rows(table)).filter(({ id }) => !before.has(id));
}

describe.each<[string, Exporter]>([
  ["http/json", JsonExporter as Exporter],
  ["http/protobuf", ProtobufExporter as Exporter],
])("the OpenTelemetry SDK by %s", (_, Exporter) => {
  test.each(["none", "gzip"] as const)(
    "records a model call and a tool use of an agent (compression: %s)",
    async (compression) => {
      const provider = createProvider(Exporter, { compression });
      const tracer = provider.getTracer("test");
      const agent = tracer.startSpan("invoke_agent research-agent", {
        attributes: {
          "gen_ai.operation.name": "invoke_agent",
          "gen_ai.agent.name": "research-agent",
          "gen_ai.usage.input_tokens": 1200,
        },
      });
      const inside = trace.setSpan(ROOT_CONTEXT, agent);
      tracer.startSpan("chat gpt-5", {
        kind: SpanKind.CLIENT,
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "openai",
          "gen_ai.response.model": "gpt-5",
          "gen_ai.usage.input_tokens": 1200,
          "gen_ai.usage.output_tokens": 80,
          "gen_ai.usage.cost": 0.0000125,
        },
      }, inside).end();
      tracer.startSpan("execute_tool web-search", {
        attributes: {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": "web-search",
        },
      }, inside).end();
      agent.end();
      const calls = await newRows("llm_usage_log", async () => {
        const uses = await newRows(
          "tool_usage_ledger",
          () => provider.shutdown(),
        );
        expect(uses).toMatchObject([{ agent_id: AGENT, tool_id: TOOL }]);
      });
      expect(calls).toMatchObject([
        { firm_id: FIRM, model: "gpt-5", input_tokens: 1200 },
      ]);
      expect(await showRow(ledger, "llm-usage", calls[0].id)).toMatchObject({
        cost_source: "reported",
        cost_usd: "0.000013",
        cost_usd_exact: "0.0000125",
      });
      expect(warnings).toEqual([]);
    },
  );

  test("reports why spans were not recorded, and why a key was rejected", async () => {
    const send = async (options: Partial<Options>) => {
      const provider = createProvider(Exporter, options);
      provider.getTracer("test").startSpan("chat", {
        attributes: { "gen_ai.operation.name": "chat" },
      }).end();
      await provider.shutdown().catch((error) => warnings.push(String(error)));
    };
    const before = await countRows(ledger);
    await send({});
    expect(warnings.join("\n")).toContain("gen_ai.response.model is not set");
    await send({ headers: { apikey: "sb_secret_wrong" } });
    expect(warnings.join("\n")).toContain("Unauthorized");
    expect(await countRows(ledger)).toBe(before);
  });
});

describe.each(
  [
    ["the AI SDK", OpenTelemetry, "gen_ai"],
    ["the AI SDK with its older names", LegacyOpenTelemetry, "ai"],
  ] as const,
)("%s", (_, Integration, scope) => {
  test("records two model calls and one tool use for an agent of two steps", async () => {
    const provider = createProvider(JsonExporter as Exporter);
    const tracer = provider.getTracer(scope);
    const usage = (input: number, cached: number, output: number) => ({
      inputTokens: {
        total: input,
        noCache: input - cached,
        cacheRead: cached,
        cacheWrite: 0,
      },
      outputTokens: { total: output, text: output, reasoning: 0 },
    });
    const model = new MockLanguageModelV4({
      provider: "anthropic.messages",
      modelId: "claude-sonnet-4-5",
      doGenerate: [
        {
          content: [{
            type: "tool-call" as const,
            toolCallId: "1",
            toolName: "web-search",
            input: '{"query":"weather"}',
          }],
          finishReason: { unified: "tool-calls" as const, raw: undefined },
          usage: usage(300, 100, 20),
          warnings: [],
        },
        {
          content: [{ type: "text" as const, text: "sunny" }],
          finishReason: { unified: "stop" as const, raw: undefined },
          usage: usage(400, 300, 30),
          warnings: [],
        },
      ],
    });
    const search = tool({
      description: "Searches",
      inputSchema: z.object({ query: z.string() }),
      execute: () => "sunny",
    });
    const calls = await newRows("llm_usage_log", async () => {
      const uses = await newRows("tool_usage_ledger", async () => {
        await generateText({
          model,
          prompt: "What is the weather?",
          tools: { "web-search": search },
          stopWhen: isStepCount(5),
          telemetry: {
            functionId: "research-agent",
            integrations: [new Integration({ tracer })],
          },
        });
        await provider.shutdown();
      });
      expect(uses).toMatchObject([{ agent_id: AGENT, tool_id: TOOL }]);
    });
    expect(calls.map((row) => [row.model, row.input_tokens, row.output_tokens]))
      .toEqual(expect.arrayContaining([
        ["claude-sonnet-4-5", 300, 20],
        ["claude-sonnet-4-5", 400, 30],
      ]));
    expect(calls).toHaveLength(2);
    for (const { id } of calls) {
      expect(await showRow(ledger, "llm-usage", id)).toMatchObject({
        provider: "anthropic",
        token_convention: "inclusive",
        cost_source: "computed",
      });
    }
  });
});

describe("standardwebhooks", () => {
  test.each(STANDARD_SECRETS)(
    "signs messages that are accepted",
    async ({ text }) => {
      const payload = JSON.stringify({
        type: "file.uploaded",
        timestamp: new Date().toISOString(),
        data: EVENTS.audit,
      });
      const id = `msg_${newId()}`;
      const time = new Date();
      const signature = new Webhook(text).sign(id, time, payload);
      const send = (body: string) =>
        fetch(url("webhooks/standard/audit"), {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": String(Math.floor(time.getTime() / 1_000)),
            "webhook-signature": signature,
          },
          body,
        });
      const answers = [await send(payload), await send(payload)];
      expect(answers.map(({ status }) => status)).toEqual([201, 200]);
      const [one, again] = await Promise.all(
        answers.map((answer) => answer.json()),
      );
      expect(again.id).toBe(one.id);
      const forged = await send(payload.replace("create", "delete"));
      expect(forged.status).toBe(401);
      await forged.body?.cancel();
    },
  );
});

describe("the CloudEvents SDK", () => {
  const create = (id: string) =>
    new CloudEvent({
      id,
      source: "/tests",
      type: "file.uploaded",
      time: "2026-10-05T08:00:00.000Z",
      datacontenttype: "application/json",
      data: EVENTS.audit,
    });

  test("emits one event in binary and in structured mode, for one row", async () => {
    const event = create(newId());
    const rows = await newRows("audit_log", async () => {
      for (const mode of [Mode.BINARY, Mode.STRUCTURED, Mode.BINARY]) {
        const emit = emitterFor(
          httpTransport(url("webhooks/cloudevents/audit")),
          { binding: HTTP, mode },
        );
        await emit(event, { headers: { apikey: GATEWAY_KEY } });
      }
    });
    expect(rows).toMatchObject([{ firm_id: FIRM, action: "create_project" }]);
  });

  test("emits a batch, with a row for each event", async () => {
    const events = [newId(), newId()].map(create);
    const response = await fetch(url("webhooks/cloudevents/audit"), {
      method: "POST",
      headers: {
        apikey: GATEWAY_KEY,
        "content-type": "application/cloudevents-batch+json",
      },
      body: JSON.stringify(events),
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ recorded: 2 });
  });
});
