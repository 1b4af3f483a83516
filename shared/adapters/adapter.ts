import type { Fault } from "../fault.ts";
import type { LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";

/** What a sender posted, authenticated and decoded. Adapters read nothing else. */
export type Delivery = {
  /** The body as text (UTF-8, inflated), not yet parsed. */
  text: string;
  headers: Headers;
  /** The query of the endpoint's URL: what it says holds for every event. */
  query: URLSearchParams;
};

/**
 * One event of a sender as an event of ours. `event` is not validated yet: with
 * faults it is rejected as it is, without them the log's schema has the last
 * word, and `relocateFaults` shows its faults in the sender's payload.
 */
export type AdaptedEvent = {
  /** The log that the event belongs to. */
  log: LogSlug;
  /** Members of the log's event; what the sender did not say is left out. */
  event: LogEvent;
  /** What is wrong, with pointers into the sender's payload of this event. */
  faults: Fault[];
  /** Where members come from: name → JSON Pointer into the sender's payload. */
  origins: Record<string, string>;
  /**
   * Members that are left out when they are no references, or to a row that does
   * not exist or is another firm's: losing the event would be worse.
   */
  softReferences?: readonly string[];
  /**
   * Whether the event may hold members that only adapters decide (`splitDecided`).
   * Never set where a sender chooses the names of members.
   */
  decides?: boolean;
};

/** What a delivery holds; `batch` is false when it is a single bare event. */
export type Adapted = { batch: boolean; events: AdaptedEvent[] };

/**
 * Makes a sender's payload events of ours. Pure: the same delivery gives the same
 * events with the same ids, so that a delivery that is repeated adds nothing.
 *
 * @throws {ProblemError} when the body as a whole cannot be read.
 */
export type Adapter = (delivery: Delivery) => Promise<Adapted>;

/** An adapter of a format that can carry events of any log. */
export type NativeAdapter = (
  delivery: Delivery,
  log: LogSlug,
) => Promise<Adapted>;

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
