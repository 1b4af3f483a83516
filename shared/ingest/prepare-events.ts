import { uuid } from "../logs/fields.ts";
import { compileEvent, validateEvent } from "../logs/validate-event.ts";
import type { Derived, Log, LogEvent } from "../logs/log.ts";
import type { Caller } from "../db/call-function.ts";
import { eventId } from "./ids.ts";
import type { Issue } from "../issue.ts";
import type { RawEvent } from "./read-events.ts";

/** An event on its way into a log, of its own endpoint's body or of an adapter. */
export type IncomingEvent = RawEvent & {
  /**
   * Whether the event may have the members that only adapters set. Never true where
   * the sender chooses the names of members.
   */
  adapterMembers?: boolean;
};

/** Members that only adapters of model calls set, and their columns. */
const ADAPTER_COLUMNS: Record<string, string> = {
  reported_cost_usd: "cost_usd_exact",
  token_convention: "token_convention",
  convention_basis: "convention_basis",
};

/** An event that may be written, or the reasons why it may not. */
export type PreparedEvent =
  & {
    index: number;
    /** Optional references that it does without. */
    dropped: readonly string[];
  }
  & (
    | { id: string; event: LogEvent; issues: [] }
    | { id: string | null; event: null; issues: Issue[] }
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
  const { caller, idempotencyKey, optionalReferences } = source;
  const { value, columns } = separateAdapterMembers(incoming);
  const { issues: raised } = incoming;
  let result = validate(log, { value, issues: raised }, caller);
  // References are left out only where nothing else is wrong.
  const dropped = findOptional(result.issues, optionalReferences);
  if (dropped.length > 0) {
    const rest = leaveOut(value as LogEvent, dropped);
    result = validate(log, { value: rest, issues: raised }, caller);
  }
  const { event, issues } = result;
  if (event === null) {
    return { index, id: sentId(value), event, issues, dropped };
  }
  const id = typeof event.id === "string"
    ? event.id
    : eventId(idempotencyKey, { log: log.table, caller }, index);
  const derived = log.derive?.(event) ?? NOTHING;
  const own = { ...stampAddress(log, source), ...columns };
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
  { value, issues }: RawEvent,
  caller: Caller,
): ReturnType<typeof validateEvent> {
  if (issues.length > 0) return { event: null, issues };
  const { schema, quick } = compileEvent(
    caller.kind === "service" ? log.event : log.userWrites!.event,
  );
  return validateEvent(schema, value, quick);
}

/**
 * The members that the log's schema checks and a repeated event is compared on, and
 * the columns of the members that an adapter set. These are stored and not compared,
 * because how an adapter derives them may improve.
 */
export function separateAdapterMembers(
  { value, adapterMembers = false }: Omit<IncomingEvent, "issues">,
): { value: unknown; columns: LogEvent } {
  const columns: LogEvent = {};
  if (!adapterMembers) return { value, columns };
  const rest: LogEvent = {};
  for (const [member, content] of Object.entries(value as LogEvent)) {
    if (Object.hasOwn(ADAPTER_COLUMNS, member)) {
      columns[ADAPTER_COLUMNS[member]] = content;
    } else rest[member] = content;
  }
  return { value: rest, columns };
}

const NONE: readonly string[] = [];

/** The optional references to leave out, when nothing else is wrong with an event. */
export function findOptional(
  issues: readonly Issue[],
  optionalReferences: readonly string[] = NONE,
): readonly string[] {
  if (issues.length === 0 || optionalReferences.length === 0) return NONE;
  const members = issues.map(({ pointer }) => pointer.slice(1));
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
  if ("issues" in derived) {
    return { index, id, event: null, issues: derived.issues, dropped };
  }
  const completed: LogEvent = { ...event, id };
  const stamped = { ...derived.stamped, ...own };
  if (Object.keys(stamped).length > 0) completed.stamped = stamped;
  return { index, id, event: completed, issues: [], dropped };
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
