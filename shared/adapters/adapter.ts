import type { Fault } from "../fault.ts";
import type { LogSlug } from "../logs/index.ts";
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
  /**
   * Whether the event may hold members that only adapters decide (`splitDecided`).
   * Never set where a sender chooses the names of members.
   */
  decides?: boolean;
};

/** The events of a delivery, all of one log. */
export type Adapted = {
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
export type Adapter = (delivery: Delivery, log: LogSlug) => Promise<Adapted>;

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
