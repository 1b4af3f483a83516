import { parseMediaType } from "@std/media_types/parse_media_type.js";

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
