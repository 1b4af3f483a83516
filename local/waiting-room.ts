/** A concurrency limit with a bounded queue and a timeout. */

/** The limits. */
export interface WaitingRoomOptions {
  /** Tasks that run concurrently. */
  places: number;
  /** Tasks that may wait for a place. */
  maxWaiting: number;
  /** Longest wait for a place, in milliseconds. */
  maxWaitMs: number;
}

/** A task was refused and did not run. */
export class TurnedAway extends Error {
  override name = "TurnedAway";
}

/**
 * Returns a function that runs a task when a place is free, in the order of the calls.
 *
 * @throws {TurnedAway} from that function, if the queue is full or the wait timed out.
 */
export function createWaitingRoom(
  { places, maxWaiting, maxWaitMs }: WaitingRoomOptions,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting = new Set<() => void>();
  let free = places;

  function waitForPlace(): Promise<void> {
    if (waiting.size >= maxWaiting) {
      return Promise.reject(new TurnedAway("the queue is full"));
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(enter);
        reject(new TurnedAway("the wait timed out"));
      }, maxWaitMs);
      waiting.add(enter);
    });
  }

  function leave(): void {
    const [next] = waiting;
    if (next === undefined) {
      free++;
      return;
    }
    waiting.delete(next);
    next();
  }

  return async (work) => {
    if (free > 0) free--;
    else await waitForPlace();
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
