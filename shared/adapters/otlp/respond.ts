import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { RETRY_AFTER_SECONDS } from "../../limits.ts";
import { MEDIA_TYPES, type OtlpEncoding } from "./encoding.ts";
import { explainRejections } from "./explain-rejections.ts";
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

/** The statuses after which an OTLP sender tries again; it gives up at any other. */
const RETRYABLE = [429, 502, 503, 504];

/**
 * The answer to an export that was read (OTLP/HTTP, Full and Partial Success):
 * an ExportTraceServiceResponse, empty when nothing was rejected. The sender
 * does not send any of the spans again.
 */
export function respondExport(
  encoding: OtlpEncoding,
  rejected: readonly Rejection[],
): Response {
  if (rejected.length === 0) {
    return respond(
      200,
      encoding,
      encoding === "json" ? "{}" : new Uint8Array(),
    );
  }
  const errorMessage = explainRejections(rejected);
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
 * google.rpc.Status in the encoding of the request; JSON when that is unknown.
 * An error of the server becomes 503 unless it is one that OTLP has, and so does
 * a body that was too slow, because senders drop the spans at any other. What may
 * be tried again says when.
 */
export function respondFailure(
  encoding: OtlpEncoding | null,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const isOurs = status === 408 || status >= 500;
  const sent = isOurs && !RETRYABLE.includes(status) ? 503 : status;
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
