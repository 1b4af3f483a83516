import { isObject, type JsonObject } from "../http/json.ts";
import { deriveId, readUuid } from "../ingest/ids.ts";
import { readEvents } from "../ingest/read-events.ts";
import type { Issue } from "../issue.ts";
import type { LogEvent } from "../logs/log.ts";
import {
  type AdaptedDelivery,
  type AdaptedEvent,
  type Delivery,
  readUrlDefaults,
} from "./adapter.ts";
import {
  addIssue,
  type EventDraft,
  finishDraft,
  omitNullish,
  OPTIONAL_REFERENCES,
  readAddress,
  readKind,
  rejectPayload,
  requireFirm,
  setMember,
  startDraft,
} from "./drafts.ts";
import { findFirst, readPointer } from "./payload.ts";

/**
 * Supabase Auth's payloads as audit events: an Auth hook, or rows of
 * `auth.audit_log_entries`, bare or as a Database Webhook sends them, one or an
 * array. A refreshed token gives no event: see `adaptAuthHook`.
 *
 * @throws {ProblemError} when the body as a whole cannot be read.
 */
export async function adaptAuth(delivery: Delivery): Promise<AdaptedDelivery> {
  const urlDefaults = readUrlDefaults(delivery.query, "audit");
  const { batch, events } = readEvents(delivery.text, "json", true);
  const adapted = await Promise.all(
    events.map(({ value, issues }) => adaptPayload(value, issues, urlDefaults)),
  );
  return {
    batch,
    events: adapted.filter((event) => event !== null),
    optionalReferences: OPTIONAL_REFERENCES,
  };
}

async function adaptPayload(
  payload: unknown,
  issues: Issue[],
  urlDefaults: LogEvent,
): Promise<AdaptedEvent | null> {
  const wanted =
    "Expected the payload of an Auth hook, or a row of auth.audit_log_entries";
  if (!isObject(payload)) return rejectPayload(issues, wanted);
  if (isObject(payload.payload)) {
    return adaptAuditLogEntry(payload, "", issues, urlDefaults);
  }
  if (payload.table === undefined) {
    return await adaptAuthHook(payload, issues, urlDefaults);
  }
  const isEntry = payload.schema === "auth" &&
    payload.table === "audit_log_entries" && payload.type === "INSERT";
  return isEntry && isObject(payload.record)
    ? adaptAuditLogEntry(payload, "/record", issues, urlDefaults)
    : rejectPayload(
      issues,
      "Expected an INSERT into auth.audit_log_entries; send other tables to /webhooks/database",
    );
}

/**
 * Whether a body is the payload of an Auth hook, which expects its own answer, and
 * not rows of `auth.audit_log_entries`. An unknown body counts as a hook, because a
 * login may wait for the answer.
 */
export function isAuthHook(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return !Array.isArray(value) &&
      !(isObject(value) && ("table" in value || isObject(value.payload)));
  } catch {
    return true;
  }
}

/** Hooks that report a user's action, by their name on the wire. */
const AUDITED_HOOKS = new Set([
  "before-user-created",
  "after-user-created",
  "customize-access-token",
  "mfa-verification",
  "password-verification",
]);

/** Hooks that deliver messages. Their payloads hold passcodes. */
const MESSAGE_HOOKS = new Set(["send-email", "send-sms"]);

/** Sessions refresh their token about hourly, which is not an action of the user. */
const TOKEN_REFRESH = "token_refresh";

const FIRM_POINTERS = [
  "/user/app_metadata/firm_id",
  "/claims/app_metadata/firm_id",
];

/**
 * The payload of a Supabase Auth hook as an audit event; null for a refreshed token,
 * which is not an action of the user.
 *
 * The action is the hook's name with underscores, the entity is the affected user.
 * `user_id` is set for actions of existing users, not while the account is being
 * created. The firm is `app_metadata.firm_id`, else the URL's; never `user_metadata`,
 * which users can write. Email addresses, phone numbers, names, passcodes and claims
 * are not recorded.
 *
 * The id is derived from `metadata.uuid`, which is stable across Auth's retries, as
 * `webhook-id` is not. Source: supabase/auth, internal/hooks/v0hooks.
 */
async function adaptAuthHook(
  payload: JsonObject,
  textIssues: Issue[],
  urlDefaults: LogEvent,
): Promise<AdaptedEvent | null> {
  if (payload.authentication_method === TOKEN_REFRESH) return null;
  const draft = startDraft(urlDefaults);
  readHook(payload, draft);
  await readMetadata(payload, draft);
  readUser(payload, draft);
  const firm = findFirst(payload, FIRM_POINTERS);
  if (firm !== null) setMember(draft, "firm_id", firm.value, firm.pointer);
  requireFirm(draft, FIRM_POINTERS[0], "set app_metadata.firm_id of the user");
  draft.event.metadata = omitNullish({
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
  return finishDraft(draft, textIssues);
}

function readHook(payload: JsonObject, draft: EventDraft): void {
  const pointer = "/metadata/name";
  const name = readPointer(payload, pointer);
  if (typeof name === "string" && AUDITED_HOOKS.has(name)) {
    setMember(draft, "action", name.replaceAll("-", "_"), pointer);
    return;
  }
  const isMessageHook = typeof name === "string" && MESSAGE_HOOKS.has(name);
  const detail = isMessageHook
    ? "This hook delivers messages and is not an audit source; point it to a function that sends them"
    : `Expected the name of a hook: ${[...AUDITED_HOOKS].join(", ")}`;
  addIssue(draft, pointer, "not_an_audit_source", detail);
}

async function readMetadata(
  payload: JsonObject,
  draft: EventDraft,
): Promise<void> {
  const uuid = readUuid(readPointer(payload, "/metadata/uuid"));
  if (uuid === null) {
    const detail =
      "Expected the UUID that Auth gives an invocation; update Auth if it sends none";
    addIssue(draft, "/metadata/uuid", "required", detail);
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

function readUser(payload: JsonObject, draft: EventDraft): void {
  draft.event.entity_type = "user";
  // `user` is an account that is being created, `user_id` an existing one.
  const actor = findFirst(payload, ["/user_id"]);
  const user = actor ?? findFirst(payload, ["/user/id"]);
  const id = readUuid(user?.value);
  if (user === null || id === null) return;
  setMember(draft, "entity_id", id, user.pointer);
  if (actor !== null) setMember(draft, "user_id", id, actor.pointer);
}

/** Traits that are references; other traits name people or repeat the entry. */
const REFERENCES = ["user_id", "factor_id", "challenge_id", "identity_id"];

/** Traits that are labels, such as `email`. */
const KINDS = ["provider", "factor_type", "factor_status"];

/**
 * A row of `auth.audit_log_entries` as an audit event with the row's id:
 * `payload.action` is the action, `payload.log_type` the type of the entity. The
 * entity is the factor of an entry about a factor, else the affected user, else the
 * actor. The actor's name and address are not recorded. An entry has no firm, so the
 * URL must set it.
 *
 * `base` is the row's JSON Pointer in the payload: "" or "/record".
 * Source: supabase/auth, internal/models/audit_log_entry.go.
 */
function adaptAuditLogEntry(
  payload: unknown,
  base: string,
  textIssues: Issue[],
  urlDefaults: LogEvent,
): AdaptedEvent {
  const draft = startDraft(urlDefaults);
  readRow(payload, base, draft);
  const entry = `${base}/payload`;
  readLabels(payload, entry, draft);
  readActorAndEntity(payload, entry, draft);
  requireFirm(draft, base, "an entry of Auth's log has no firm");
  const traits = (
    names: readonly string[],
    read: (value: unknown) => unknown,
  ) =>
    Object.fromEntries(
      names.map((
        name,
      ) => [name, read(readPointer(payload, `${entry}/traits/${name}`))]),
    );
  draft.event.metadata = omitNullish({
    source: "auth_audit_log",
    actor_id: readUuid(readPointer(payload, `${entry}/actor_id`)),
    actor_via_sso: readPointer(payload, `${entry}/actor_via_sso`) === true
      ? true
      : undefined,
    ...traits(REFERENCES, readUuid),
    ...traits(KINDS, readKind),
  });
  return finishDraft(draft, textIssues);
}

function readRow(payload: unknown, base: string, draft: EventDraft): void {
  const id = readUuid(readPointer(payload, `${base}/id`));
  if (id !== null) setMember(draft, "id", id, `${base}/id`);
  else addIssue(draft, `${base}/id`, "required", "Expected the entry's UUID");
  const time = findFirst(payload, [`${base}/created_at`]);
  if (time !== null) {
    setMember(draft, "created_at", time.value, time.pointer);
  }
  const address = readAddress(readPointer(payload, `${base}/ip_address`));
  if (address !== undefined) {
    setMember(draft, "ip_address", address, `${base}/ip_address`);
  }
}

function readLabels(payload: unknown, entry: string, draft: EventDraft): void {
  const names = { action: "action", log_type: "entity_type" };
  for (const [name, member] of Object.entries(names)) {
    const found = findFirst(payload, [`${entry}/${name}`]);
    if (found !== null) setMember(draft, member, found.value, found.pointer);
    else addIssue(draft, `${entry}/${name}`, "required", "Is required");
  }
}

function readActorAndEntity(
  payload: unknown,
  entry: string,
  draft: EventDraft,
): void {
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
