import { uuid } from "../logs/fields.ts";
import { compileEvent } from "../logs/compile-event.ts";
import { validateEvent } from "../logs/validate-event.ts";
import type { Derived, Log, LogEvent } from "../logs/log.ts";
import type { Caller } from "../store/caller.ts";
import { eventId } from "./event-ids.ts";
import type { Fault } from "../fault.ts";
import type { RawEvent } from "./read-events.ts";

/** An event that may be written, or the reasons why it may not. */
export type PreparedEvent =
  | { index: number; id: string; event: LogEvent; faults: [] }
  | { index: number; id: string | null; event: null; faults: Fault[] };

/** What the request says about all of its events. */
export type EventSource = {
  caller: Caller;
  idempotencyKey: string | null;
  /** Where the request came from, as far as it is known. */
  address: string | null;
};

/**
 * Validates every event and completes it: an id, what the log derives, what the
 * server stamps. `stamped` members are stored, but a re-send may differ in them;
 * an event without any has no `stamped`.
 */
export async function prepareEvents(
  log: Log,
  raw: RawEvent[],
  source: EventSource,
): Promise<PreparedEvent[]> {
  const prepared = raw.map((one, index) =>
    prepareEvent(log, one, index, source)
  );
  return prepared.every(isReady) ? prepared : await Promise.all(prepared);
}

/** No promise where nothing has to be waited for: there may be a thousand events. */
function prepareEvent(
  log: Log,
  { value, faults }: RawEvent,
  index: number,
  source: EventSource,
): PreparedEvent | Promise<PreparedEvent> {
  const { caller, idempotencyKey } = source;
  const { schema, quick } = compileEvent(
    caller.kind === "service" ? log.event : log.userWrites!.event,
  );
  const { event, faults: found } = faults.length > 0
    ? { event: null, faults }
    : validateEvent(schema, value, quick);
  if (event === null) {
    return { index, id: sentId(value), event: null, faults: found };
  }
  const id = typeof event.id === "string"
    ? event.id
    : eventId(idempotencyKey, { log: log.table, caller }, index);
  const derived = log.derive?.(event) ?? NOTHING;
  const address = stampAddress(log, source);
  if (isReady(id) && isReady(derived)) {
    return complete(index, id, event, derived, address);
  }
  return Promise.all([id, derived]).then(([id, derived]) =>
    complete(index, id, event, derived, address)
  );
}

const NOTHING: Derived = { stamped: {} };

function isReady<Value>(value: Value | Promise<Value>): value is Value {
  return !(value instanceof Promise);
}

function complete(
  index: number,
  id: string,
  event: LogEvent,
  derived: Derived,
  address: LogEvent,
): PreparedEvent {
  if ("faults" in derived) {
    return { index, id, event: null, faults: derived.faults };
  }
  const completed: LogEvent = { ...event, id };
  const stamped = { ...derived.stamped, ...address };
  if (Object.keys(stamped).length > 0) completed.stamped = stamped;
  return { index, id, event: completed, faults: [] };
}

const ID = uuid();

/** The id of an event that is rejected for something else, or null. */
function sentId(value: unknown): string | null {
  const { id } = Object(value) as { id?: unknown };
  return ID.safeParse(id).data ?? null;
}

function stampAddress(log: Log, { caller, address }: EventSource): LogEvent {
  const column = log.userWrites?.addressColumn;
  if (caller.kind === "service" || !column || address === null) return {};
  return { [column]: address };
}
