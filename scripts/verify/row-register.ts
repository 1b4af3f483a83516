import {
  type EventLeaf,
  formatLeaf,
  type RowKind,
} from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import { equalsHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import { type EvidenceFinding, nameLeaf, toRowFault } from "./verdict.ts";

/** The index of a leaf; null if it is pending. */
type LeafIndex = number | null;

/** A row that has a leaf. */
type RegisteredRow = {
  kind: RowKind;
  log: LogName;
  id: string;
  /** The row's own leaf. */
  index: LeafIndex;
  /**
   * The hash of the row's own leaf, in hex, if the row is not in its table: then only its
   * tombstone has the digest that computes the leaf.
   */
  hash: string | null;
  /** Whether any of its salts exists. */
  hasSalts: boolean;
  /**
   * Committed columns that are NULL without opening their commitment: name → whether
   * the salt exists.
   */
  nulled: ReadonlyMap<string, { hasSalt: boolean }> | null;
};

/** A row with its later leaves. */
type RowHistory = RegisteredRow & {
  tombstone?: { index: LeafIndex; digest: string | null };
  erased?: Map<string, LeafIndex>;
};

/**
 * Matches rows with their later leaves. These may precede the row's own leaf: leaves are
 * in the order in which transactions began to write, not in commit order.
 */
export class RowRegister {
  // Nested maps avoid concatenated keys.
  #rows = new Map<LogName, Map<string, RowHistory>>();
  #events: { leaf: EventLeaf; index: LeafIndex }[] = [];

  /** Adds a row; false if it has a leaf already. */
  addRow(row: RegisteredRow): boolean {
    const rows = this.#rows.get(row.log) ?? new Map<string, RowHistory>();
    this.#rows.set(row.log, rows);
    if (rows.has(row.id)) return false;
    rows.set(row.id, row);
    return true;
  }

  /** Whether a log has a row. */
  hasRows(log: LogName): boolean {
    return this.#rows.has(log);
  }

  /** Adds a leaf about a row. */
  addEvent(leaf: EventLeaf, index: LeafIndex): void {
    this.#events.push({ leaf, index });
  }

  /** The contradictions between rows and leaves, after the last of them. */
  *finish(): Generator<EvidenceFinding> {
    const seen = new Set<string>();
    for (const { leaf, index } of this.#events) {
      const location = { log: leaf.log, id: leaf.id, index };
      const row = this.#rows.get(leaf.log)?.get(leaf.id);
      const key = eventKey(leaf);
      if (seen.has(key)) {
        const sentence = "has a leaf that repeats an earlier one";
        yield toRowFault("duplicate_event", location, sentence);
      } else if (row === undefined) {
        const sentence = "has a leaf of a later change, but not its own";
        yield toRowFault("event_without_row", location, sentence);
      } else {
        applyEvent(row, leaf, index);
      }
      seen.add(key);
    }
    for (const rows of this.#rows.values()) {
      for (const row of rows.values()) yield* checkHistory(row);
    }
  }
}

function applyEvent(row: RowHistory, leaf: EventLeaf, index: LeafIndex): void {
  if (leaf.kind === "tombstone/v1") {
    row.tombstone = { index, digest: leaf.digest };
  } else {
    row.erased ??= new Map();
    row.erased.set(leaf.column, index);
  }
}

function* checkHistory(row: RowHistory): Generator<EvidenceFinding> {
  const { tombstone, hash } = row;
  const exists = hash === null;
  if (exists && tombstone) {
    const sentence = `exists, although ${
      nameLeaf(tombstone.index)
    } records its deletion`;
    yield toRowFault("row_after_tombstone", row, sentence);
  }
  if (exists) {
    yield* checkNulls(row);
    yield* checkErasures(row);
  } else if (!tombstone) {
    const sentence = "is missing, and no leaf records its deletion";
    yield toRowFault("row_missing", row, sentence);
  } else {
    if (!isLeafHash(row, tombstone.digest, hash)) {
      const sentence = `has a leaf that is not the one of which ${
        nameLeaf(tombstone.index)
      } records the deletion`;
      yield toRowFault("tombstone_differs", row, sentence);
    }
    yield* requireSigned(row, tombstone.index, "was deleted");
    if (!row.hasSalts) return;
    const sentence = "was deleted, but its salts exist";
    yield toRowFault("salt_kept", row, sentence);
  }
}

/** Whether the leaf of a row with this digest has this hash. */
function isLeafHash(
  { kind, log, id }: RegisteredRow,
  digest: string | null,
  hash: string,
): boolean {
  return digest !== null &&
    equalsHex(hashLeaf(formatLeaf({ kind, log, id, digest })), hash);
}

/**
 * The operator writes pending leaves without a signature, and need never seal them: they
 * do not account for a change of a row whose leaf is signed.
 */
function* requireSigned(
  row: RowHistory,
  index: LeafIndex,
  change: string,
): Generator<EvidenceFinding> {
  if (row.index === null || index !== null) return;
  const sentence = `${change}, and only a pending leaf records it`;
  yield toRowFault("change_unsigned", row, sentence);
}

function* checkNulls(row: RowHistory): Generator<EvidenceFinding> {
  for (const [column, { hasSalt }] of row.nulled ?? []) {
    if (row.erased?.has(column) !== true) {
      const sentence =
        `has no ${column}, although its commitment does not open to NULL and no leaf records an erasure`;
      yield toRowFault("null_unexplained", row, sentence);
      continue;
    }
    const change = `lost its ${column}`;
    yield* requireSigned(row, row.erased.get(column)!, change);
    if (hasSalt) {
      yield toRowFault("salt_kept", row, `${change}, but the salt exists`);
    }
  }
}

function* checkErasures(row: RowHistory): Generator<EvidenceFinding> {
  for (const [column, index] of row.erased ?? []) {
    if (row.nulled?.has(column)) continue;
    const sentence = `still has its ${column}, although ${
      nameLeaf(index)
    } records its erasure`;
    yield toRowFault("value_after_erasure", row, sentence);
  }
}

function eventKey(leaf: EventLeaf): string {
  const key = `${leaf.kind} ${leaf.log} ${leaf.id}`;
  return leaf.kind === "tombstone/v1" ? key : `${key} ${leaf.column}`;
}
