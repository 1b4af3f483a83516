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
import { deriveId, readUuid } from "./event-identity.ts";
import { findFirst, type JsonObject, readPointer } from "./payload.ts";

/** Hooks that report a user's action, by their name on the wire. */
const SOURCES = new Set([
  "before-user-created",
  "after-user-created",
  "customize-access-token",
  "mfa-verification",
  "password-verification",
]);

/** Hooks that ask for a message to be delivered. Their payloads hold passcodes. */
const MESSENGERS = new Set(["send-email", "send-sms"]);

/** A session refreshes its token about every hour, without an action of the user. */
const RENEWAL = "token_refresh";

const FIRM_PLACES = [
  "/user/app_metadata/firm_id",
  "/claims/app_metadata/firm_id",
];

/**
 * The payload of a Supabase Auth hook as an audit event, or null when it tells
 * of nothing that anybody did (a token that a session renewed).
 *
 * The action is the hook's name with underscores, the entity the user it is
 * about. `user_id` is set for what an existing user does, not where the account
 * is only being made. The firm is `app_metadata.firm_id`, else the URL's; never
 * `user_metadata`, which users write themselves. Email addresses, phone numbers,
 * names, passcodes and claims are not taken over.
 *
 * The id is derived from `metadata.uuid`, which stays the same when Auth tries
 * again; `webhook-id` does not. Source: supabase/auth, internal/hooks/v0hooks.
 */
export async function adaptAuthHook(
  payload: JsonObject,
  textFaults: Fault[],
  said: LogEvent,
): Promise<AdaptedEvent | null> {
  if (payload.authentication_method === RENEWAL) return null;
  const draft = startDraft(said);
  readHook(payload, draft);
  await readMetadata(payload, draft);
  readUser(payload, draft);
  const firm = findFirst(payload, FIRM_PLACES);
  if (firm !== null) setMember(draft, "firm_id", firm.value, firm.pointer);
  requireFirm(draft, FIRM_PLACES[0], "set app_metadata.firm_id of the user");
  draft.event.metadata = keepKnown({
    source: "auth_hook",
    actor_id: readUuid(draft.event.user_id),
    valid: typeof payload.valid === "boolean" ? payload.valid : undefined,
    factor_id: readUuid(payload.factor_id),
    factor_type: readKind(payload.factor_type),
    authentication_method: readKind(payload.authentication_method),
    session_id: readUuid(readPointer(payload, "/claims/session_id")),
    provider: readKind(readPointer(payload, "/user/app_metadata/provider")),
    is_anonymous: readPointer(payload, "/user/is_anonymous") === true
      ? true
      : undefined,
  });
  return finishDraft(draft, textFaults);
}

function readHook(payload: JsonObject, draft: Draft): void {
  const pointer = "/metadata/name";
  const name = readPointer(payload, pointer);
  if (typeof name === "string" && SOURCES.has(name)) {
    setMember(draft, "action", name.replaceAll("-", "_"), pointer);
    return;
  }
  const isMessenger = typeof name === "string" && MESSENGERS.has(name);
  const detail = isMessenger
    ? "This hook delivers messages and is not an audit source; point it to a function that sends them"
    : `Expected the name of a hook: ${[...SOURCES].join(", ")}`;
  addFault(draft, pointer, "not_an_audit_source", detail);
}

async function readMetadata(payload: JsonObject, draft: Draft): Promise<void> {
  const uuid = readUuid(readPointer(payload, "/metadata/uuid"));
  if (uuid === null) {
    const detail =
      "Expected the UUID that Auth gives an invocation; update Auth if it sends none";
    addFault(draft, "/metadata/uuid", "required", detail);
  } else {
    const id = await deriveId("auth", uuid);
    setMember(draft, "id", id, "/metadata/uuid");
  }
  const time = findFirst(payload, ["/metadata/time"]);
  if (time !== null) {
    setMember(draft, "created_at", time.value, time.pointer);
  }
  const address = readAddress(readPointer(payload, "/metadata/ip_address"));
  if (address !== undefined) {
    setMember(draft, "ip_address", address, "/metadata/ip_address");
  }
}

function readUser(payload: JsonObject, draft: Draft): void {
  draft.event.entity_type = "user";
  // `user` belongs to an account in the making, `user_id` to one that exists.
  const actor = findFirst(payload, ["/user_id"]);
  const user = actor ?? findFirst(payload, ["/user/id"]);
  const id = readUuid(user?.value);
  if (user === null || id === null) return;
  setMember(draft, "entity_id", id, user.pointer);
  if (actor !== null) setMember(draft, "user_id", id, actor.pointer);
}
