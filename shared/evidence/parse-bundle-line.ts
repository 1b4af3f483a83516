import {
  BUNDLE_FORMAT,
  type BundleLine,
  type LeafEvidence,
  type RowEvidence,
} from "./bundle.ts";
import { SALT_BYTES } from "./commitment.ts";
import { isHex } from "../tlog/hex.ts";
import { committedColumns, isMember, layouts } from "./layouts.ts";
import { isLogName } from "../logs/index.ts";
import { HASH_BYTES } from "../tlog/sha256.ts";

/** A JSON object. */
type Members = Record<string, unknown>;

/** What a line of a bundle says; null if it is not of the format. */
export function parseBundleLine(text: string): BundleLine | null {
  const line = parseObject(text);
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

function isObject(value: unknown): value is Members {
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

function isHash(value: unknown): value is string {
  return typeof value === "string" && isHex(value, HASH_BYTES);
}

function isSalt(value: unknown): boolean {
  return value === null ||
    typeof value === "string" && isHex(value, SALT_BYTES);
}
