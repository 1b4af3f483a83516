import type { Fault } from "../fault.ts";
import { MAX_EVENTS } from "../limits.ts";
import {
  type PreparedEvent,
  prepareEvents,
} from "../endpoint/prepare-events.ts";
import { LOG_SLUGS, LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";
import { settle } from "../endpoint/record.ts";
import { type EventResult, rejectEvent } from "../endpoint/results.ts";
import type { Environment } from "../store/environment.ts";
import { type AdaptedEvent, relocateFaults } from "./adapter.ts";
import { splitDecided } from "./split-decided.ts";

/** Whoever is allowed to push writes as a service. */
const SENDER = { kind: "service", keyName: "webhook" } as const;

const SOURCE = { caller: SENDER, idempotencyKey: null, address: null };

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
  for (const log of LOG_SLUGS) {
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
    await settle(LOGS_BY_SLUG[log], prepared, SENDER, env, {
      atomic: false,
      ...options,
    });
  const drafts = await Promise.all(events.map(prepare));
  const results = await write(
    drafts.map(({ prepared }, index) => ({ ...prepared, index })),
  );
  const again = results.flatMap((result, index) => {
    const left = findSoft(result.problem?.errors ?? [], events[index]);
    const { prepared } = drafts[index];
    if (prepared.event === null || left.length === 0) return [];
    drafts[index].left.push(...left);
    return [{ ...prepared, index, event: leaveOut(prepared.event, left) }];
  });
  for (const result of again.length > 0 ? await write(again) : []) {
    results[result.index] = result;
  }
  return results.map((result, index) =>
    warn(relocate(result, events[index]), events[index], drafts[index].left)
  );
}

/** An event that may be written, and the references that it does without. */
type Draft = { prepared: PreparedEvent; left: string[] };

async function prepare(adapted: AdaptedEvent): Promise<Draft> {
  const { said, decided } = splitDecided(adapted);
  const { faults } = adapted;
  const validate = async (value: LogEvent) => {
    const [prepared] = await prepareEvents(
      LOGS_BY_SLUG[adapted.log],
      [{ value, faults }],
      SOURCE,
    );
    return prepared;
  };
  let prepared = await validate(said);
  const left = findSoft(prepared.faults, adapted);
  if (left.length > 0) prepared = await validate(leaveOut(said, left));
  if (prepared.event === null || Object.keys(decided).length === 0) {
    return { prepared, left };
  }
  const stamped = {
    ...prepared.event.stamped as LogEvent | undefined,
    ...decided,
  };
  return {
    prepared: { ...prepared, event: { ...prepared.event, stamped } },
    left,
  };
}

/** The references to leave out, when nothing else is wrong with the event. */
function findSoft(
  faults: readonly Fault[],
  { softReferences = [] }: AdaptedEvent,
): string[] {
  const members = faults.map(({ pointer }) => pointer.slice(1));
  return members.every((member) => softReferences.includes(member))
    ? members
    : [];
}

function leaveOut(event: LogEvent, members: readonly string[]): LogEvent {
  const kept = Object.entries(event)
    .filter(([member]) => !members.includes(member));
  return Object.fromEntries(kept);
}

/** Faults as faults of the payload that the sender knows. */
function relocate(result: EventResult, adapted: AdaptedEvent): EventResult {
  const errors: Fault[] | undefined = result.problem?.errors;
  if (errors === undefined || adapted.faults.length > 0) return result;
  return rejectEvent(result, relocateFaults(adapted, errors));
}

/** Tells the sender which references were left out. */
function warn(
  result: EventResult,
  { origins }: AdaptedEvent,
  left: readonly string[],
): EventResult {
  if (result.problem || left.length === 0) return result;
  const told = left.map((member) => ({
    code: "reference_left_out",
    detail: `${
      origins[member] ?? member
    }: Refers to no row that the event can belong to; it is recorded without`,
  }));
  return { ...result, warnings: [...result.warnings ?? [], ...told] };
}
