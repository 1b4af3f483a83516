import { generate } from "@std/uuid/v5.js";
import type { Caller } from "../db/call-function.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { MAX_IDEMPOTENCY_KEY } from "../limits.ts";

/** Namespace of ids derived from idempotency keys; never changes. */
const IDEMPOTENCY_NAMESPACE = "6f1e3c0a-7d0b-4d1f-9b53-2f1f0f6e7a51";

/**
 * The id of an event without one: with an `Idempotency-Key` a UUIDv5 (RFC 9562 §5.5)
 * of the log, the caller, the key and the event's index, so that a retry is
 * idempotent; without, a random UUID.
 *
 * Idempotency keys are scoped to the user, or to the scope of a producer key. All
 * services share one scope, so that a retry after the rotation of a secret key is still
 * idempotent; so is one after the rotation of a producer key.
 */
export function eventId(
  key: string | null,
  scope: { log: string; caller: Caller },
  index: number,
): Promise<string> | string {
  if (key === null) return crypto.randomUUID();
  const { caller } = scope;
  const owner = caller.kind === "user"
    ? `user:${caller.id}`
    : ownerOf(caller) ?? "service";
  const name = [scope.log, owner, key, index].join("\n");
  return generate(IDEMPOTENCY_NAMESPACE, new TextEncoder().encode(name));
}

/** Namespace of the ids of events with an owner; never changes. */
const OWNER_NAMESPACE = "3c1de0b5-8f0e-4b62-9a65-5d4c0f5a7e11";

/**
 * Whose ids a caller's events have: the user's, or those of the scope of a producer key;
 * null for services and for producer keys without a scope, whose ids are common.
 */
export function ownerOf(caller: Caller): string | null {
  if (caller.kind === "service") return null;
  if (caller.kind === "user") return caller.id;
  const scope = Object.entries(caller.key.scope).toSorted();
  return scope.length === 0 ? null : `scope:${JSON.stringify(scope)}`;
}

/** Whether a UUID is made of a name: of version 3, 5 or 8 (RFC 9562 §4.2). */
export function isDerivedId(uuid: string): boolean {
  return "358".includes(uuid[14]);
}

/**
 * The id of the row of an event to which its owner gave an id: a UUIDv5 (RFC 9562
 * §5.5) of the log, the owner and the id. Users, and producers with derived ids,
 * therefore retry with ids of their own choice, and can neither take an id that another
 * caller will need nor learn which ids others have used.
 */
export function ownEventId(
  log: string,
  owner: string,
  sentId: string,
): Promise<string> {
  const name = [log, owner, sentId].join("\n");
  return generate(OWNER_NAMESPACE, new TextEncoder().encode(name));
}

/**
 * The `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header), or
 * null.
 *
 * @throws {ProblemError} 400 for a key that is empty, too long or not printable.
 */
export function readIdempotencyKey(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (!/^[\x20-\x7e]+$/.test(key) || key.length > MAX_IDEMPOTENCY_KEY) {
    throw new ProblemError(createProblem(
      "invalid_parameter",
      `The Idempotency-Key is malformed; send 1 to ${MAX_IDEMPOTENCY_KEY} printable ASCII characters`,
    ));
  }
  return key;
}

/** Namespace of ids derived from a sender's identifiers; never changes. */
const SENDER_NAMESPACE = "d6a0f1d2-2c0b-4f0e-8c43-9a3f6f0c7b18";

/**
 * The id of a sender's event: a UUIDv5 (RFC 9562 §5.5) of the format and of the parts
 * that identify the event there. The name is JSON, so that different lists of parts
 * have different names.
 */
export function deriveId(format: string, ...parts: string[]): Promise<string> {
  const name = JSON.stringify([format, ...parts]);
  return generate(SENDER_NAMESPACE, new TextEncoder().encode(name));
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NIL = /^[0-]+$/;

/** A UUID in lower case; null for the nil UUID and anything else. */
export function readUuid(value: unknown): string | null {
  return typeof value === "string" && UUID.test(value) && !NIL.test(value)
    ? value.toLowerCase()
    : null;
}

/** Namespace of ids derived from spans; never changes. */
const SPAN_NAMESPACE = "b0b1c1f4-55e7-4b0a-9c0e-6f7f2a3c8d15";

/**
 * The id of a span's row: a UUIDv5 (RFC 9562 §5.5) of the log, the trace and the span,
 * so that exports are idempotent.
 */
export function spanEventId(
  log: "llm-usage" | "tool-usage",
  { traceId, spanId }: { traceId: string; spanId: string },
): Promise<string> {
  const name = [log, traceId, spanId].join("\n");
  return generate(SPAN_NAMESPACE, new TextEncoder().encode(name));
}
