import { parseMediaType } from "@std/media_types/parse_media_type.js";
import type { LedgerSettings } from "./attributes.ts";
import { decodeJson } from "./decode-json.ts";
import { decodeProtobuf } from "./decode-protobuf.ts";
import { explainUnrecognized } from "./hints.ts";
import { type ModelCallEvent, readModelCall } from "./model-calls.ts";
import { selectLeafCalls } from "./select-leaf-calls.ts";
import { OtlpDecodeError, type Rejection, type Span } from "./span.ts";
import { readToolUse, type SpanToolUse } from "./tool-uses.ts";

/** The two encodings of OTLP/HTTP. */
export type OtlpEncoding = "json" | "protobuf";

/** The media types of the encodings; an answer has that of its request. */
export const MEDIA_TYPES: Record<OtlpEncoding, string> = {
  json: "application/json",
  protobuf: "application/x-protobuf",
};

/**
 * The encoding of a Content-Type, null for any other. JSON with another charset than
 * UTF-8 is unsupported (RFC 8259 §8.1).
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

/** An export as events, before the look-up of names and validation. */
export type TraceReading = {
  /** Events of llm-usage with their spans. */
  modelCalls: { spanId: string; event: ModelCallEvent }[];
  /** Events of tool-usage, which `completeToolUses` completes. */
  toolUses: SpanToolUse[];
  rejected: Rejection[];
  /** The number of spans that are not calls, or another view of a recorded call. */
  ignored: number;
  /** Why no span was recognized; null if one was. */
  hint: string | null;
};

/** Why an export is unreadable, with the HTTP status of the answer. */
type TraceFault = { status: 400 | 413; message: string };

/**
 * Reads an export of traces (ExportTraceServiceRequest). `bytes` are the body after
 * decompression, `url` the settings of the endpoint's URL. An export may be empty.
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
    hint: null,
  };
  for (const result of decoded) {
    if ("span" in result) spans.push(result.span);
    else reading.rejected.push(result.rejection);
  }
  const calls = selectLeafCalls(spans);
  reading.ignored = calls.ignored;
  if (calls.unrecognized && reading.rejected.length === 0) {
    reading.hint = explainUnrecognized(spans);
  }
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
