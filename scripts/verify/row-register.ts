import type { EventLeaf } from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import { type EvidenceFault, nameLeaf, toRowFault } from "./verdict.ts";

/** A leaf by its index; null if it is pending. */
type LeafIndex = number | null;

/** A row that has a leaf. */
type RegisteredRow = {
  log: LogName;
  id: string;
  /** The row's own leaf. */
  index: LeafIndex;
  /** Whether the row is in its table. */
  isThere: boolean;
  /** Whether any of its salts is kept. */
  hasSalts: boolean;
  /**
   * Committed columns that are NULL and not shown to have been: name → whether
   * the salt is kept.
   */
  nulled: ReadonlyMap<string, { hasSalt: boolean }> | null;
};

/** A row, and what leaves say of it. */
type Settled = RegisteredRow & {
  tombstone?: { index: LeafIndex };
  erased?: Map<string, LeafIndex>;
};

/**
 * Brings rows together with the leaves about them. A leaf about a row may come
 * before the row's own: leaves are in the order in which transactions began to
 * write, which is not that in which they committed.
 */
export class RowRegister {
  // By log and then by id: a key of both would have to be put together.
  #rows = new Map<LogName, Map<string, Settled>>();
  #events: { leaf: EventLeaf; index: LeafIndex }[] = [];

  /** Remembers a row; false if it has a leaf already. */
  addRow(row: RegisteredRow): boolean {
    const rows = this.#rows.get(row.log) ?? new Map<string, Settled>();
    this.#rows.set(row.log, rows);
    if (rows.has(row.id)) return false;
    rows.set(row.id, row);
    return true;
  }

  /** Remembers a leaf about a row. */
  addEvent(leaf: EventLeaf, index: LeafIndex): void {
    this.#events.push({ leaf, index });
  }

  /** What does not fit together, once everything has been added. */
  *settle(): Generator<EvidenceFault> {
    const told = new Set<string>();
    for (const { leaf, index } of this.#events) {
      const place = { log: leaf.log, id: leaf.id, index };
      const row = this.#rows.get(leaf.log)?.get(leaf.id);
      const saying = toSaying(leaf);
      if (told.has(saying)) {
        const sentence = "has a leaf that says what another said before";
        yield toRowFault("duplicate_event", place, sentence);
      } else if (row === undefined) {
        const sentence = "has a leaf about it, but none of its own";
        yield toRowFault("event_without_row", place, sentence);
      } else {
        noteEvent(row, leaf, index);
      }
      told.add(saying);
    }
    for (const rows of this.#rows.values()) {
      for (const row of rows.values()) yield* settleRow(row);
    }
  }
}

function noteEvent(row: Settled, leaf: EventLeaf, index: LeafIndex): void {
  if (leaf.kind === "tombstone/v1") {
    row.tombstone = { index };
  } else {
    row.erased ??= new Map();
    row.erased.set(leaf.column, index);
  }
}

function* settleRow(row: Settled): Generator<EvidenceFault> {
  const { tombstone, isThere } = row;
  if (isThere && tombstone) {
    const sentence = `is there, but ${
      nameLeaf(tombstone.index)
    } says that it was deleted`;
    yield toRowFault("row_after_tombstone", row, sentence);
  }
  if (isThere) {
    yield* settleNulls(row);
    yield* settleErasures(row);
  } else if (!tombstone) {
    const sentence = "is gone, and no leaf says that it was deleted";
    yield toRowFault("row_missing", row, sentence);
  } else if (row.hasSalts) {
    const sentence = "was deleted, but salts of it are kept";
    yield toRowFault("salt_kept", row, sentence);
  }
}

function* settleNulls(row: Settled): Generator<EvidenceFault> {
  for (const [column, { hasSalt }] of row.nulled ?? []) {
    if (!row.erased?.has(column)) {
      const sentence =
        `has no ${column}, cannot be shown to have had none, and no leaf says that it was erased`;
      yield toRowFault("null_unexplained", row, sentence);
    } else if (hasSalt) {
      const sentence = `had its ${column} erased, but the salt is kept`;
      yield toRowFault("salt_kept", row, sentence);
    }
  }
}

function* settleErasures(row: Settled): Generator<EvidenceFault> {
  for (const [column, index] of row.erased ?? []) {
    if (row.nulled?.has(column)) continue;
    const sentence = `still has what ${
      nameLeaf(index)
    } says was erased, its ${column}`;
    yield toRowFault("value_after_erasure", row, sentence);
  }
}

function toSaying(leaf: EventLeaf): string {
  const about = `${leaf.kind} ${leaf.log} ${leaf.id}`;
  return leaf.kind === "tombstone/v1" ? about : `${about} ${leaf.column}`;
}
