import {
  MAX_BYTES_IN_PROGRESS,
  MAX_EVENTS_IN_PROGRESS,
  MAX_EXPORTS_IN_PROGRESS,
  MAX_REQUESTS_IN_PROGRESS,
  MAX_ROWS_IN_PROGRESS,
} from "../limits.ts";
import { createProblem, ProblemError } from "./problem.ts";

/** Resources that hold memory while a request is in progress, and their limits. */
const LIMITS = {
  requests: MAX_REQUESTS_IN_PROGRESS,
  bytes: MAX_BYTES_IN_PROGRESS,
  events: MAX_EVENTS_IN_PROGRESS,
  rows: MAX_ROWS_IN_PROGRESS,
  exports: MAX_EXPORTS_IN_PROGRESS,
};

/** A limited resource of an instance. */
export type Resource = keyof typeof LIMITS;

/** Priority requests get this multiple of each limit: a login waits for them. */
const PRIORITY_FACTOR = 2;

/** What a request in progress has taken of the limits. */
export class Permit {
  readonly #factor: number;
  readonly #taken: Record<Resource, number>;
  readonly #own: [Resource, number][] = [];
  /** True above the normal limit of requests: nothing is to be recorded then. */
  readonly overCapacity: boolean;

  constructor(taken: Record<Resource, number>, isPriority: boolean) {
    this.#taken = taken;
    this.#factor = isPriority ? PRIORITY_FACTOR : 1;
    this.overCapacity = taken.requests >= LIMITS.requests;
  }

  /** Takes `count` more until release. @throws {ProblemError} 503 when less is left. */
  take(resource: Resource, count: number): void {
    if (this.#taken[resource] + count > this.#factor * LIMITS[resource]) {
      throw overloaded();
    }
    this.#taken[resource] += count;
    this.#own.push([resource, count]);
  }

  /** Gives everything back; a second call does nothing. */
  release(): void {
    for (const [resource, count] of this.#own.splice(0)) {
      this.#taken[resource] -= count;
    }
  }
}

/**
 * What one instance of a function has in progress. Its memory is bounded, so a
 * request that would exceed a limit is refused at once: a queue would delay the
 * caller without end, or end the instance with everything in it.
 */
export class Admission {
  #taken = { requests: 0, bytes: 0, events: 0, rows: 0, exports: 0 };

  /** A permit that holds nothing yet. */
  issue(isPriority = false): Permit {
    return new Permit(this.#taken, isPriority);
  }
}

/** 503: too much is in progress. */
export function overloaded(): ProblemError {
  return new ProblemError(createProblem(
    "overloaded",
    "There is too much in progress here. Send the same request again after Retry-After; nothing of it was recorded",
  ));
}
