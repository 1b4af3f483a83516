import { parseMediaType } from "@std/media_types/parse_media_type.js";
import type { LedgerSettings } from "./attributes.ts";
import { decodeJson } from "./decode-json.ts";
import { decodeProtobuf } from "./decode-protobuf.ts";
import { type ModelCallEvent, readModelCall } from "./model-calls.ts";
import { selectLeafCalls } from "./select-leaf-calls.ts";
import { OtlpDecodeError, type Rejection, type Span } from "./span.ts";
import { readToolUse, type SpanToolUse } from "./tool-uses.ts";

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
type TraceFault = { status: 400 | 413; message: string };

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

/** The two encodings of OTLP/HTTP. */
export type OtlpEncoding = "json" | "protobuf";

/** The media types of the encodings; an answer has the one of its request. */
export const MEDIA_TYPES: Record<OtlpEncoding, string> = {
  json: "application/json",
  protobuf: "application/x-protobuf",
};

/**
 * The encoding that a Content-Type names, or null for any other. JSON is UTF-8
 * (RFC 8259 §8.1), so that another charset is another media type.
 */
export function readOtlpEncoding(
  contentType: string | null,
): OtlpEncoding | null {
  if (!contentType) return null;
  try {
    const [type, parameters] = parseMediaType(contentType);
    if (type === MEDIA_TYPES.protobuf || type === "application/protobuf") {
      return "protobuf";
    }
    const charset = parameters?.charset?.toLowerCase() ?? "utf-8";
    return type === MEDIA_TYPES.json && charset === "utf-8" ? "json" : null;
  } catch {
    return null;
  }
}
