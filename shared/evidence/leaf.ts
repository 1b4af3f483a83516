import { LOG_NAMES, type LogName, LOGS_BY_NAME } from "../logs/index.ts";
import type { ColumnType, LeafColumn, Member } from "../logs/log.ts";
import { encodeWithPrefix, hashToScratch, toHex } from "../tlog/encoding.ts";

/** The leaf columns of each log, without `id`, in the order of the table. */
export const layouts = mapLogs((log) => LOGS_BY_NAME[log].leaf);

/** The columns of each log whose leaves hold a commitment instead of the value. */
export const committedColumns = mapLogs((log) =>
  layouts[log].filter(({ committed }) => committed)
);

function mapLogs(
  columnsOf: (log: LogName) => readonly LeafColumn[],
): Readonly<Record<LogName, readonly LeafColumn[]>> {
  return Object.fromEntries(
    LOG_NAMES.map((log) => [log, columnsOf(log)]),
  ) as Record<LogName, readonly LeafColumn[]>;
}

/** Kinds of leaves that hold a row: recorded on write, or backfilled later. */
export type RowKind = "row/v1" | "backfill/v1";

/**
 * A row as it was recorded. `members` are its columns without `id`; a committed
 * column has its commitment (64 hex digits) in place of the value.
 */
export type RecordedRow = {
  kind: RowKind;
  log: LogName;
  id: string;
  members: readonly Member[];
};

/** The leaf of a row: its identity and the digest of its members. */
export type RowLeaf = {
  kind: RowKind;
  log: LogName;
  id: string;
  /** The digest of the members, in hex. */
  digest: string;
};

/** A foreign key set a reference of a row to NULL (ON DELETE SET NULL). */
export type NulledLeaf = {
  kind: "fk-null/v1";
  log: LogName;
  id: string;
  column: string;
};

/** A foreign key deleted a row with its parent (ON DELETE CASCADE). */
export type TombstoneLeaf = {
  kind: "tombstone/v1";
  log: LogName;
  id: string;
  /** The digest of the row's leaf, in hex; null for a row without a leaf. */
  digest: string | null;
};

/** A committed value was erased by a ticket that two people approved. */
export type RedactedLeaf = {
  kind: "redact/v1";
  log: LogName;
  id: string;
  column: string;
  ticket: string;
  approvers: readonly [string, string];
};

/**
 * The end of a seal: every row of transactions below `cut` (a transaction id) is in
 * the tree; `sealed` is the number of leaves added. Both are decimal.
 */
export type SealLeaf = { kind: "seal/v1"; cut: string; sealed: string };

/** A leaf about a later change of a row. */
export type EventLeaf = NulledLeaf | TombstoneLeaf | RedactedLeaf;

/** A leaf of the tree. */
export type Leaf = RowLeaf | EventLeaf | SealLeaf;

/**
 * The data of a leaf, in the form of {@linkcode formatMembers}.
 *
 * @throws {TypeError} for text with an unpaired surrogate, which has no UTF-8.
 */
export function formatLeaf(leaf: Leaf): string {
  return formatMembers(toMembers(leaf));
}

/**
 * A JSON array of strings and nulls in canonical form (RFC 8785), which JSON.stringify
 * writes for these types.
 *
 * @throws {TypeError} for text with an unpaired surrogate, which has no UTF-8.
 */
export function formatMembers(members: readonly Member[]): string {
  for (const member of members) {
    if (member !== null && !member.isWellFormed()) {
      throw new TypeError("A member has an unpaired surrogate");
    }
  }
  return JSON.stringify(members);
}

const NO_PREFIX = new Uint8Array();

/**
 * The leaf of a row; its digest is SHA-256(UTF-8 of {@linkcode formatMembers}).
 *
 * @throws {TypeError} for text with an unpaired surrogate, which has no UTF-8.
 */
export function toRowLeaf({ kind, log, id, members }: RecordedRow): RowLeaf {
  const text = encodeWithPrefix(NO_PREFIX, formatMembers(members));
  return { kind, log, id, digest: toHex(hashToScratch(text)) };
}

/** The members of a recorded row: commitments in place of committed values. */
export function hideCommitted(
  log: LogName,
  row: readonly Member[],
  commitments: readonly string[],
): Member[] {
  let next = 0;
  return layouts[log].map(({ committed }, at) =>
    committed ? commitments[next++] : row[at]
  );
}

function toMembers(leaf: Leaf): Member[] {
  if (leaf.kind === "seal/v1") return [leaf.kind, leaf.cut, leaf.sealed];
  const head = [leaf.kind, `public.${leaf.log}`, leaf.id];
  switch (leaf.kind) {
    case "fk-null/v1":
      return [...head, leaf.column];
    case "redact/v1":
      return [...head, leaf.column, leaf.ticket, ...leaf.approvers];
    default:
      return [...head, leaf.digest];
  }
}

/** The formats of members by type; text and jsonb may be any text. */
const FORMATS: Record<ColumnType, RegExp | null> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  text: null,
  integer: /^(0|-?[1-9]\d*)$/,
  numeric: /^(-?\d+(\.\d+)?|NaN)$/,
  boolean: /^(true|false)$/,
  timestamptz: /^(0|-?[1-9]\d*|-?infinity)$/,
  jsonb: null,
};

/** Whether a value is a valid member for a column of this type. */
export function isMember(type: ColumnType, value: unknown): value is Member {
  if (value === null) return true;
  return typeof value === "string" && (FORMATS[type]?.test(value) ?? true);
}
