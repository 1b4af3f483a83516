import { uuid } from "../logs/fields.ts";
import { compileEvent } from "../logs/compile-event.ts";
import { validateEvent } from "../logs/validate-event.ts";
import type { Derived, Log, LogEvent } from "../logs/log.ts";
import type { Caller } from "../db/caller.ts";
import { eventId } from "./event-ids.ts";
import type { Fault } from "../fault.ts";
import type { RawEvent } from "./read-events.ts";

/** An event on its way into a log, of its own endpoint's body or of an adapter. */
export type IncomingEvent = RawEvent & {
  /**
   * Columns that an adapter decides. They are stored, and not compared with an
   * event that is sent again, because how they are decided may improve.
   */
  decided?: LogEvent;
};

/** An event that may be written, or the reasons why it may not. */
export type PreparedEvent =
  & {
    index: number;
    /** Optional references that it does without. */
    dropped: readonly string[];
  }
  & (
    | { id: string; event: LogEvent; faults: [] }
    | { id: string | null; event: null; faults: Fault[] }
  );

/** What the request says about all of its events. */
export type EventSource = {
  caller: Caller;
  idempotencyKey: string | null;
  /** The address that the request came from, where it is known. */
  address: string | null;
  /**
   * Members that are left out when they are not references, or refer to a row that
   * does not exist or is another firm's: losing the event would be worse.
   */
  optionalReferences?: readonly string[];
};

/**
 * Validates every event and completes it: an id, the columns that the log derives
 * and those that the server stamps. `stamped` members are stored, but a re-send
 * may differ in them; an event without any has no `stamped`.
 */
export async function prepareEvents(
  log: Log,
  events: readonly IncomingEvent[],
  source: EventSource,
): Promise<PreparedEvent[]> {
  const prepared = events.map((one, index) =>
    prepareEvent(log, one, index, source)
  );
  return prepared.every(isReady) ? prepared : await Promise.all(prepared);
}

/** Returns no promise unless a step needs one: there may be a thousand events. */
function prepareEvent(
  log: Log,
  incoming: IncomingEvent,
  index: number,
  source: EventSource,
): PreparedEvent | Promise<PreparedEvent> {
  const { value } = incoming;
  const { caller, idempotencyKey, optionalReferences } = source;
  let result = validate(log, incoming, caller);
  // References are left out only where nothing else is wrong.
  const dropped = findOptional(result.faults, optionalReferences);
  if (dropped.length > 0) {
    const rest = leaveOut(value as LogEvent, dropped);
    result = validate(log, { ...incoming, value: rest }, caller);
  }
  const { event, faults } = result;
  if (event === null) {
    return { index, id: sentId(value), event, faults, dropped };
  }
  const id = typeof event.id === "string"
    ? event.id
    : eventId(idempotencyKey, { log: log.table, caller }, index);
  const derived = log.derive?.(event) ?? NOTHING;
  const own = { ...stampAddress(log, source), ...incoming.decided };
  const draft = { index, event, dropped, own };
  return isReady(id) && isReady(derived)
    ? complete(draft, id, derived)
    : Promise.all([id, derived]).then(([id, derived]) =>
      complete(draft, id, derived)
    );
}

const NOTHING: Derived = { stamped: {} };

function isReady<Value>(value: Value | Promise<Value>): value is Value {
  return !(value instanceof Promise);
}

function validate(
  log: Log,
  { value, faults }: IncomingEvent,
  caller: Caller,
): ReturnType<typeof validateEvent> {
  if (faults.length > 0) return { event: null, faults };
  const { schema, quick } = compileEvent(
    caller.kind === "service" ? log.event : log.userWrites!.event,
  );
  return validateEvent(schema, value, quick);
}

const NONE: readonly string[] = [];

/** The optional references to leave out, when nothing else is wrong with an event. */
export function findOptional(
  faults: readonly Fault[],
  optionalReferences: readonly string[] = NONE,
): readonly string[] {
  if (faults.length === 0 || optionalReferences.length === 0) return NONE;
  const members = faults.map(({ pointer }) => pointer.slice(1));
  return members.every((member) => optionalReferences.includes(member))
    ? members
    : NONE;
}

/** An event without some members. */
export function leaveOut(
  event: LogEvent,
  members: readonly string[],
): LogEvent {
  const kept = Object.entries(event)
    .filter(([member]) => !members.includes(member));
  return Object.fromEntries(kept);
}

/** A valid event; `own` are the columns that the server or an adapter sets. */
type Draft = {
  index: number;
  event: LogEvent;
  dropped: readonly string[];
  own: LogEvent;
};

function complete(
  { index, event, dropped, own }: Draft,
  id: string,
  derived: Derived,
): PreparedEvent {
  if ("faults" in derived) {
    return { index, id, event: null, faults: derived.faults, dropped };
  }
  const completed: LogEvent = { ...event, id };
  const stamped = { ...derived.stamped, ...own };
  if (Object.keys(stamped).length > 0) completed.stamped = stamped;
  return { index, id, event: completed, faults: [], dropped };
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
