import { isObject } from "../http/json.ts";
import { type Issue, toPointer } from "../issue.ts";
import { ipAddress } from "../logs/fields.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";
import { checkAuditMetadata } from "../redaction/audit-metadata.ts";
import type { AdaptedEvent } from "./adapter.ts";
import { findRelevantIssues } from "./payload.ts";

/** An event under construction; members may be undefined. */
export type EventDraft = Pick<AdaptedEvent, "event" | "origins" | "issues">;

/** A draft with the defaults of the webhook's URL. */
export function startDraft(urlDefaults: LogEvent): EventDraft {
  return { event: { ...urlDefaults }, origins: {}, issues: [] };
}

/** Sets a member and its origin. */
export function setMember(
  draft: EventDraft,
  member: string,
  value: unknown,
  pointer: string,
): void {
  draft.event[member] = value;
  draft.origins[member] = pointer;
}

/** Adds an issue of the payload. */
export function addIssue(
  draft: EventDraft,
  pointer: string,
  code: string,
  detail: string,
): void {
  draft.issues.push({ pointer, code, detail });
}

/**
 * The adapted event of a draft. Issues of the payload's text count if they affect a
 * member that is not in `repaired`.
 */
export function finishDraft(
  draft: EventDraft,
  textIssues: readonly Issue[],
  repaired: readonly string[] = [],
): AdaptedEvent {
  const pointers = Object.entries(draft.origins)
    .filter(([member]) => !repaired.includes(member))
    .map(([, pointer]) => pointer);
  const event = Object.entries(draft.event)
    .filter(([, value]) => value !== undefined);
  return {
    event: Object.fromEntries(event),
    origins: draft.origins,
    issues: [...findRelevantIssues(textIssues, pointers), ...draft.issues],
  };
}

/** Rejects a payload that is not an object of the format. */
export function rejectPayload(
  textIssues: readonly Issue[],
  wanted: string,
): AdaptedEvent {
  const issue = { pointer: "", code: "invalid_type", detail: wanted };
  const issues = textIssues.length > 0 ? [...textIssues] : [issue];
  return { event: {}, origins: {}, issues };
}

/**
 * The user of an audit event is optional, because their row may not exist (yet);
 * `metadata.actor_id` repeats the id.
 */
export const OPTIONAL_REFERENCES = ["user_id"];

const ADDRESS = ipAddress();

/** A valid IPv4 or IPv6 address, else undefined: senders write "" for none. */
export function readAddress(value: unknown): string | undefined {
  return ADDRESS.safeParse(value).data;
}

/**
 * A label (`email`, `sso/saml`, `totp`), else undefined. Names, addresses and phone
 * numbers of people do not match, nor do sentences.
 */
export function readKind(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^[a-z][a-z_./-]{0,63}$/i.test(value)) {
    return undefined;
  }
  return isAcceptableMetadata({ kind: value }) ? value : undefined;
}

/** Whether the audit log accepts this metadata. */
export function isAcceptableMetadata(
  metadata: Record<string, unknown>,
): boolean {
  return checkAuditMetadata(metadata).length === 0;
}

/** An object without its undefined and null members. */
export function omitNullish(
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  const known = Object.entries(metadata)
    .filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(known);
}

/** Adds an issue if the event has no firm; `remedy` says how to set it. */
export function requireFirm(
  draft: EventDraft,
  pointer: string,
  remedy: string,
): void {
  if (draft.event.firm_id !== undefined) return;
  const detail =
    `Is required: ${remedy}, or put ?firm_id=<uuid> into the webhook's URL`;
  addIssue(draft, pointer, "required", detail);
}

/** An envelope around a native event. */
type Envelope = {
  log: LogSlug;
  /** The native event. */
  data: unknown;
  /** The event's JSON Pointer in the payload. */
  pointer: string;
  /** The envelope's time, with its JSON Pointer. */
  time?: { value: unknown; pointer: string };
};

/**
 * Unpacks a native event. Its members take precedence over the envelope's time, and
 * that over the defaults of the webhook's URL. A null member counts as omitted.
 */
export function unpackEvent(
  { log, data, pointer, time }: Envelope,
  urlDefaults: LogEvent,
): EventDraft {
  const draft = startDraft(urlDefaults);
  const { timeColumn } = LOGS_BY_SLUG[log];
  if (time !== undefined) {
    setMember(draft, timeColumn, time.value, time.pointer);
  }
  if (!isObject(data)) {
    const detail = `Expected an event of ${log} as an object`;
    addIssue(draft, pointer, "invalid_type", detail);
    return draft;
  }
  for (const [member, value] of Object.entries(data)) {
    if (value === null) continue;
    setMember(draft, member, value, pointer + toPointer([member]));
  }
  return draft;
}

/** The adapted event of an envelope, of which every issue counts. */
export function finishEnvelope(
  { event, origins, issues }: EventDraft,
  textIssues: Issue[],
): AdaptedEvent {
  return { event, origins, issues: [...textIssues, ...issues] };
}
