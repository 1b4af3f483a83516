/** Lets some work run at once and some more wait, for a while; turns away the rest. */

/** How much may run and wait. */
export interface WaitingRoomOptions {
  /** Pieces of work that run at once. */
  places: number;
  /** Pieces of work that may wait for a place. */
  maxWaiting: number;
  /** Longest wait for a place, in milliseconds. */
  maxWaitMs: number;
}

/** What was turned away, and did not run. */
export class TurnedAway extends Error {
  override name = "TurnedAway";
}

/**
 * Returns a function that runs the work given to it, in the order given, as soon
 * as there is a place for it.
 *
 * @throws {TurnedAway} from that function, when too much waits or it waited too long.
 */
export function createWaitingRoom(
  { places, maxWaiting, maxWaitMs }: WaitingRoomOptions,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting = new Set<() => void>();
  let free = places;

  function waitForPlace(): Promise<void> {
    if (waiting.size >= maxWaiting) {
      return Promise.reject(new TurnedAway("too much waits for a place"));
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(enter);
        reject(new TurnedAway("there was no place in time"));
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
