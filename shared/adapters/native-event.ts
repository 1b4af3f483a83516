import { type Fault, toPointer } from "../fault.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";
import type { AdaptedEvent } from "./adapter.ts";
import { addFault, type Draft, setMember, startDraft } from "./draft.ts";
import { isObject } from "./payload.ts";

/** A native event inside of an envelope, and what the envelope says of it. */
export type Enveloped = {
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
  said: LogEvent,
): Draft {
  const draft = startDraft(said);
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
  { event, origins, faults }: Draft,
  textFaults: Fault[],
): AdaptedEvent {
  return { event, origins, faults: [...textFaults, ...faults] };
}
