import {
  committedColumns,
  isMember,
  layouts,
  type RowKind,
} from "../../shared/evidence/leaf.ts";
import { isLogName, type LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import { HASH_BYTES, isHex } from "../../shared/tlog/encoding.ts";
import { SALT_BYTES } from "./parse-leaf.ts";

/**
 * The evidence bundle, format `ledger-evidence/v1`: a log's tree and rows as NDJSON
 * (UTF-8, a JSON object and a newline per line), which is verified without the database,
 * line by line:
 *
 * 1. `{"format":"ledger-evidence/v1","origin":"<origin of the log>"}`.
 * 2. `{"checkpoint":"<signed checkpoint>"}`, one or more, in any order. The largest one
 *    covers exactly the leaves that follow, and requires the quorum of witnesses.
 * 3. `{"leaf":{"index":<n>,…}}` for every leaf, by index from 0. A row's leaf:
 *    `kind` (`row/v1` or `backfill/v1`), `log` (table name), `id`, `hash` (the
 *    leaf hash, 64 hex digits) and, while the row is in its table, `row` (its
 *    members without `id`, committed ones in clear text), `commitments` (64 hex
 *    digits each, in the order of the committed columns) and `salts` (32 hex
 *    digits each, or null for a deleted one). `commitments` and `salts` are
 *    omitted for logs without committed columns; salts that still exist of a deleted row
 *    are included. The tombstone of a deleted row has the digest that computes `hash`.
 *    Every other leaf: `data`, its text.
 * 4. `{"pending":{…}}` for leaves that the checkpoint does not cover yet, of the same
 *    shape without `index`.
 * 5. `{"row":{"log":…,"id":…}}` for each row of a table without a leaf, pending or not.
 *    There should be none.
 * 6. `{"end":{"lines":<lines before this one>}}`.
 *
 * A line has one form, the text of {@linkcode formatBundleLine}. Readers of JSON disagree
 * on duplicate keys, and no signature covers additional members.
 */
export type BundleLine =
  | { type: "header"; origin: string }
  | { type: "checkpoint"; content: string }
  | { type: "leaf"; index: number; evidence: LeafEvidence }
  | { type: "pending"; evidence: LeafEvidence }
  | { type: "row"; log: LogName; id: string }
  | { type: "end"; lines: number };

/** The evidence of a leaf: of a row's leaf its hash, of another its data. */
export type LeafEvidence = RowEvidence | { data: string };

/** The evidence of a row's leaf and of the row. */
export type RowEvidence = {
  kind: RowKind;
  log: LogName;
  id: string;
  /** The leaf hash, in hex. */
  hash: string;
  /** The row's members without `id`; null if the row no longer exists. */
  row: readonly Member[] | null;
  /** One per committed column, in hex. */
  commitments: readonly string[];
  /** One per committed column, in hex; null for a deleted one. */
  salts: readonly (string | null)[];
};

/** The name of the format. */
export const BUNDLE_FORMAT = "ledger-evidence/v1";

/** A line of a bundle, without its newline. */
export function formatBundleLine(line: BundleLine): string {
  switch (line.type) {
    case "header":
      return JSON.stringify({ format: BUNDLE_FORMAT, origin: line.origin });
    case "checkpoint":
      return JSON.stringify({ checkpoint: line.content });
    case "leaf":
      return JSON.stringify({
        leaf: { index: line.index, ...toWire(line.evidence) },
      });
    case "pending":
      return JSON.stringify({ pending: toWire(line.evidence) });
    case "row":
      return JSON.stringify({ row: { log: line.log, id: line.id } });
    case "end":
      return JSON.stringify({ end: { lines: line.lines } });
  }
}

function toWire(evidence: LeafEvidence): Record<string, unknown> {
  if ("data" in evidence) return { data: evidence.data };
  const { kind, log, id, hash, row, commitments, salts } = evidence;
  const identity = { kind, log, id, hash };
  if (row === null) {
    const isKept = salts.some((salt) => salt !== null);
    return { ...identity, ...isKept && { salts } };
  }
  return {
    ...identity,
    row,
    ...commitments.length > 0 && {
      commitments,
      // A row whose salts were all deleted may come without a list.
      salts: commitments.map((_, at) => salts[at] ?? null),
    },
  };
}

/** A JSON object. */
export type Members = Record<string, unknown>;

/** Parses a line of a bundle; null if it is invalid or in another form. */
export function parseBundleLine(text: string): BundleLine | null {
  const line = readLine(parseObject(text));
  return line !== null && formatBundleLine(line) === text ? line : null;
}

function readLine(line: Members | null): BundleLine | null {
  if (line === null) return null;
  const { format, origin, checkpoint: content, leaf, pending, row, end } = line;
  if (format !== undefined) {
    return format === BUNDLE_FORMAT && isText(origin)
      ? { type: "header", origin }
      : null;
  }
  if (content !== undefined) {
    return isText(content) ? { type: "checkpoint", content } : null;
  }
  if (isObject(leaf)) {
    const evidence = readEvidence(leaf);
    const { index } = leaf;
    return evidence && isCount(index)
      ? { type: "leaf", index, evidence }
      : null;
  }
  if (isObject(pending)) {
    const evidence = readEvidence(pending);
    return evidence && { type: "pending", evidence };
  }
  if (isObject(row)) {
    return isLogName(row.log) && isId(row.id)
      ? { type: "row", log: row.log, id: row.id }
      : null;
  }
  return isObject(end) && isCount(end.lines)
    ? { type: "end", lines: end.lines }
    : null;
}

function readEvidence(leaf: Members): LeafEvidence | null {
  const { data, kind, log, id, hash, row = null, salts } = leaf;
  if (data !== undefined) return isText(data) ? { data } : null;
  if (kind !== "row/v1" && kind !== "backfill/v1") return null;
  if (!isLogName(log) || !isId(id) || !isHash(hash)) return null;
  const committed = committedColumns[log].length;
  const { commitments = [] } = leaf;
  const read = salts ?? new Array(committed).fill(null);
  const isWhole = isListOf(read, committed, isSalt) && (row === null ||
    isListOf(row, layouts[log].length, isMemberText) &&
      isListOf(commitments, committed, isHash));
  return isWhole
    ? { kind, log, id, hash, row, commitments, salts: read } as RowEvidence
    : null;
}

function parseObject(text: string): Members | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOf(
  value: unknown,
  length: number,
  isItem: (item: unknown) => boolean,
): boolean {
  return Array.isArray(value) && value.length === length &&
    value.every(isItem);
}

/** Text that has a UTF-8 form. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function isMemberText(value: unknown): boolean {
  return value === null || isText(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown): value is string {
  return value !== null && isMember("uuid", value);
}

/** Whether a JSON value is a SHA-256 hash in hex. */
export function isHash(value: unknown): value is string {
  return typeof value === "string" && isHex(value, HASH_BYTES);
}

/** Whether a JSON value is a salt in hex, or null. */
export function isSalt(value: unknown): value is string | null {
  return value === null ||
    typeof value === "string" && isHex(value, SALT_BYTES);
}
