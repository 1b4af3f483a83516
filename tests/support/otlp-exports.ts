import { expect } from "vitest";
import {
  readTraces,
  type TraceReading,
} from "../../shared/otlp/receive-traces.ts";
import type { LedgerSettings } from "../../shared/otlp/attributes.ts";
import { OtlpDecodeError } from "../../shared/otlp/span.ts";

/** The settings of the endpoint's URL in most tests. */
export const URL_SETTINGS: LedgerSettings = {
  firm_id: "10000000-0000-4000-8000-000000000001",
  task_type: "extraction",
  agent_id: "40000000-0000-4000-8000-000000000001",
  tool_id: "50000000-0000-4000-8000-000000000001",
};

type Attributes = Record<string, unknown>;

/** A span in OTLP's JSON, or members of one. */
export type JsonSpan = Record<string, unknown>;

/** The span id of a number. */
export const spanId = (number: number) => number.toString(16).padStart(16, "0");

export const TRACE_ID = "5b8efff798038103d269b633813fc60c";

/** A span of 1.5 seconds; `parent` and `number` become span ids. */
export function jsonSpan(
  number: number,
  attributes: Attributes,
  more: JsonSpan & { parent?: number } = {},
): JsonSpan {
  const { parent, ...members } = more;
  return {
    traceId: TRACE_ID,
    spanId: spanId(number),
    ...(parent === undefined ? {} : { parentSpanId: spanId(parent) }),
    name: "span",
    kind: 3,
    startTimeUnixNano: "1755820800000000000",
    endTimeUnixNano: "1755820801500000000",
    attributes: keyValues(attributes),
    status: {},
    ...members,
  };
}

/** Attributes as OTLP lists them, integers as strings. */
function keyValues(attributes: Attributes): unknown[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: anyValue(value),
  }));
}

/** An export of one resource and scope. */
export function jsonExport(
  spans: unknown[],
  { resource = {}, scope = "test" }: { resource?: Attributes; scope?: string } =
    {},
) {
  return {
    resourceSpans: [{
      resource: { attributes: keyValues(resource) },
      scopeSpans: [{ scope: { name: scope }, spans }],
    }],
  };
}

export const toBytes = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value));

/** The error with which a decoder refuses a body. */
export function decodeError(
  decode: (bytes: Uint8Array) => unknown,
  bytes: Uint8Array,
): OtlpDecodeError {
  try {
    decode(bytes);
  } catch (error) {
    if (error instanceof OtlpDecodeError) return error;
    throw error;
  }
  throw new Error("The body was decoded");
}

/** Reads a well-formed export. */
export async function read(
  value: unknown,
  settings: LedgerSettings = URL_SETTINGS,
): Promise<TraceReading> {
  const reading = await readTraces(toBytes(value), "json", settings);
  expect(reading).not.toHaveProperty("fault");
  return reading as TraceReading;
}

/** The only event of an export with one model call. */
export async function readCall(
  attributes: Attributes,
  { scope, settings, resource, ...more }: {
    scope?: string;
    resource?: Attributes;
    settings?: LedgerSettings;
  } & JsonSpan = {},
): Promise<Record<string, unknown>> {
  const span = jsonSpan(1, attributes, more);
  const reading = await read(jsonExport([span], { scope, resource }), settings);
  expect(reading.rejected).toEqual([]);
  expect(reading.modelCalls).toHaveLength(1);
  return reading.modelCalls[0].event;
}

/** The only reason of an export with one span that is rejected. */
export async function readReason(
  attributes: Attributes,
  more: JsonSpan = {},
  settings?: LedgerSettings,
): Promise<string> {
  const reading = await read(
    jsonExport([jsonSpan(1, attributes, more)]),
    settings,
  );
  expect(reading.modelCalls).toEqual([]);
  expect(reading.toolUses).toEqual([]);
  expect(reading.rejected).toHaveLength(1);
  return reading.rejected[0].reason;
}

/** Attributes of a model call by the current conventions. */
export const chat = (
  input: number,
  output: number,
  more: Attributes = {},
): Attributes => ({
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.response.model": "gpt-5-2025-08-07",
  "gen_ai.usage.input_tokens": input,
  "gen_ai.usage.output_tokens": output,
  ...more,
});

function anyValue(value: unknown): unknown {
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map(anyValue) } };
  }
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value !== "number") return { stringValue: value };
  return Number.isInteger(value)
    ? { intValue: String(value) }
    : { doubleValue: Number.isFinite(value) ? value : String(value) };
}
