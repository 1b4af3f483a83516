import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  isMember,
  layouts,
  type RowKind,
  type RowLeaf,
} from "../../shared/evidence/leaf.ts";
import { LOG_NAMES, type LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import { equalsHex, HASH_BYTES, isHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import { opens, SALT_BYTES } from "./parse-leaf.ts";
import { nameInput, readText } from "./read-evidence.ts";
import { isExact, parseExact, toMembers } from "./receipt-row.ts";
import { VerifierError } from "./verifier-error.ts";

/** A JSON object. */
type Members = Record<string, unknown>;

/** A receipt that the sender of an event kept, and what came with it. */
export type GivenReceipt = {
  /** The row that it is of, where the answer said so. */
  id: string | null;
  kind: RowKind;
  /** The leaf hash, in hex. */
  hash: string;
  /** One for each committed column, in hex. */
  commitments: string[];
  /** One for each committed column, in hex; null for one that is gone. */
  salts: (string | null)[];
  /** The row, as the answer to a single event shows it. */
  row: Members | null;
};

/** Where the evidence has the leaf of a receipt, or what the receipt then has. */
export type LeafLocation =
  /** `index` is null for a leaf that no checkpoint covers yet. */
  | { index: number | null; log?: LogName; id?: string }
  | { missing: string };

/** What a receipt has whose leaf is not in a tree. */
export const NOT_IN_TREE: LeafLocation = {
  missing:
    "has a leaf that is not in the tree: if the checkpoint is newer than the receipt, the leaf was left out; otherwise get evidence under a newer checkpoint",
};

/** What a receipt shows beside the evidence. */
export type CheckedReceipt = {
  /** One line about it. */
  summary: string;
  findings: string[];
  notChecked: string[];
  /** The row beside it, if that is what was recorded. */
  opened: OpenedRow | null;
};

/** A row that hashes to its leaf. */
export type OpenedRow = {
  leaf: RowLeaf;
  /** The values of committed columns that are shown to be what was recorded. */
  values: ReadonlyMap<string, Member>;
};

/**
 * The receipts of files, each an answer to `Prefer: return=receipt`: of a single
 * event, of a batch, or the receipt alone.
 *
 * @throws {VerifierError} for a file without a whole receipt.
 */
export async function readReceipts(paths: string[]): Promise<GivenReceipt[]> {
  const receipts: GivenReceipt[] = [];
  for (const path of paths) {
    const found = findReceipts(parseExact(await readText(path)));
    if (found.length === 0) {
      throw new VerifierError(
        `${
          nameInput(path)
        } holds no receipt; pass the JSON answer to a POST with Prefer: return=receipt`,
      );
    }
    for (const members of found) {
      const receipt = toReceipt(members);
      if (receipt === null) {
        throw new VerifierError(
          `${
            nameInput(path)
          } holds a receipt that is cut off or changed; post the same event with the same id again to get it anew`,
        );
      }
      receipts.push(receipt);
    }
  }
  return receipts;
}

/** Whether JSON, as `parseExact` reads it, holds a receipt. */
export function holdsReceipt(json: unknown): boolean {
  return findReceipts(json).length > 0;
}

/** Compares a receipt with the row beside it, and says where its leaf is. */
export function checkReceipt(
  receipt: GivenReceipt,
  place: LeafLocation,
): CheckedReceipt {
  const { id, hash, salts } = receipt;
  const subject = `The receipt of ${
    id === null ? `the leaf ${hash}` : `the row ${id}`
  }`;
  const row = receipt.row === null ? null : compareRow(receipt);
  const findings = [...comparePlace(receipt, place), ...row?.findings ?? []]
    .map((sentence) => `${subject} ${sentence}`);
  const opened = row?.opened ?? null;
  const where = "index" in place && place.index !== null
    ? `leaf ${place.index}`
    : "no leaf of the tree";
  return {
    summary: opened === null
      ? `${subject}: ${where}`
      : `${subject}: ${where}, ${opened.values.size} of ${salts.length} committed values opened`,
    findings,
    notChecked: row?.notChecked ??
      [`the row of the leaf ${hash}: the receipt came without it`],
    opened,
  };
}

function comparePlace({ id }: GivenReceipt, place: LeafLocation): string[] {
  if ("missing" in place) return [place.missing];
  if (place.index === null) {
    return [
      "has a leaf that no checkpoint covers yet: seal, and export the evidence again",
    ];
  }
  return id !== null && place.id !== undefined && place.id !== id
    ? [`has the leaf of another row, ${place.id}`]
    : [];
}

/** Compares the row beside a receipt with the receipt. */
function compareRow(
  receipt: GivenReceipt,
): { findings: string[]; notChecked: string[]; opened: OpenedRow | null } {
  // An answer does not name its log; the hash of the leaf does.
  for (const log of LOG_NAMES) {
    const members = toMembers(log, receipt.row!);
    const leaf = members && findLeaf(log, members, receipt);
    if (leaf) return openColumns(leaf, members, receipt);
  }
  const sentence =
    "has a row beside it that does not hash to its leaf: one of the two was changed";
  return { findings: [sentence], notChecked: [], opened: null };
}

function openColumns(
  leaf: RowLeaf,
  members: readonly Member[],
  { row, commitments, salts }: GivenReceipt,
) {
  const findings: string[] = [];
  const notChecked: string[] = [];
  const values = new Map<string, Member>();
  const committed = layouts[leaf.log].flatMap((column, at) =>
    column.committed ? [{ name: column.name, member: members[at] }] : []
  );
  for (const [at, { name, member }] of committed.entries()) {
    const salt = salts[at];
    if (salt === null) {
      notChecked.push(`${name} of ${leaf.id}: the receipt has no salt of it`);
    } else if (opens(commitments[at], salt, member)) {
      values.set(name, member);
    } else if (isExact(row![name])) {
      findings.push(`has a ${name} beside it that is not the one recorded`);
    } else {
      notChecked.push(
        `${name} of ${leaf.id}: an answer may show its numbers otherwise than they were recorded; a bundle has them as recorded`,
      );
    }
  }
  return { findings, notChecked, opened: { leaf, values } };
}

/** The leaf of a row of this log; null if it is not the receipt's. */
function findLeaf(
  log: LogName,
  row: readonly Member[],
  { kind, id, hash, commitments, salts }: GivenReceipt,
): RowLeaf | null {
  const committed = committedColumns[log].length;
  if (commitments.length !== committed || salts.length !== committed) {
    return null;
  }
  const members = hideCommitted(log, row, commitments);
  const leaf: RowLeaf = { kind, log, id: id!, members };
  return equalsHex(hashLeaf(formatLeaf(leaf)), hash) ? leaf : null;
}

/** The objects that have a receipt, or are one. */
function findReceipts(json: unknown): Members[] {
  if (Array.isArray(json)) return json.flatMap(findReceipts);
  if (!isObject(json)) return [];
  if (isObject(json.receipt)) return [json];
  if (Object.hasOwn(json, "leaf_hash")) return [{ receipt: json }];
  return Array.isArray(json.results) ? json.results.flatMap(findReceipts) : [];
}

function toReceipt(
  { receipt, warnings: _, ...row }: Members,
): GivenReceipt | null {
  const { kind, leaf_hash: hash, commitments, salts } = receipt as Members;
  const isWhole = (kind === "row/v1" || kind === "backfill/v1") &&
    isHash(hash) && Array.isArray(commitments) && commitments.every(isHash) &&
    Array.isArray(salts) && salts.every(isSalt);
  if (!isWhole) return null;
  const id = typeof row.id === "string" && isMember("uuid", row.id)
    ? row.id
    : null;
  // The results of a batch say what became of an event, and not its row.
  const hasRow = id !== null && !Object.hasOwn(row, "outcome") &&
    Object.keys(row).length > 1;
  return { id, kind, hash, commitments, salts, row: hasRow ? row : null };
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isHash(value: unknown): value is string {
  return typeof value === "string" && isHex(value, HASH_BYTES);
}

function isSalt(value: unknown): value is string | null {
  return value === null ||
    typeof value === "string" && isHex(value, SALT_BYTES);
}
