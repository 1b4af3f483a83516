import { parseMediaType } from "@std/media_types/parse_media_type.js";
import { addFault, type Draft } from "./draft.ts";
import type { JsonObject } from "./payload.ts";

/** How an HTTP message carries CloudEvents (HTTP binding §3). */
export type ContentMode = "binary" | "structured" | "batched";

/** The content mode, which the Content-Type alone decides (HTTP binding §3). */
export function readMode(headers: Headers): ContentMode {
  const type = (headers.get("content-type") ?? "").trim().toLowerCase();
  if (type.startsWith("application/cloudevents-batch")) return "batched";
  if (type.startsWith("application/cloudevents")) return "structured";
  return "binary";
}

/** Whether a media type's content is JSON (JSON format §3.1). */
export function isJson(mediaType: string): boolean {
  try {
    const [type] = parseMediaType(mediaType);
    return /^(?:application|text)\/json$|\+json$/.test(type);
  } catch {
    return false;
  }
}

/**
 * The context attributes of a message in binary mode: the `ce-` headers. A value
 * may be in double quotes, and characters outside printable ASCII are
 * percent-encoded UTF-8 (HTTP binding §3.1.3.2); invalid UTF-8 stays encoded.
 */
export function readAttributes(headers: Headers): JsonObject {
  const attributes = [...headers]
    .filter(([name]) => name.startsWith("ce-"))
    .map(([name, value]) => [name.slice("ce-".length), decodeValue(value)]);
  return Object.fromEntries(attributes);
}

function decodeValue(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value.trim());
  const plain = quoted === null
    ? value.trim()
    : quoted[1].replace(/\\(.)/gs, "$1");
  try {
    return plain.replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return plain;
  }
}

/** Checks the attributes that every event has (CloudEvents 1.0 §3.1.1). */
export function checkAttributes(
  attributes: JsonObject,
  draft: Draft,
  toPlace: (attribute: string) => string,
): void {
  if (attributes.specversion !== "1.0") {
    const detail = `Expected specversion "1.0"${toPlace("specversion")}`;
    addFault(draft, "/specversion", "invalid_value", detail);
  }
  for (const name of ["id", "source", "type"]) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "") continue;
    const detail = `Is required: text that is not empty${toPlace(name)}`;
    addFault(draft, `/${name}`, "required", detail);
  }
}
