import { generate } from "@std/uuid/v5.js";
import type { Caller } from "../db/caller.ts";
import { MAX_IDEMPOTENCY_KEY } from "../limits.ts";
import { createProblem, ProblemError } from "../http/problem.ts";

/** Namespace of the ids made from idempotency keys; never changes. */
const NAMESPACE = "6f1e3c0a-7d0b-4d1f-9b53-2f1f0f6e7a51";

/**
 * The id of an event that came without one: with an `Idempotency-Key` a UUIDv5
 * (RFC 9562 §5.5) of the log, the caller, the key and the event's index, so that
 * a retry means the same rows; without, a random UUID.
 *
 * A user's keys are her own. All services share theirs, so that a retry after a
 * secret key was rotated still means the same rows.
 */
export function eventId(
  key: string | null,
  scope: { log: string; caller: Caller },
  index: number,
): Promise<string> | string {
  if (key === null) return crypto.randomUUID();
  const caller = scope.caller.kind === "user"
    ? `user:${scope.caller.id}`
    : "service";
  const name = [scope.log, caller, key, index].join("\n");
  return generate(NAMESPACE, new TextEncoder().encode(name));
}

/**
 * The request's `Idempotency-Key`
 * (draft-ietf-httpapi-idempotency-key-header), or null.
 *
 * @throws {ProblemError} 400 for a key that is empty, too long or not printable.
 */
export function readIdempotencyKey(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null) return null;
  if (!/^[\x20-\x7e]+$/.test(key) || key.length > MAX_IDEMPOTENCY_KEY) {
    throw new ProblemError(createProblem(
      "invalid_parameter",
      `Idempotency-Key must be 1 to ${MAX_IDEMPOTENCY_KEY} printable ASCII characters`,
    ));
  }
  return key;
}
