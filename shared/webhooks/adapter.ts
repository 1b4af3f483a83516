import type { Fault } from "../fault.ts";
import { readOne } from "../http/parameters.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";

/** A sender's request, authenticated and decoded. Adapters read nothing else. */
export type Delivery = {
  /** The body as text (UTF-8, inflated), not yet parsed. */
  text: string;
  headers: Headers;
  /** The query of the endpoint's URL, which applies to every event. */
  query: URLSearchParams;
};

/**
 * A sender's event as an event of a log, not validated yet. With faults it is
 * rejected; without, the log's schema decides, and `relocateFaults` points to its
 * faults in the sender's payload.
 */
export type AdaptedEvent = {
  /** Members of the log's event; those that the sender did not set are absent. */
  event: LogEvent;
  /** Faults, with pointers into the sender's payload of this event. */
  faults: Fault[];
  /** Where members come from: name → JSON Pointer into the sender's payload. */
  origins: Record<string, string>;
  /** See `IncomingEvent`. */
  adapterMembers?: boolean;
};

/** The events of a delivery, all of one log. */
export type AdaptedDelivery = {
  /** False for a single bare event. */
  batch: boolean;
  events: AdaptedEvent[];
  /** See `EventSource`. */
  optionalReferences?: readonly string[];
};

/**
 * Adapts a sender's payload to events of a log, which formats for one log know
 * without it. Pure: the same delivery gives the same events with the same ids, so a
 * delivery that is repeated adds nothing.
 *
 * @throws {ProblemError} when the body as a whole cannot be read.
 */
export type Adapter = (
  delivery: Delivery,
  log: LogSlug,
) => Promise<AdaptedDelivery>;

/**
 * The faults of a validated event as faults of the payload that it came from. A
 * fault of a member that is not in the payload points to the payload as a whole
 * and names the member.
 */
export function relocateFaults(
  { origins }: AdaptedEvent,
  faults: readonly Fault[],
): Fault[] {
  return faults.map((fault) => {
    const [, step = "", ...rest] = fault.pointer.split("/");
    const member = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!Object.hasOwn(origins, member)) {
      const detail = step === "" ? fault.detail : `${step}: ${fault.detail}`;
      return { ...fault, pointer: "", detail };
    }
    return { ...fault, pointer: [origins[member], ...rest].join("/") };
  });
}

/**
 * The members of a log's events that the URL of a webhook sets (`urlDefaults` of
 * the log). Adapters fill in what an event leaves out; that of LiteLLM lets the URL
 * take precedence.
 *
 * @throws {ProblemError} 400 that names a parameter that is malformed or given
 * twice: the URL is wrong, whatever is posted to it.
 */
export function readUrlDefaults(
  query: URLSearchParams,
  log: LogSlug,
): LogEvent {
  const members: LogEvent = {};
  const { urlDefaults, event } = LOGS_BY_SLUG[log];
  for (const name of urlDefaults) {
    const schema = event.shape[name];
    const value = readOne<unknown>(query, name, schema as never);
    if (value !== null) members[name] = value;
  }
  return members;
}
