import { decodeJson } from "./decode-json.ts";
import { decodeProtobuf } from "./decode-protobuf.ts";
import type { SpanToolUse } from "./complete-tool-uses.ts";
import type { OtlpEncoding } from "./encoding.ts";
import type { LedgerSettings } from "./ledger-settings.ts";
import { type ModelCallEvent, readModelCall } from "./read-model-call.ts";
import { readToolUse } from "./read-tool-use.ts";
import { selectLeafCalls } from "./select-leaf-calls.ts";
import { OtlpDecodeError, type Rejection, type Span } from "./span.ts";

/** What an export says, before names are looked up and events are validated. */
export type TraceReading = {
  /** Events for llm-usage, with the spans that they come from. */
  modelCalls: { spanId: string; event: ModelCallEvent }[];
  /** Events for tool-usage, to be completed with `completeToolUses`. */
  toolUses: SpanToolUse[];
  rejected: Rejection[];
  /** Spans that are nothing to record, or the same call once more. */
  ignored: number;
};

/** Why an export cannot be read at all, with the HTTP status of the answer. */
export type TraceFault = { status: 400 | 413; message: string };

/**
 * Reads an export of traces (ExportTraceServiceRequest). `bytes` are the body
 * after decompression, `url` what the endpoint's URL sets for all spans. A body
 * without spans reads as nothing to record.
 */
export async function readTraces(
  bytes: Uint8Array,
  encoding: OtlpEncoding,
  url: LedgerSettings = {},
): Promise<TraceReading | { fault: TraceFault }> {
  let decoded;
  try {
    decoded = encoding === "json" ? decodeJson(bytes) : decodeProtobuf(bytes);
  } catch (error) {
    if (!(error instanceof OtlpDecodeError)) throw error;
    return { fault: { status: error.status, message: error.message } };
  }
  const spans: Span[] = [];
  const reading: TraceReading = {
    modelCalls: [],
    toolUses: [],
    rejected: [],
    ignored: 0,
  };
  for (const one of decoded) {
    if ("span" in one) spans.push(one.span);
    else reading.rejected.push(one.rejection);
  }
  const calls = selectLeafCalls(spans);
  reading.ignored = calls.ignored;
  for (const span of calls.modelCalls) {
    const { spanId } = span;
    const read = await readModelCall(span, url);
    if ("reason" in read) reading.rejected.push({ spanId, ...read });
    else reading.modelCalls.push({ spanId, ...read });
  }
  for (const use of calls.toolUses) {
    const { spanId } = use.span;
    const read = await readToolUse(use, url);
    if ("reason" in read) reading.rejected.push({ spanId, ...read });
    else reading.toolUses.push({ spanId, ...read });
  }
  return reading;
}
