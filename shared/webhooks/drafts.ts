import * as z from "zod";
import { type Fault, toPointer } from "../fault.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";
import { checkAuditMetadata } from "../redaction/audit-metadata.ts";
import type { AdaptedEvent } from "./adapter.ts";
import { findRelevantFaults, isObject } from "./payload.ts";

/** An event while it is put together; members may still be undefined. */
export type EventDraft = Pick<AdaptedEvent, "event" | "origins" | "faults">;

/** A draft that starts with what the webhook's URL says. */
export function startDraft(urlDefaults: LogEvent): EventDraft {
  return { event: { ...urlDefaults }, origins: {}, faults: [] };
}

/** Sets a member and where it came from. */
export function setMember(
  draft: EventDraft,
  member: string,
  value: unknown,
  pointer: string,
): void {
  draft.event[member] = value;
  draft.origins[member] = pointer;
}

/** Adds a fault of the sender's payload. */
export function addFault(
  draft: EventDraft,
  pointer: string,
  code: string,
  detail: string,
): void {
  draft.faults.push({ pointer, code, detail });
}

/**
 * The adapted event. Of the faults of the payload's text those count that touch
 * a member, except one in `forgiven` members, whose value was mended.
 */
export function finishDraft(
  draft: EventDraft,
  textFaults: readonly Fault[],
  forgiven: readonly string[] = [],
): AdaptedEvent {
  const pointers = Object.entries(draft.origins)
    .filter(([member]) => !forgiven.includes(member))
    .map(([, pointer]) => pointer);
  const event = Object.entries(draft.event)
    .filter(([, value]) => value !== undefined);
  return {
    event: Object.fromEntries(event),
    origins: draft.origins,
    faults: [...findRelevantFaults(textFaults, pointers), ...draft.faults],
  };
}

/** Rejects a payload that is not an object of the format. */
export function rejectPayload(
  textFaults: readonly Fault[],
  wanted: string,
): AdaptedEvent {
  const fault = { pointer: "", code: "invalid_type", detail: wanted };
  const faults = textFaults.length > 0 ? [...textFaults] : [fault];
  return { event: {}, origins: {}, faults };
}

const ADDRESS = z.union([z.ipv4(), z.ipv6()]);

/**
 * An audit event's user, where the format carries it: the row may not exist for
 * the ledger (yet), so `metadata.actor_id` says the same.
 */
export const OPTIONAL_REFERENCES = ["user_id"];

/** A valid IPv4 or IPv6 address, or undefined: senders write "" for none. */
export function readAddress(value: unknown): string | undefined {
  return ADDRESS.safeParse(value).data;
}

/**
 * What names a kind of thing (`email`, `sso/saml`, `totp`), or undefined. Names,
 * addresses and numbers of people do not fit, and neither does a sentence.
 */
export function readKind(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^[a-z][a-z_./-]{0,63}$/i.test(value)) {
    return undefined;
  }
  return isAcceptableMetadata({ kind: value }) ? value : undefined;
}

/** Whether the audit trail takes this metadata. */
export function isAcceptableMetadata(
  metadata: Record<string, unknown>,
): boolean {
  return checkAuditMetadata(metadata).length === 0;
}

/** Metadata without the members that are not known. */
export function omitNullish(
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  const known = Object.entries(metadata)
    .filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(known);
}

/** Requires a firm, which `places` says how to give. */
export function requireFirm(
  draft: EventDraft,
  pointer: string,
  places: string,
): void {
  if (draft.event.firm_id !== undefined) return;
  const detail =
    `Is required: ${places}, or put ?firm_id=<uuid> into the webhook's URL`;
  addFault(draft, pointer, "required", detail);
}

/** A native event inside of an envelope, and what the envelope says of it. */
type Enveloped = {
  log: LogSlug;
  /** The native event. */
  data: unknown;
  /** Where it stands in the payload. */
  pointer: string;
  /** When the envelope says it happened, and where it says so. */
  time?: { value: unknown; pointer: string };
};

/**
 * Unpacks a native event: its members as they are, the envelope's time where it
 * has none of its own, and what the webhook's URL says where it says nothing. A
 * member that is null counts as left out.
 */
export function unpackEvent(
  { log, data, pointer, time }: Enveloped,
  urlDefaults: LogEvent,
): EventDraft {
  const draft = startDraft(urlDefaults);
  const { timeColumn } = LOGS_BY_SLUG[log];
  if (time !== undefined) {
    setMember(draft, timeColumn, time.value, time.pointer);
  }
  if (!isObject(data)) {
    const detail = `Expected an event of ${log} as an object`;
    addFault(draft, pointer, "invalid_type", detail);
    return draft;
  }
  for (const [member, value] of Object.entries(data)) {
    if (value === null) continue;
    setMember(draft, member, value, pointer + toPointer([member]));
  }
  return draft;
}

/** A draft as it is: an envelope's parts are all of interest, faults included. */
export function finishEnvelope(
  { event, origins, faults }: EventDraft,
  textFaults: Fault[],
): AdaptedEvent {
  return { event, origins, faults: [...textFaults, ...faults] };
}
