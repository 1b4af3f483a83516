import { generate } from "@std/uuid/v5.js";

/** Namespace of the ids that are derived from what senders say; never changes. */
const NAMESPACE = "d6a0f1d2-2c0b-4f0e-8c43-9a3f6f0c7b18";

/**
 * The id of a sender's event as a UUID: UUIDv5 (RFC 9562 §5.5) of the format and
 * of what identifies the event there. It is written as JSON, so that no two
 * lists of parts run together.
 */
export function deriveId(format: string, ...parts: string[]): Promise<string> {
  const name = JSON.stringify([format, ...parts]);
  return generate(NAMESPACE, new TextEncoder().encode(name));
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NIL = /^[0-]+$/;

/** The UUID in `value` in lower case, or null; the nil UUID names nothing. */
export function readUuid(value: unknown): string | null {
  return typeof value === "string" && UUID.test(value) && !NIL.test(value)
    ? value.toLowerCase()
    : null;
}
