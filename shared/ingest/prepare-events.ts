import type { Caller } from "../db/call-function.ts";
import { scopeFor } from "../http/access.ts";
import { isObject } from "../http/json.ts";
import type { Issue } from "../issue.ts";
import { MAX_FAULTS } from "../limits.ts";
import { uuid } from "../logs/fields.ts";
import type { Derived, Log, LogEvent } from "../logs/log.ts";
import { compileEvent, validateEvent } from "../logs/validate-event.ts";
import { eventId, isDerivedId, ownerOf, ownEventId } from "./ids.ts";
import type { RawEvent } from "./read-events.ts";

/** An event of a request body or an adapter, not validated yet. */
export type IncomingEvent = RawEvent & {
  /**
   * Whether the event may have the members that only adapters set. Must be false where
   * the sender chooses the names of members.
   */
  adapterMembers?: boolean;
};

/** Members that only adapters of model calls set → their columns. */
const ADAPTER_COLUMNS: Record<string, string> = {
  reported_cost_usd: "cost_usd_exact",
  token_convention: "token_convention",
  convention_basis: "convention_basis",
  other_units: "other_units",
  unread_members: "unread_members",
};

/** A valid event ready to write, or the issues of an invalid one. */
export type PreparedEvent =
  & {
    index: number;
    /** Optional references that were omitted. */
    dropped: readonly string[];
  }
  & (
    | { id: string; event: LogEvent; issues: [] }
    | { id: string | null; event: null; issues: Issue[] }
  );

/** The part of a request that applies to all of its events. */
export type EventSource = {
  caller: Caller;
  idempotencyKey: string | null;
  /** The IP address of the client, where it is known. */
  address: string | null;
  /**
   * Members that are omitted when they are malformed, or refer to a row that does not
   * exist or belongs to another firm: losing the event would be worse.
   */
  optionalReferences?: readonly string[];
};

/**
 * Validates every event and completes it with an id, the columns that the log derives
 * and the columns that the server sets. These are members of `stamped`: they are
 * stored, but not compared when the event is sent again. An event without any has no
 * `stamped`.
 */
export async function prepareEvents(
  log: Log,
  events: readonly IncomingEvent[],
  source: EventSource,
): Promise<PreparedEvent[]> {
  const prepared = events.map((event, index) =>
    prepareEvent(log, event, index, source)
  );
  return prepared.every(isReady) ? prepared : await Promise.all(prepared);
}

/** Returns a promise only where a step needs one: there may be a thousand events. */
function prepareEvent(
  log: Log,
  incoming: IncomingEvent,
  index: number,
  source: EventSource,
): PreparedEvent | Promise<PreparedEvent> {
  const { caller, optionalReferences } = source;
  const { value, columns } = separateAdapterMembers(
    applyScope(log, incoming, caller),
  );
  const { issues: textIssues } = incoming;
  let result = validate(log, { value, issues: textIssues }, caller);
  // Omitted only where these are the only issues.
  const dropped = findOptionalReferences(result.issues, optionalReferences);
  if (dropped.length > 0) {
    const rest = omitMembers(value as LogEvent, dropped);
    result = validate(log, { value: rest, issues: textIssues }, caller);
  }
  const { event, issues } = result;
  if (event === null) {
    return { index, id: readSentId(value), event, issues, dropped };
  }
  const id = rowId(log, event.id, index, source);
  const derived = log.derive?.(event) ?? NOTHING_DERIVED;
  const serverColumns = { ...stampAddress(log, source), ...columns };
  const valid = { index, event, dropped, serverColumns };
  return isReady(id) && isReady(derived)
    ? complete(valid, id, derived)
    : Promise.all([id, derived]).then(([id, derived]) =>
      complete(valid, id, derived)
    );
}

/** The event with the scope of a producer key, which takes precedence over its members. */
function applyScope(
  log: Log,
  incoming: IncomingEvent,
  caller: Caller,
): IncomingEvent {
  if (caller.kind !== "producer" || !isObject(incoming.value)) return incoming;
  const scope = scopeFor(caller, log.event);
  return { ...incoming, value: { ...incoming.value, ...scope } };
}

/** The id of an event's row. */
function rowId(
  log: Log,
  sent: unknown,
  index: number,
  { caller, idempotencyKey }: EventSource,
): string | Promise<string> {
  if (typeof sent !== "string") {
    return eventId(idempotencyKey, { log: log.table, caller }, index);
  }
  const owner = ownerOf(caller);
  // Only a derived id can be foreseen by those who know the name that it is made of.
  const isCommon = owner === null ||
    (caller.kind === "producer" && !isDerivedId(sent));
  return isCommon ? sent : ownEventId(log.table, owner, sent);
}

const NOTHING_DERIVED: Derived = { stamped: {} };

function isReady<Value>(value: Value | Promise<Value>): value is Value {
  return !(value instanceof Promise);
}

function validate(
  log: Log,
  { value, issues }: RawEvent,
  caller: Caller,
): ReturnType<typeof validateEvent> {
  // A body has room for hundreds of thousands of duplicate keys.
  if (issues.length > 0) {
    return { event: null, issues: issues.slice(0, MAX_FAULTS) };
  }
  const { schema, quick } = compileEvent(
    caller.kind === "user" ? log.userWrites!.event : log.event,
  );
  return validateEvent(schema, value, quick);
}

/**
 * Separates the members that the log's schema validates from the columns that an
 * adapter set. Those are stored, but not compared when the event is sent again,
 * because a later version of the adapter may derive them differently.
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

/** The optional references with issues, when an event has no other issue. */
export function findOptionalReferences(
  issues: readonly Issue[],
  optionalReferences: readonly string[] = NONE,
): readonly string[] {
  if (issues.length === 0 || optionalReferences.length === 0) return NONE;
  const members = issues.map(({ pointer }) => pointer.slice(1));
  return members.every((member) => optionalReferences.includes(member))
    ? members
    : NONE;
}

/** A copy of an event without `members`. */
export function omitMembers(
  event: LogEvent,
  members: readonly string[],
): LogEvent {
  const kept = Object.entries(event)
    .filter(([member]) => !members.includes(member));
  return Object.fromEntries(kept);
}

/** A valid event, and the columns that the server or an adapter sets. */
type ValidEvent = {
  index: number;
  event: LogEvent;
  dropped: readonly string[];
  serverColumns: LogEvent;
};

function complete(
  { index, event, dropped, serverColumns }: ValidEvent,
  id: string,
  derived: Derived,
): PreparedEvent {
  if ("issues" in derived) {
    return { index, id, event: null, issues: derived.issues, dropped };
  }
  const completed: LogEvent = { ...event, id };
  const stamped = { ...derived.stamped, ...serverColumns };
  if (Object.keys(stamped).length > 0) completed.stamped = stamped;
  return { index, id, event: completed, issues: [], dropped };
}

const ID = uuid();

/** The id of an invalid event, or null unless it is a UUID. */
function readSentId(value: unknown): string | null {
  const { id } = Object(value) as { id?: unknown };
  return ID.safeParse(id).data ?? null;
}

function stampAddress(log: Log, { caller, address }: EventSource): LogEvent {
  const column = log.userWrites?.addressColumn;
  if (caller.kind !== "user" || !column || address === null) return {};
  return { [column]: address };
}
