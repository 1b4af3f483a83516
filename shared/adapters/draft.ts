import type { Fault } from "../fault.ts";
import type { LogEvent } from "../logs/log.ts";
import type { AdaptedEvent } from "./adapter.ts";
import { findRelevantFaults } from "./payload.ts";

/** An event while it is put together; members may still be undefined. */
export type Draft = Pick<AdaptedEvent, "event" | "origins" | "faults">;

/** A draft that starts with what the webhook's URL says. */
export function startDraft(said: LogEvent): Draft {
  return { event: { ...said }, origins: {}, faults: [] };
}

/** Sets a member and where it came from. */
export function setMember(
  draft: Draft,
  member: string,
  value: unknown,
  pointer: string,
): void {
  draft.event[member] = value;
  draft.origins[member] = pointer;
}

/** Adds a fault of the sender's payload. */
export function addFault(
  draft: Draft,
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
  draft: Draft,
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
