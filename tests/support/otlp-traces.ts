import { BinaryReader } from "@bufbuild/protobuf/wire";
import { expect } from "vitest";
import { FIRM, type RunningStack } from "./running-stack.ts";
import { spanEventId } from "../../shared/ingest/ids.ts";
import { jsonExport, type JsonSpan, jsonSpan } from "./otlp-exports.ts";

/** Settings in the attributes of a resource. */
export const RESOURCE = {
  "ledger.firm_id": FIRM,
  "ledger.task_type": "extraction",
};

/** A trace id that no other test uses. */
const newTrace = () => crypto.randomUUID().replaceAll("-", "");

/** The attributes of a tool use in the demo world. */
export const toolUse = (more: Record<string, unknown> = {}) => ({
  "gen_ai.operation.name": "execute_tool",
  "gen_ai.tool.name": "web-search",
  "gen_ai.agent.name": "research-agent",
  ...more,
});

/** An export of spans, attributed by their resource. */
export const exportOf = (
  spans: JsonSpan[],
  { resource = RESOURCE, scope }: {
    resource?: Record<string, unknown>;
    scope?: string;
  } = {},
) => jsonExport(spans, { resource, scope });

/** Sends an export as JSON. */
export const send = (
  ledger: RunningStack,
  body: unknown,
  query = "",
) => ledger.post("otlp/v1/traces", body, { query });

/** Makes the spans of one trace: `span(1, attributes)`. */
export function startTrace() {
  const traceId = newTrace();
  return {
    traceId,
    span: (number: number, attributes: Record<string, unknown>, more = {}) =>
      jsonSpan(number, attributes, { traceId, ...more }),
    callId: (number: number) => idOf("llm-usage", traceId, number),
    useId: (number: number) => idOf("tool-usage", traceId, number),
  };
}

const idOf = (
  log: "llm-usage" | "tool-usage",
  traceId: string,
  number: number,
) =>
  spanEventId(log, { traceId, spanId: number.toString(16).padStart(16, "0") });

/** Reads a google.rpc.Status in either encoding. */
export async function readStatus(
  response: Response,
): Promise<{ code: number; message: string }> {
  const type = response.headers.get("content-type");
  if (type === "application/json") return await response.json();
  expect(type).toBe("application/x-protobuf");
  const reader = new BinaryReader(new Uint8Array(await response.arrayBuffer()));
  const status = { code: 0, message: "" };
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    if (field === 1) status.code = reader.int32();
    else if (field === 2) status.message = reader.string();
    else throw new Error(`a Status has no field ${field}`);
  }
  return status;
}
