import {
  MAX_BYTES_IN_PROGRESS,
  MAX_EVENTS_IN_PROGRESS,
  MAX_EXPORTS_IN_PROGRESS,
  MAX_REQUESTS_IN_PROGRESS,
  MAX_ROWS_IN_PROGRESS,
  MAX_UNVERIFIED_BYTES_IN_PROGRESS,
} from "../limits.ts";
import { createProblem, ProblemError } from "./problem.ts";

/** Resources that hold memory while a request is in progress, and their limits. */
const LIMITS = {
  requests: MAX_REQUESTS_IN_PROGRESS,
  bytes: MAX_BYTES_IN_PROGRESS,
  unverifiedBytes: MAX_UNVERIFIED_BYTES_IN_PROGRESS,
  events: MAX_EVENTS_IN_PROGRESS,
  rows: MAX_ROWS_IN_PROGRESS,
  exports: MAX_EXPORTS_IN_PROGRESS,
};

/** A limited resource of an instance. */
export type Resource = keyof typeof LIMITS;

/** Priority requests get this multiple of each limit: a login waits for them. */
const PRIORITY_FACTOR = 2;

/** The resources that one request has taken. */
export class Permit {
  readonly #factor: number;
  readonly #taken: Record<Resource, number>;
  readonly #held: [Resource, number][] = [];
  /** Whether the request exceeds the normal limit; it must not record then. */
  readonly overCapacity: boolean;

  constructor(taken: Record<Resource, number>, isPriority: boolean) {
    this.#taken = taken;
    this.#factor = isPriority ? PRIORITY_FACTOR : 1;
    this.overCapacity = taken.requests >= LIMITS.requests;
  }

  /**
   * Takes `count` of a resource until `release`.
   *
   * @throws {ProblemError} 503 when the limit would be exceeded.
   */
  take(resource: Resource, count: number): void {
    if (this.#taken[resource] + count > this.#factor * LIMITS[resource]) {
      throw overloaded();
    }
    this.#taken[resource] += count;
    this.#held.push([resource, count]);
  }

  /** Returns everything taken. Idempotent. */
  release(): void {
    for (const [resource, count] of this.#held.splice(0)) {
      this.#taken[resource] -= count;
    }
  }
}

/**
 * Admission control of one instance of a function. Its memory is bounded, so a
 * request that would exceed a limit is refused at once: a queue would grow until
 * callers time out or the instance runs out of memory.
 */
export class Admission {
  #taken = {
    requests: 0,
    bytes: 0,
    unverifiedBytes: 0,
    events: 0,
    rows: 0,
    exports: 0,
  };

  /** Issues a permit that holds nothing yet. */
  issue(isPriority = false): Permit {
    return new Permit(this.#taken, isPriority);
  }
}

/** A 503 for a request beyond the limits. */
export function overloaded(): ProblemError {
  return new ProblemError(createProblem(
    "overloaded",
    "This instance has too many requests in progress, and nothing was recorded; send the same request again after Retry-After",
  ));
}
