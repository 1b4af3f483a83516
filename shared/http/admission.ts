import {
  MAX_BYTES_IN_PROGRESS,
  MAX_EVENTS_IN_PROGRESS,
  MAX_EXPORTS_IN_PROGRESS,
  MAX_EXPORTS_PER_CALLER,
  MAX_REQUESTS_IN_PROGRESS,
  MAX_ROWS_IN_PROGRESS,
} from "../limits.ts";
import { overloaded } from "./problem.ts";
import { UnverifiedBodies, type UnverifiedBody } from "./unverified-bodies.ts";

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

/** The credential of an unverified sender; each has limits of its own. */
export type UnverifiedKind = "auth" | "standard" | "witness";

/** What the requests of an instance hold. */
type InProgress = {
  readonly taken: Record<Resource, number>;
  /** Exports by caller. */
  readonly exportsOf: Map<string, number>;
  readonly unverified: Record<UnverifiedKind, UnverifiedBodies>;
};

/** Priority requests get this multiple of each limit: a login waits for them. */
const PRIORITY_FACTOR = 2;

/** The resources that one request has taken. */
export class Permit {
  readonly #factor: number;
  readonly #inProgress: InProgress;
  readonly #returns: (() => void)[] = [];
  #overCapacity: boolean;

  constructor(inProgress: InProgress, isPriority: boolean) {
    this.#inProgress = inProgress;
    this.#factor = isPriority ? PRIORITY_FACTOR : 1;
    this.#overCapacity = inProgress.taken.requests >= LIMITS.requests;
  }

  /** Whether the request exceeds a normal limit; it must not record then. */
  get overCapacity(): boolean {
    return this.#overCapacity;
  }

  /**
   * Takes `count` of a resource until `release`.
   *
   * @throws {ProblemError} 503 when the limit would be exceeded.
   */
  take(resource: Resource, count: number): void {
    if (!this.#fits(resource, count)) throw overloaded();
    this.#hold(resource, count);
  }

  /**
   * Takes the place of an export.
   *
   * @throws {ProblemError} 503 when the limit of the instance or of this caller would be
   * exceeded.
   */
  takeExport(caller: string): void {
    const { exportsOf } = this.#inProgress;
    const count = exportsOf.get(caller) ?? 0;
    if (count >= MAX_EXPORTS_PER_CALLER) throw overloaded();
    this.take("exports", 1);
    exportsOf.set(caller, count + 1);
    this.#returns.push(() => {
      const rest = exportsOf.get(caller)! - 1;
      if (rest === 0) exportsOf.delete(caller);
      else exportsOf.set(caller, rest);
    });
  }

  /**
   * Counts a body of a sender who is not verified yet, until it leaves; `evict` ends its
   * reading, when newer ones need the room.
   */
  enterUnverified(kind: UnverifiedKind, evict: () => void): UnverifiedBody {
    return this.#inProgress.unverified[kind].enter(evict);
  }

  /**
   * Takes a resource like `take`, or marks the request as over capacity: its answer must
   * not depend on the load.
   */
  takeIfFree(resource: Resource, count: number): void {
    if (this.#fits(resource, count)) this.#hold(resource, count);
    else this.#overCapacity = true;
  }

  /** Returns everything taken. Idempotent. */
  release(): void {
    for (const giveBack of this.#returns.splice(0)) giveBack();
  }

  #fits(resource: Resource, count: number): boolean {
    const limit = this.#factor * LIMITS[resource];
    return this.#inProgress.taken[resource] + count <= limit;
  }

  #hold(resource: Resource, count: number): void {
    const { taken } = this.#inProgress;
    taken[resource] += count;
    this.#returns.push(() => void (taken[resource] -= count));
  }
}

/**
 * Admission control of one instance of a function. Its memory is bounded, so a
 * request that would exceed a limit is refused at once: a queue would grow until
 * callers time out or the instance runs out of memory.
 */
export class Admission {
  readonly #inProgress: InProgress = {
    taken: { requests: 0, bytes: 0, events: 0, rows: 0, exports: 0 },
    exportsOf: new Map(),
    unverified: {
      auth: new UnverifiedBodies(),
      standard: new UnverifiedBodies(),
      witness: new UnverifiedBodies(),
    },
  };

  /** Issues a permit that holds nothing yet. */
  issue(isPriority = false): Permit {
    return new Permit(this.#inProgress, isPriority);
  }
}
