import {
  MAX_BYTES_IN_PROGRESS,
  MAX_EVENTS_IN_PROGRESS,
  MAX_EXPORTS_IN_PROGRESS,
  MAX_REQUESTS_IN_PROGRESS,
  MAX_ROWS_IN_PROGRESS,
} from "../limits.ts";
import { createProblem, ProblemError } from "./problem.ts";

/** What takes memory for as long as a request is in progress, and how much of it there may be. */
const LIMITS = {
  requests: MAX_REQUESTS_IN_PROGRESS,
  bytes: MAX_BYTES_IN_PROGRESS,
  events: MAX_EVENTS_IN_PROGRESS,
  rows: MAX_ROWS_IN_PROGRESS,
  exports: MAX_EXPORTS_IN_PROGRESS,
};

/** Something of which there is only so much. */
export type Resource = keyof typeof LIMITS;

/**
 * An urgent request may go this many times beyond the limits of the others:
 * there is somebody who waits for its answer to log in.
 */
const URGENT_FACTOR = 2;

/** A request that was let in. */
export type Place = {
  /** Takes `count` more until it leaves. @throws {ProblemError} 503 when there is less left. */
  take(resource: Resource, count: number): void;
  /** Whether an ordinary request would not have been let in. */
  readonly isSpare: boolean;
  /** Gives everything back; a second call does nothing. */
  leave(): void;
};

const places = new WeakMap<Request, Place>();

/**
 * What one instance of a function has in progress. Its memory is bounded, so what
 * would be too much is refused at once: a client that is told to come back is
 * better off than one that waits in a queue without end, or with all others for
 * an instance that was ended.
 */
export class Admission {
  #taken = { requests: 0, bytes: 0, events: 0, rows: 0, exports: 0 };

  /** Lets a request in. @throws {ProblemError} 503 when there are too many. */
  enter(request: Request, isUrgent = false): Place {
    const taken = this.#taken;
    const own: [Resource, number][] = [];
    const factor = isUrgent ? URGENT_FACTOR : 1;
    const place: Place = {
      isSpare: taken.requests >= LIMITS.requests,
      take: (resource, count) => {
        if (taken[resource] + count > factor * LIMITS[resource]) {
          throw overloaded();
        }
        taken[resource] += count;
        own.push([resource, count]);
      },
      leave: () => {
        for (const [resource, count] of own.splice(0)) taken[resource] -= count;
      },
    };
    place.take("requests", 1);
    places.set(request, place);
    return place;
  }
}

/** The place of a request; undefined for one that no function serves. */
export function placeOf(request: Request): Place | undefined {
  return places.get(request);
}

/** 503: there is too much in progress. */
export function overloaded(): ProblemError {
  return new ProblemError(createProblem(
    "overloaded",
    "There is too much in progress here. Send the same request again after Retry-After; nothing of it was recorded",
  ));
}
