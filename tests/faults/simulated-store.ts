/** An event as the functions hand it to the database. */
export type StoredEvent = { id: string } & Record<string, unknown>;

/** What makes a store wrong, to show that the check sees it. */
export type Defect = "forgets ids" | "acknowledges before it keeps";

/** The record function's answer when asked to be brief and all was recorded. */
interface AllRecorded {
  recorded: number;
  first: string;
  last: string;
}

/** One result of the record function. */
interface Result {
  index: number;
  id: string;
  outcome: "recorded" | "duplicate" | "conflict" | "aborted";
  fields?: string[];
}

/**
 * The record function of a log, in memory: idempotent by id, a conflict where the
 * content differs, all or nothing where that was asked for. A call is a
 * transaction, and what it answers was committed.
 */
export class SimulatedStore {
  /** Everything that was written, in order: a row that is there twice is seen. */
  readonly rows: StoredEvent[] = [];
  readonly #byId = new Map<string, StoredEvent>();
  readonly #defect?: Defect;
  /** Rows that only memory has, of a store that acknowledges too early. */
  #unkept = 0;

  constructor(defect?: Defect) {
    this.#defect = defect;
  }

  /** `record_<log>(events, atomic, brief)`. */
  record(
    events: StoredEvent[],
    atomic: boolean,
    brief: boolean,
  ): Result[] | AllRecorded {
    const written: StoredEvent[] = [];
    const results = events.map(({ stamped: _stamped, ...event }, index) => {
      const { id } = event;
      const stored = this.#byId.get(id) ?? written.find((one) => one.id === id);
      if (!stored) {
        written.push(event);
        return { index, id, outcome: "recorded" as const };
      }
      const fields = Object.keys(event)
        .filter((name) => stored[name] !== event[name]);
      return fields.length === 0
        ? { index, id, outcome: "duplicate" as const }
        : { index, id, outcome: "conflict" as const, fields };
    });
    if (atomic && results.some(({ outcome }) => outcome === "conflict")) {
      return results.map((result) =>
        result.outcome === "recorded"
          ? { ...result, outcome: "aborted" as const }
          : result
      );
    }
    for (const event of written) this.#byId.set(event.id, event);
    this.rows.push(...written);
    this.#unkept += written.length;
    return brief && written.length === events.length
      ? {
        recorded: events.length,
        first: events[0].id,
        last: events.at(-1)!.id,
      }
      : results;
  }

  /** A crash and a new start: what was committed is there again. */
  restart(): void {
    if (this.#defect === "forgets ids") this.#byId.clear();
    if (this.#defect === "acknowledges before it keeps") {
      const lost = this.rows.splice(this.rows.length - this.#unkept);
      for (const { id } of lost) this.#byId.delete(id);
    }
  }

  /** What was written until now reaches the disk. */
  flush(): void {
    this.#unkept = 0;
  }
}
