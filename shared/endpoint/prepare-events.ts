import { uuid } from "../logs/fields.ts";
import { validateEvent } from "../logs/validate-event.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import type { Caller } from "../store/caller.ts";
import { eventId } from "./event-ids.ts";
import type { Fault } from "../fault.ts";
import { createProblem, ProblemError } from "./problem.ts";
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
 * server stamps. `stamped` members are stored, but a re-send may differ in them.
 */
export function prepareEvents(
  log: Log,
  raw: RawEvent[],
  source: EventSource,
): Promise<PreparedEvent[]> {
  const schema = source.caller.kind === "service"
    ? log.event
    : log.userWrites!.event;
  const scope = { log: log.table, caller: source.caller };
  return Promise.all(raw.map(async ({ value, faults }, index) => {
    const valid = faults.length > 0
      ? { event: null, faults }
      : validateEvent(schema, value);
    if (valid.event === null) {
      return { index, id: sentId(value), event: null, faults: valid.faults };
    }
    const id = typeof valid.event.id === "string"
      ? valid.event.id
      : await eventId(source.idempotencyKey, scope, index);
    const derived = await log.derive?.(valid.event) ?? { stamped: {} };
    if ("faults" in derived) {
      return { index, id, event: null, faults: derived.faults };
    }
    const stamped = { ...derived.stamped, ...stampAddress(log, source) };
    return { index, id, event: { ...valid.event, id, stamped }, faults: [] };
  }));
}

/** The id of an event that is rejected for something else, or null. */
function sentId(value: unknown): string | null {
  const { id } = Object(value) as { id?: unknown };
  return uuid().safeParse(id).data ?? null;
}

/** @throws {ProblemError} 403 when this caller may not write this log at all. */
export function requireWriter(log: Log, caller: Caller): void {
  if (log.userWrites === null) requireService(caller, `write ${log.table}`);
}

/** @throws {ProblemError} 403 when the caller is not a service. */
export function requireService(caller: Caller, what: string): void {
  if (caller.kind === "service") return;
  throw new ProblemError(createProblem(
    "not_allowed",
    `Only a service may ${what}: send a secret API key in the apikey header`,
  ));
}

function stampAddress(log: Log, { caller, address }: EventSource): LogEvent {
  const column = log.userWrites?.addressColumn;
  if (caller.kind === "service" || !column || address === null) return {};
  return { [column]: address };
}
