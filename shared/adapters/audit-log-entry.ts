import type { Fault } from "../fault.ts";
import type { LogEvent } from "../logs/log.ts";
import type { AdaptedEvent } from "./adapter.ts";
import {
  keepKnown,
  readAddress,
  readKind,
  requireFirm,
} from "./audit-draft.ts";
import {
  addFault,
  type Draft,
  finishDraft,
  setMember,
  startDraft,
} from "./draft.ts";
import { readUuid } from "./event-identity.ts";
import { findFirst, readPointer } from "./payload.ts";

/** Traits that are references; others name people or repeat the entry. */
const REFERENCES = ["user_id", "factor_id", "challenge_id", "identity_id"];

/** Traits that name a kind of thing. */
const KINDS = ["provider", "factor_type", "factor_status"];

/**
 * A row of `auth.audit_log_entries` as an audit event with the row's own id:
 * `payload.action` is the action and `payload.log_type` the type of the entity,
 * one to one. The entity is the factor of an entry about a factor, else the user
 * that the entry is about, else the actor. The actor's name and address are not
 * taken over. An entry knows no firm, so the URL must say it.
 *
 * `base` is where the row stands in the payload: "" or "/record".
 * Source: supabase/auth, internal/models/audit_log_entry.go.
 */
export function adaptAuditLogEntry(
  payload: unknown,
  base: string,
  textFaults: Fault[],
  said: LogEvent,
): AdaptedEvent {
  const draft = startDraft(said);
  readRow(payload, base, draft);
  const entry = `${base}/payload`;
  readNames(payload, entry, draft);
  readPeople(payload, entry, draft);
  requireFirm(draft, base, "an entry of Auth's log knows no firm");
  const traits = (
    names: readonly string[],
    read: (value: unknown) => unknown,
  ) =>
    Object.fromEntries(
      names.map((
        name,
      ) => [name, read(readPointer(payload, `${entry}/traits/${name}`))]),
    );
  draft.event.metadata = keepKnown({
    source: "auth_audit_log",
    actor_id: readUuid(readPointer(payload, `${entry}/actor_id`)),
    actor_via_sso: readPointer(payload, `${entry}/actor_via_sso`) === true
      ? true
      : undefined,
    ...traits(REFERENCES, readUuid),
    ...traits(KINDS, readKind),
  });
  return finishDraft(draft, textFaults);
}

function readRow(payload: unknown, base: string, draft: Draft): void {
  const id = readUuid(readPointer(payload, `${base}/id`));
  if (id !== null) setMember(draft, "id", id, `${base}/id`);
  else addFault(draft, `${base}/id`, "required", "Expected the entry's UUID");
  const time = findFirst(payload, [`${base}/created_at`]);
  if (time !== null) {
    setMember(draft, "created_at", time.value, time.pointer);
  }
  const address = readAddress(readPointer(payload, `${base}/ip_address`));
  if (address !== undefined) {
    setMember(draft, "ip_address", address, `${base}/ip_address`);
  }
}

function readNames(payload: unknown, entry: string, draft: Draft): void {
  const names = { action: "action", log_type: "entity_type" };
  for (const [name, member] of Object.entries(names)) {
    const found = findFirst(payload, [`${entry}/${name}`]);
    if (found !== null) setMember(draft, member, found.value, found.pointer);
    else addFault(draft, `${entry}/${name}`, "required", "Is required");
  }
}

function readPeople(payload: unknown, entry: string, draft: Draft): void {
  const actor = readUuid(readPointer(payload, `${entry}/actor_id`));
  if (actor !== null) setMember(draft, "user_id", actor, `${entry}/actor_id`);
  const places = draft.event.entity_type === "factor"
    ? ["traits/factor_id", "traits/user_id", "actor_id"]
    : ["traits/user_id", "actor_id"];
  for (const place of places) {
    const id = readUuid(readPointer(payload, `${entry}/${place}`));
    if (id === null) continue;
    setMember(draft, "entity_id", id, `${entry}/${place}`);
    return;
  }
}
