import {
  createJsonSample,
  DEMO,
  type Sample,
  type SampleSeed,
} from "./sample.ts";

/**
 * An OTLP export of an agent's turn: a model call, and a tool of the registry
 * that it used. The agent and the tool are named as the demo world names them.
 */
export function createOtlpSample({ now, createId }: SampleSeed): Sample {
  const traceId = createId().replaceAll("-", "");
  const createSpan = (
    name: string,
    kind: number,
    milliseconds: number,
    attributes: Record<string, string | number>,
  ) => ({
    traceId,
    spanId: createId().replaceAll("-", "").slice(-16),
    name,
    kind,
    startTimeUnixNano: toNanoseconds(now.getTime() - milliseconds),
    endTimeUnixNano: toNanoseconds(now.getTime()),
    attributes: toKeyValues(attributes),
    status: {},
  });
  const agent = createSpan("invoke_agent research-agent", INTERNAL, 4_000, {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "research-agent",
  });
  const call = createSpan("chat claude-sonnet-4-5", CLIENT, 3_000, {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.usage.input_tokens": 5_200,
    "gen_ai.usage.cache_read.input_tokens": 4_000,
    "gen_ai.usage.output_tokens": 310,
  });
  const use = createSpan("execute_tool web-search", INTERNAL, 1_000, {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "web-search",
  });
  const inside = { parentSpanId: agent.spanId };
  const resource = {
    "service.name": "sample",
    "ledger.firm_id": DEMO.firm_id,
    "ledger.task_type": "extraction",
  };
  return createJsonSample("otlp/v1/traces", {
    resourceSpans: [{
      resource: { attributes: toKeyValues(resource) },
      scopeSpans: [{
        scope: { name: "sample" },
        spans: [agent, { ...call, ...inside }, { ...use, ...inside }],
      }],
    }],
  });
}

/** Numbers of the SpanKind (opentelemetry.proto.trace.v1.Span.SpanKind). */
const INTERNAL = 1;
const CLIENT = 3;

function toNanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`;
}

function toKeyValues(attributes: Record<string, string | number>): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number"
      ? { intValue: String(value) }
      : { stringValue: value },
  }));
}
