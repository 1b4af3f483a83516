import {
  isExactObject,
  isObject,
  type JsonObject,
  parseExactJson,
  toCanonicalJson,
} from "../http/json.ts";
import { deriveId, readUuid } from "../ingest/ids.ts";
import { type RawEvent, readEvents } from "../ingest/read-events.ts";
import type { Issue } from "../issue.ts";
import type { LogEvent } from "../logs/log.ts";
import { toHex } from "../tlog/encoding.ts";
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
  isAcceptableMetadata,
  omitNullish,
  OPTIONAL_REFERENCES,
  rejectPayload,
  requireFirm,
  setMember,
  startDraft,
} from "./drafts.ts";
import { findFirst } from "./payload.ts";

/** A trigger's operation → the action of the event. */
const ACTIONS: Record<string, string> = {
  INSERT: "insert",
  UPDATE: "update",
  DELETE: "delete",
};

/**
 * Supabase Database Webhooks (`{type, table, schema, record, old_record,
 * user_id?}`) as audit events: `insert`, `update` or `delete` of an entity whose
 * type is the table (`schema.table` outside of public) and whose id is the
 * column `id`. Of the content, only the *names* of changed columns are recorded. An
 * outbox may send an array of such payloads.
 *
 * The firm is the record's `firm_id` (for a row of `public.firms` its `id`), else
 * the URL's. The user is the payload's `user_id`, else the URL's.
 *
 * The wire format has no id, so the id is derived from a hash of the payload's
 * canonical JSON, with all numbers digit for digit. A repeated delivery is thus a
 * duplicate; but so are two changes with equal content, such as a column that is
 * toggled, unless the row has a column that changes each time (`updated_at`, a
 * version). The id also confirms a guess of the whole row.
 *
 * @throws {ProblemError} for an unreadable body.
 */
export async function adaptDatabaseWebhook(
  delivery: Delivery,
): Promise<AdaptedDelivery> {
  const urlDefaults = readUrlDefaults(delivery.query, "audit");
  const { batch, events, texts } = readEvents(delivery.text, "json", true);
  const exact = texts === undefined
    ? splitExact(parseExactJson(delivery.text))
    : texts.map((text, index) => isRead(events[index]) && parseExactJson(text));
  const adapted = events.map(({ value, issues }, index) =>
    adaptPayload(value, exact[index], issues, urlDefaults)
  );
  return {
    batch,
    events: await Promise.all(adapted),
    optionalReferences: OPTIONAL_REFERENCES,
  };
}

/** Whether the text of an event is JSON, but for numbers that are not finite. */
function isRead({ issues }: RawEvent): boolean {
  return issues.every(({ code }) => code !== "invalid_json");
}

/** The events of `readEvents`, with exact numbers. */
function splitExact(body: unknown): unknown[] {
  if (Array.isArray(body)) return body;
  const events = isExactObject(body) ? body.events : undefined;
  return Array.isArray(events) ? events : [body];
}

async function adaptPayload(
  payload: unknown,
  exact: unknown,
  textIssues: Issue[],
  urlDefaults: LogEvent,
): Promise<AdaptedEvent> {
  if (!isObject(payload) || !isExactObject(exact)) {
    const wanted = "Expected an object, the payload of a Database Webhook";
    return rejectPayload(textIssues, wanted);
  }
  const draft = startDraft(urlDefaults);
  const hash = await hashText(toCanonicalJson(exact));
  draft.event.id = await deriveId("database", hash);
  readAction(payload, draft);
  readEntity(payload, draft);
  readReferences(payload, draft);
  draft.event.metadata = omitNullish({
    source: "database_webhook",
    actor_id: readUuid(draft.event.user_id),
    ...describeRow(exact),
    ...describeChanges(exact.old_record, exact.record),
  });
  return finishDraft(draft, textIssues);
}

function readAction(payload: JsonObject, draft: EventDraft): void {
  const type = typeof payload.type === "string" ? payload.type : "";
  if (Object.hasOwn(ACTIONS, type)) {
    setMember(draft, "action", ACTIONS[type], "/type");
  } else {
    const detail = `Expected ${Object.keys(ACTIONS).join(", ")}`;
    addIssue(draft, "/type", "invalid_value", detail);
  }
  const row = type === "DELETE" ? "old_record" : "record";
  if (isObject(payload[row])) return;
  const detail = "Expected the row as an object";
  addIssue(draft, `/${row}`, "required", detail);
}

function readEntity(payload: JsonObject, draft: EventDraft): void {
  for (const member of ["schema", "table"]) {
    if (typeof payload[member] === "string" && payload[member] !== "") continue;
    const detail = "Expected the name that the trigger reports";
    addIssue(draft, `/${member}`, "required", detail);
  }
  const { schema, table } = payload;
  const name = schema === "public" ? table : `${schema}.${table}`;
  setMember(draft, "entity_type", name, "/table");
  const id = findFirst(payload, ["/record/id", "/old_record/id"]);
  const uuid = readUuid(id?.value);
  if (uuid !== null) setMember(draft, "entity_id", uuid, id!.pointer);
}

function readReferences(payload: JsonObject, draft: EventDraft): void {
  const isFirm = payload.schema === "public" && payload.table === "firms";
  const column = isFirm ? "id" : "firm_id";
  const firm = findFirst(payload, [
    `/record/${column}`,
    `/old_record/${column}`,
  ]);
  if (firm !== null) setMember(draft, "firm_id", firm.value, firm.pointer);
  requireFirm(draft, `/record/${column}`, `give the table a column ${column}`);
  const user = readUuid(payload.user_id);
  if (user !== null) setMember(draft, "user_id", user, "/user_id");
}

/** An integer id is recorded as a reference; any other may be personal data. */
function describeRow(exact: JsonObject): JsonObject {
  const id = findFirst(exact, ["/record/id", "/old_record/id"]);
  if (id === null || readUuid(id.value) !== null) return {};
  const digits = toCanonicalJson(id.value);
  const isReference = /^-?\d{1,19}$/.test(digits) &&
    isAcceptableMetadata({ record_id: digits });
  return isReference ? { record_id: digits } : {};
}

async function hashText(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Most bytes of listed names, quotes and commas included. */
const MAX_NAMES_BYTES = 6 * 1024;

/**
 * The columns that an UPDATE changed, from the row before and after with exact
 * numbers: `{changed_columns, changed_column_count}`; {} for INSERT and DELETE.
 *
 * The names are *values* in a list, because keys of audit metadata must not name
 * money or credentials, which `amount` and `salary` do. Names that audit metadata
 * rejects for their content, and names beyond a size limit, are only counted in
 * `unlisted_column_count`.
 */
function describeChanges(before: unknown, after: unknown): JsonObject {
  if (!isExactObject(before) || !isExactObject(after)) return {};
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => isChanged(before, after, name))
    .sort();
  const listed = keepListable(changed);
  const unlisted = changed.length - listed.length;
  return {
    changed_columns: listed,
    changed_column_count: changed.length,
    ...unlisted > 0 && { unlisted_column_count: unlisted },
  };
}

function isChanged(
  before: JsonObject,
  after: JsonObject,
  name: string,
): boolean {
  if (!Object.hasOwn(before, name) || !Object.hasOwn(after, name)) return true;
  return toCanonicalJson(before[name]) !== toCanonicalJson(after[name]);
}

function keepListable(names: readonly string[]): string[] {
  let bytes = 0;
  return names.filter((name) => {
    // A row may have more names than may be inspected.
    if (bytes > MAX_NAMES_BYTES) return false;
    if (!isAcceptableMetadata({ changed_columns: [name] })) return false;
    bytes += new TextEncoder().encode(JSON.stringify(name)).length + 1;
    return bytes <= MAX_NAMES_BYTES;
  });
}
