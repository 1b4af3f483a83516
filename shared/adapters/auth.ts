import type { Fault } from "../fault.ts";
import { readEvents } from "../ingest/read-events.ts";
import type { LogEvent } from "../logs/log.ts";
import type { Adapted, AdaptedEvent, Delivery } from "./adapter.ts";
import { OPTIONAL_REFERENCES } from "./audit-draft.ts";
import { adaptAuditLogEntry } from "./audit-log-entry.ts";
import { adaptAuthHook } from "./auth-hook.ts";
import { rejectPayload } from "./draft.ts";
import { isExactObject, parseExactJson } from "./exact-json.ts";
import { isObject } from "./payload.ts";
import { readQueryMembers } from "./query-members.ts";

/**
 * What Supabase Auth says, as audit events: the payload of an Auth hook, or rows
 * of `auth.audit_log_entries`, bare or as a Database Webhook sends them, one or
 * an array. There may be no event at all: see `adaptAuthHook`.
 *
 * @throws {ProblemError} when the body as a whole cannot be read.
 */
export async function adaptAuth(delivery: Delivery): Promise<Adapted> {
  const said = readQueryMembers(delivery.query, "audit");
  const { batch, events } = readEvents(delivery.text, "json");
  const adapted = await Promise.all(
    events.map(({ value, faults }) => adaptPayload(value, faults, said)),
  );
  return {
    batch,
    events: adapted.filter((event) => event !== null),
    optionalReferences: OPTIONAL_REFERENCES,
  };
}

async function adaptPayload(
  payload: unknown,
  faults: Fault[],
  said: LogEvent,
): Promise<AdaptedEvent | null> {
  const wanted =
    "Expected the payload of an Auth hook, or a row of auth.audit_log_entries";
  if (!isObject(payload)) return rejectPayload(faults, wanted);
  if (isObject(payload.payload)) {
    return adaptAuditLogEntry(payload, "", faults, said);
  }
  if (payload.table === undefined) {
    return await adaptAuthHook(payload, faults, said);
  }
  const isEntry = payload.schema === "auth" &&
    payload.table === "audit_log_entries" && payload.type === "INSERT";
  return isEntry && isObject(payload.record)
    ? adaptAuditLogEntry(payload, "/record", faults, said)
    : rejectPayload(
      faults,
      "Expected an INSERT into auth.audit_log_entries; send other tables to /webhooks/database",
    );
}

/**
 * Whether a body is the payload of an Auth hook, which waits for an answer of its
 * own, rather than rows of `auth.audit_log_entries`. A body that is neither is
 * taken for a hook: a login may be waiting for the answer.
 */
export function isAuthHook(text: string): boolean {
  try {
    const value = parseExactJson(text);
    return !Array.isArray(value) &&
      !(isExactObject(value) &&
        ("table" in value || isExactObject(value.payload)));
  } catch {
    return true;
  }
}
