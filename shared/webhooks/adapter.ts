import { readOne } from "../http/parameters.ts";
import type { Issue } from "../issue.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";

/** An authenticated and decoded request of a sender: all that an adapter reads. */
export type Delivery = {
  /** The body as text (UTF-8, inflated), not yet parsed. */
  text: string;
  headers: Headers;
  /** The query of the endpoint's URL, which applies to every event. */
  query: URLSearchParams;
};

/**
 * A sender's event as an event of a log, not validated yet. Issues reject it; else
 * the log's schema validates it, and `relocateIssues` maps the schema's issues to
 * the sender's payload.
 */
export type AdaptedEvent = {
  /** Members of the log's event; those that the sender did not set are absent. */
  event: LogEvent;
  /** Issues of the payload, with pointers into it. */
  issues: Issue[];
  /** The origins of members: name → JSON Pointer into the sender's payload. */
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
 * Adapts a sender's payload to events of a log; formats for one log ignore `log`.
 * Pure: the same delivery gives the same events with the same ids, so recording it
 * again is idempotent.
 *
 * @throws {ProblemError} when the body as a whole cannot be read.
 */
export type Adapter = (
  delivery: Delivery,
  log: LogSlug,
) => Promise<AdaptedDelivery>;

/**
 * Maps the issues of a validated event to the payload that it came from. An issue of
 * a member without an origin points to the whole payload and names the member.
 */
export function relocateIssues(
  { origins }: AdaptedEvent,
  issues: readonly Issue[],
): Issue[] {
  return issues.map((issue) => {
    const [, step = "", ...rest] = issue.pointer.split("/");
    const member = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!Object.hasOwn(origins, member)) {
      const detail = step === "" ? issue.detail : `${step}: ${issue.detail}`;
      return { ...issue, pointer: "", detail };
    }
    return { ...issue, pointer: [origins[member], ...rest].join("/") };
  });
}

/**
 * The defaults of event members in the query of a webhook's URL (`urlDefaults` of
 * the log). The event takes precedence, except in LiteLLM's adapter, where the URL
 * does.
 *
 * @throws {ProblemError} 400 that names a malformed or repeated parameter.
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
