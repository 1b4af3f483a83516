import {
  MAX_UNVERIFIED_BODIES_IN_PROGRESS,
  MAX_UNVERIFIED_BYTES_IN_PROGRESS,
} from "../limits.ts";

/** A body that is being read, of a sender who is not verified yet. */
export type UnverifiedBody = {
  /** Counts bytes that arrived. */
  take(bytes: number): void;
  /** Stops counting it. Idempotent. */
  leave(): void;
};

type Entry = { bytes: number; evict: () => void };

/**
 * The bodies that one instance reads, of senders who are not verified yet. Anyone can
 * send these, and stop in the middle. So a new one is never refused because of older
 * ones: beyond the limits, the oldest has to go. A genuine body arrives at once, and so
 * is not the oldest for long.
 */
export class UnverifiedBodies {
  /** From the oldest to the newest. */
  #entries = new Set<Entry>();
  #bytes = 0;

  /** Counts a body from now on; `evict` ends its reading. */
  enter(evict: () => void): UnverifiedBody {
    const entry: Entry = { bytes: 0, evict };
    this.#entries.add(entry);
    this.#makeRoom();
    return {
      take: (bytes) => {
        if (!this.#entries.has(entry)) return;
        entry.bytes += bytes;
        this.#bytes += bytes;
        this.#makeRoom();
      },
      leave: () => this.#remove(entry),
    };
  }

  #makeRoom(): void {
    for (const oldest of this.#entries) {
      if (
        this.#entries.size <= MAX_UNVERIFIED_BODIES_IN_PROGRESS &&
        this.#bytes <= MAX_UNVERIFIED_BYTES_IN_PROGRESS
      ) return;
      this.#remove(oldest);
      oldest.evict();
    }
  }

  #remove(entry: Entry): void {
    if (this.#entries.delete(entry)) this.#bytes -= entry.bytes;
  }
}
