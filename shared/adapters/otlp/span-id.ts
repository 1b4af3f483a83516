import { generate } from "@std/uuid/v5.js";
import type { Span } from "./span.ts";

/** Namespace of the ids made from spans; never changes. */
const NAMESPACE = "b0b1c1f4-55e7-4b0a-9c0e-6f7f2a3c8d15";

/**
 * The id of the row that a span becomes: a UUIDv5 (RFC 9562 §5.5) of the log,
 * the trace and the span, so that an export that is sent again adds nothing.
 */
export function spanEventId(
  log: "llm-usage" | "tool-usage",
  { traceId, spanId }: Pick<Span, "traceId" | "spanId">,
): Promise<string> {
  const name = [log, traceId, spanId].join("\n");
  return generate(NAMESPACE, new TextEncoder().encode(name));
}
