import type { Fault } from "../fault.ts";
import { MAX_EVENTS } from "../limits.ts";
import {
  type PreparedEvent,
  prepareEvents,
} from "../endpoint/prepare-events.ts";
import { settle } from "../endpoint/record.ts";
import { type EventResult, rejectEvent } from "../endpoint/results.ts";
import type { LogEvent } from "../logs/log.ts";
import type { Environment } from "../store/environment.ts";
import { type AdaptedEvent, type LogSlug, relocateFaults } from "./adapter.ts";
import { LOGS } from "./logs-by-slug.ts";

/** Whoever is allowed to push writes as a service. */
const SENDER = { kind: "service", keyName: "webhook" } as const;

const SOURCE = { caller: SENDER, idempotencyKey: null, address: null };

/**
 * What adapters decide beyond what an event may say, and the column that keeps
 * it. A delivery that is repeated is not compared on these, because how they are
 * decided may improve.
 */
const DECIDED: Record<string, string> = {
  reported_cost_usd: "cost_usd_exact",
  token_convention: "token_convention",
  convention_basis: "convention_basis",
};

/** A result, and the event that it is of. */
export type AdaptedResult = EventResult & { adapted: AdaptedEvent };

/**
 * Records the events of an adapter through the same validation and the same
 * writing as the logs' own endpoints. Results are in the order of the events.
 *
 * @throws {StoreError} when events may not have been written.
 */
export async function recordAdapted(
  events: readonly AdaptedEvent[],
  env: Environment,
  options: { representation: boolean } = { representation: false },
): Promise<AdaptedResult[]> {
  const results: AdaptedResult[] = [];
  for (const log of Object.keys(LOGS) as LogSlug[]) {
    const own = events.map((adapted, index) => ({ adapted, index }))
      .filter(({ adapted }) => adapted.log === log);
    for (let from = 0; from < own.length; from += MAX_EVENTS) {
      const chunk = own.slice(from, from + MAX_EVENTS);
      const settled = await recordChunk(
        log,
        chunk.map(({ adapted }) => adapted),
        env,
        options,
      );
      for (const [at, { adapted, index }] of chunk.entries()) {
        results.push({ ...settled[at], index, adapted });
      }
    }
  }
  return results.sort((a, b) => a.index - b.index);
}

async function recordChunk(
  log: LogSlug,
  events: AdaptedEvent[],
  env: Environment,
  options: { representation: boolean },
): Promise<EventResult[]> {
  const write = async (prepared: PreparedEvent[]) =>
    await settle(LOGS[log], prepared, SENDER, env, {
      atomic: false,
      ...options,
    });
  const prepared = await Promise.all(events.map(prepare));
  const results = await write(
    prepared.map((one, index) => ({ ...one, index })),
  );
  const again = results.flatMap((result, index) => {
    const event = soften(prepared[index], result, events[index]);
    return event ? [event] : [];
  });
  for (const result of again.length > 0 ? await write(again) : []) {
    results[result.index] = result;
  }
  return results.map((result, index) => relocate(result, events[index]));
}

async function prepare(adapted: AdaptedEvent): Promise<PreparedEvent> {
  const decided: LogEvent = {};
  const value: LogEvent = {};
  for (const [member, content] of Object.entries(adapted.event)) {
    if (Object.hasOwn(DECIDED, member)) decided[DECIDED[member]] = content;
    else value[member] = content;
  }
  const { faults } = adapted;
  const [prepared] = await prepareEvents(
    LOGS[adapted.log],
    [{ value, faults }],
    SOURCE,
  );
  if (prepared.event === null) return prepared;
  const stamped = { ...prepared.event.stamped as LogEvent, ...decided };
  return { ...prepared, event: { ...prepared.event, stamped } };
}

/** The event without the references that point nowhere, if it can do without. */
function soften(
  { event }: PreparedEvent,
  { index, id, problem }: EventResult,
  { softReferences = [] }: AdaptedEvent,
): PreparedEvent | null {
  const missing = (problem?.errors ?? []).map(({ pointer, code }) =>
    code === "not_found" ? pointer.slice(1) : ""
  );
  const isSoft = event !== null && id !== null && missing.length > 0 &&
    missing.every((member) => softReferences.includes(member));
  if (!isSoft) return null;
  const kept = Object.entries(event).filter(([member]) =>
    !missing.includes(member)
  );
  return { index, id, event: Object.fromEntries(kept), faults: [] };
}

/** Faults as faults of the payload that the sender knows. */
function relocate(result: EventResult, adapted: AdaptedEvent): EventResult {
  const errors: Fault[] | undefined = result.problem?.errors;
  if (errors === undefined || adapted.faults.length > 0) return result;
  return rejectEvent(result, relocateFaults(adapted, errors));
}
