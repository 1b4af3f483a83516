import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Issue } from "../issue.ts";
import { MAX_EXPORT_ERROR_MESSAGE, RETRY_AFTER_SECONDS } from "../limits.ts";
import { ALIASES, LEDGER_NAMES } from "./attributes.ts";
import { MEDIA_TYPES, type OtlpEncoding } from "./receive-traces.ts";
import type { Rejection } from "./span.ts";

/** google.rpc.Code by HTTP status (google/rpc/code.proto). */
const CODES: Record<number, number> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  413: 8,
  415: 3,
  429: 8,
  502: 14,
  503: 14,
  504: 4,
};

/** The statuses that OTLP senders retry; at any other they drop the spans. */
const RETRYABLE = [429, 502, 503, 504];

/** What a sender should know about an export besides the rejected spans. */
export type ExportNotes = {
  /** Recorded spans whose cost is unknown or a floor, with the reason. */
  warnings?: readonly Rejection[];
  /** Why no span was recognized; null if one was. */
  hint?: string | null;
};

/**
 * The answer to an export that was read (OTLP/HTTP, Full and Partial Success):
 * an ExportTraceServiceResponse, empty if all spans were recorded without a warning. The
 * sender does not retry any of the spans. With warnings only, `rejectedSpans` is 0.
 */
export function respondExport(
  encoding: OtlpEncoding,
  rejected: readonly Rejection[],
  notes: ExportNotes = {},
): Response {
  const errorMessage = explainExport(rejected, notes);
  if (errorMessage === "") {
    return respond(
      200,
      encoding,
      encoding === "json" ? "{}" : new Uint8Array(),
    );
  }
  if (encoding === "json") {
    const rejectedSpans = String(rejected.length);
    const partialSuccess = { rejectedSpans, errorMessage };
    return respond(200, encoding, JSON.stringify({ partialSuccess }));
  }
  const message = new BinaryWriter()
    .tag(1, WireType.LengthDelimited).fork()
    .tag(1, WireType.Varint).int64(rejected.length)
    .tag(2, WireType.LengthDelimited).string(errorMessage)
    .join();
  return respond(200, encoding, message.finish());
}

/**
 * The answer to an export that failed as a whole (OTLP/HTTP, Failures): a
 * google.rpc.Status in the encoding of the request, JSON if that is unknown. A server
 * error that OTLP does not retry becomes 503, and so does a body timeout (408),
 * because senders would drop the spans. Retryable answers have `retry-after`.
 */
export function respondFailure(
  encoding: OtlpEncoding | null,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const isServerError = status === 408 || status >= 500;
  const sent = isServerError && !RETRYABLE.includes(status) ? 503 : status;
  const code = CODES[sent] ?? 9;
  const retry: Record<string, string> = RETRYABLE.includes(sent)
    ? { "retry-after": String(RETRY_AFTER_SECONDS) }
    : {};
  const body = encoding === "protobuf"
    ? new BinaryWriter()
      .tag(1, WireType.Varint).int32(code)
      .tag(2, WireType.LengthDelimited).string(message)
      .finish()
    : JSON.stringify({ code, message });
  return respond(sent, encoding ?? "json", body, { ...retry, ...headers });
}

function respond(
  status: number,
  encoding: OtlpEncoding,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    status,
    headers: { ...headers, "content-type": MEDIA_TYPES[encoding] },
  });
}

/** Most spans that are named per reason; the others are counted. */
const MAX_NAMED = 3;

/** The attribute or field of the span that an event's member comes from. */
const ATTRIBUTES: Record<string, string> = {
  ...Object.fromEntries(LEDGER_NAMES.map((name) => [name, `ledger.${name}`])),
  model: ALIASES.model[0],
  provider: ALIASES.provider[0],
  service_tier: ALIASES.serviceTier[0],
  input_tokens: ALIASES.input[0],
  output_tokens: ALIASES.output[0],
  tokens_consumed: ALIASES.total[0],
  reported_cost_usd: ALIASES.cost[0],
  cost_usd: ALIASES.cost[0],
  error_message: "status.message",
  latency_ms: "startTimeUnixNano",
  execution_ms: "startTimeUnixNano",
  created_at: "endTimeUnixNano",
};

/**
 * One text for an export: the rejections, then the warnings, then the hint. Empty if
 * there are none. At most `MAX_EXPORT_ERROR_MESSAGE` characters.
 */
function explainExport(
  rejected: readonly Rejection[],
  { warnings = [], hint = null }: ExportNotes,
): string {
  const both = rejected.length > 0 && warnings.length > 0;
  const limit = both
    ? MAX_EXPORT_ERROR_MESSAGE / 2 - 1
    : MAX_EXPORT_ERROR_MESSAGE;
  return [
    explainRejections(rejected, limit),
    explainSpans("recorded with a warning", warnings, limit),
    hint ?? "",
  ].filter((text) => text !== "").join(" ");
}

/**
 * One text for all rejections: the number of spans, then each reason with its count
 * and some span ids; "" for none. At most `limit` characters; reasons that do not fit
 * are counted.
 */
export function explainRejections(
  rejected: readonly Rejection[],
  limit = MAX_EXPORT_ERROR_MESSAGE,
): string {
  return explainSpans("not recorded", rejected, limit);
}

/** {@linkcode explainRejections} for spans with another outcome. */
function explainSpans(
  event: string,
  list: readonly Rejection[],
  limit: number,
): string {
  if (list.length === 0) return "";
  const byReason = new Map<string, (string | null)[]>();
  for (const { spanId, reason } of list) {
    const spans = byReason.get(reason);
    if (spans === undefined) byReason.set(reason, [spanId]);
    else spans.push(spanId);
  }
  const noun = list.length === 1 ? "span was" : "spans were";
  let text = `${list.length} ${noun} ${event}.`;
  let remaining = byReason.size;
  for (const [reason, spans] of byReason) {
    const sentence = ` ${explainReason(reason, spans)}`;
    if (text.length + sentence.length > limit - 50) break;
    text += sentence;
    remaining--;
  }
  return remaining === 0
    ? text
    : `${text} There are ${remaining} more reasons.`;
}

/** The faults of an event as one reason, with attribute names instead of members. */
export function explainIssues(faults: readonly Issue[]): string {
  return faults.map(({ pointer, detail }) => {
    const [, member = ""] = pointer.split("/");
    const attribute = Object.hasOwn(ATTRIBUTES, member)
      ? ATTRIBUTES[member]
      : member;
    return attribute === "" ? detail : `${attribute}: ${detail}`;
  }).join("; ");
}

function explainReason(reason: string, spans: (string | null)[]): string {
  const named = spans.filter((id) => id !== null).slice(0, MAX_NAMED);
  const more = named.length > 0 && named.length < spans.length ? ", …" : "";
  const ids = named.length === 0 ? "" : ` (${named.join(", ")}${more})`;
  return `${spans.length}×${ids}: ${reason}.`;
}
