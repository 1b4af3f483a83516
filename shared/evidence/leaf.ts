import { LOG_NAMES, type LogName, LOGS_BY_NAME } from "../logs/index.ts";
import type { ColumnType, LeafColumn, Member } from "../logs/log.ts";

/** Kinds of leaves that hold a row: recorded, or there before recording began. */
export type RowKind = "row/v1" | "backfill/v1";

/**
 * A row as it was recorded. `members` are its columns without `id`; a committed
 * column has its commitment (64 hex digits) in place of the value.
 */
export type RowLeaf = {
  kind: RowKind;
  log: LogName;
  id: string;
  members: readonly Member[];
};

/** A reference of a row was set to NULL, because what it referred to is gone. */
export type NulledLeaf = {
  kind: "fk-null/v1";
  log: LogName;
  id: string;
  column: string;
};

/** A row was deleted together with what it belonged to. */
type TombstoneLeaf = { kind: "tombstone/v1"; log: LogName; id: string };

/** A committed value was erased on request; two people approved. */
export type RedactedLeaf = {
  kind: "redact/v1";
  log: LogName;
  id: string;
  column: string;
  ticket: string;
  approvers: readonly [string, string];
};

/**
 * Every row of transactions below `cut` (a transaction id) is in the tree;
 * `sealed` is how many leaves that added. Both in decimal.
 */
export type SealLeaf = { kind: "seal/v1"; cut: string; sealed: string };

/** A leaf about a row that is in the tree already, or will be. */
export type EventLeaf = NulledLeaf | TombstoneLeaf | RedactedLeaf;

/** What a leaf of the tree says. */
export type Leaf = RowLeaf | EventLeaf | SealLeaf;

/**
 * The data of a leaf: a JSON array of strings and nulls, as JSON.stringify
 * writes it, which is its RFC 8785 form too.
 *
 * @throws {TypeError} for text with half a surrogate pair, which has no UTF-8.
 */
export function formatLeaf(leaf: Leaf): string {
  const members = toMembers(leaf);
  for (const member of members) {
    if (member !== null && !member.isWellFormed()) {
      throw new TypeError("A member has half of a surrogate pair");
    }
  }
  return JSON.stringify(members);
}

/** The members of a leaf for a row: each committed one replaced, in order. */
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
    case "tombstone/v1":
      return head;
    case "fk-null/v1":
      return [...head, leaf.column];
    case "redact/v1":
      return [...head, leaf.column, leaf.ticket, ...leaf.approvers];
    default:
      return [...head, ...leaf.members];
  }
}

/** The columns of every log, without `id`, in the order of the table. */
export const layouts = byName((log) => LOGS_BY_NAME[log].leaf);

/** The columns of every log that its leaves commit to, in the order of the table. */
export const committedColumns = byName((log) =>
  layouts[log].filter(({ committed }) => committed)
);

/** The forms of a member; text and jsonb may be anything. */
const FORMS: Record<ColumnType, RegExp | null> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  text: null,
  integer: /^(0|-?[1-9]\d*)$/,
  numeric: /^(-?\d+(\.\d+)?|NaN)$/,
  boolean: /^(true|false)$/,
  timestamptz: /^(0|-?[1-9]\d*|-?infinity)$/,
  jsonb: null,
};

/** Whether a value could be the member of a column of this type. */
export function isMember(type: ColumnType, value: unknown): value is Member {
  if (value === null) return true;
  return typeof value === "string" && (FORMS[type]?.test(value) ?? true);
}

function byName(
  columnsOf: (log: LogName) => readonly LeafColumn[],
): Readonly<Record<LogName, readonly LeafColumn[]>> {
  return Object.fromEntries(
    LOG_NAMES.map((log) => [log, columnsOf(log)]),
  ) as Record<LogName, readonly LeafColumn[]>;
}
