import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  isMember,
  layouts,
  type RecordedRow,
  type RowKind,
  toRowLeaf,
} from "../../shared/evidence/leaf.ts";
import { LOG_NAMES, type LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import { equalsHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import { isHash, isObject, isSalt, type Members } from "./bundle.ts";
import { listAnswerLimits, listUnknownRow } from "./not-checked.ts";
import { opens } from "./parse-leaf.ts";
import { nameInput, readText } from "./read-evidence.ts";
import { isExact, parseExact, toMembers } from "./receipt-row.ts";
import { VerifierError } from "./verifier-error.ts";

/** A receipt that the sender of an event kept, with the row of the same answer. */
export type GivenReceipt = {
  /** The id of the row, if the answer has it. */
  id: string | null;
  kind: RowKind;
  /** The leaf hash, in hex. */
  hash: string;
  /** One per committed column, in hex. */
  commitments: string[];
  /** One per committed column, in hex; null for a deleted one. */
  salts: (string | null)[];
  /** The row in the answer to a single event. */
  row: Members | null;
};

/** The location of a receipt's leaf in the evidence, or the finding if it is missing. */
export type LeafLocation =
  /** `index` is null for a leaf that no checkpoint covers yet. */
  | { index: number | null; log?: LogName; id?: string }
  | { missing: string };

/** The finding for a receipt whose leaf is not in the tree. */
export const NOT_IN_TREE: LeafLocation = {
  missing:
    "has a leaf that is not in the tree: if the checkpoint is newer than the receipt, the leaf was left out; otherwise get evidence under a newer checkpoint",
};

/** The result of comparing a receipt with the evidence. */
export type CheckedReceipt = {
  /** One line about the receipt. */
  summary: string;
  findings: string[];
  notChecked: string[];
  /** The row of the answer, if it is the recorded one. */
  opened: OpenedRow | null;
};

/** A row that hashes to its leaf. */
export type OpenedRow = {
  row: RecordedRow;
  /** The committed values that open their commitments. */
  values: ReadonlyMap<string, Member>;
};

/**
 * The receipts of files, each an answer to `Prefer: return=receipt`: of a single event,
 * of a batch, or only the receipt.
 *
 * @throws {VerifierError} for a file without a complete receipt.
 */
export async function readReceipts(paths: string[]): Promise<GivenReceipt[]> {
  const receipts: GivenReceipt[] = [];
  for (const path of paths) {
    const found = findReceipts(parseExact(await readText(path)));
    if (found.length === 0) {
      throw new VerifierError(
        `${
          nameInput(path)
        } does not contain a receipt; pass the JSON answer to a POST with Prefer: return=receipt`,
      );
    }
    for (const members of found) {
      const receipt = toReceipt(members);
      if (receipt === null) {
        throw new VerifierError(
          `${
            nameInput(path)
          } contains a truncated or changed receipt; post the same event with the same id again to get a new copy`,
        );
      }
      receipts.push(receipt);
    }
  }
  return receipts;
}

/** Whether JSON of `parseExact` contains a receipt. */
export function holdsReceipt(json: unknown): boolean {
  return findReceipts(json).length > 0;
}

/** Compares a receipt with the location of its leaf and with the row of its answer. */
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
    notChecked: row?.notChecked ?? listUnknownRow(hash),
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

/** Compares a receipt with the row of its answer. */
function compareRow(
  receipt: GivenReceipt,
): { findings: string[]; notChecked: string[]; opened: OpenedRow | null } {
  // The answer does not name its log, so the hash of the leaf identifies it.
  for (const log of LOG_NAMES) {
    const members = toMembers(log, receipt.row!);
    const recorded = members && findRow(log, members, receipt);
    if (recorded) return openColumns(recorded, members, receipt);
  }
  const sentence =
    "comes with a row that does not hash to its leaf: the row or the receipt was changed";
  return { findings: [sentence], notChecked: [], opened: null };
}

function openColumns(
  recorded: RecordedRow,
  members: readonly Member[],
  { row, commitments, salts }: GivenReceipt,
) {
  const findings: string[] = [];
  const unsalted: string[] = [];
  const inexact: string[] = [];
  const values = new Map<string, Member>();
  const committed = layouts[recorded.log].flatMap((column, at) =>
    column.committed ? [{ name: column.name, member: members[at] }] : []
  );
  for (const [at, { name, member }] of committed.entries()) {
    const salt = salts[at];
    if (salt === null) {
      unsalted.push(name);
    } else if (opens(commitments[at], salt, member)) {
      values.set(name, member);
    } else if (isExact(row![name])) {
      findings.push(`comes with a ${name} that differs from the recorded one`);
    } else {
      inexact.push(name);
    }
  }
  // The layout lacks the id.
  const hasMore = Object.keys(row!).length > layouts[recorded.log].length + 1;
  const limits = { unsalted, inexact, hasMore };
  const notChecked = listAnswerLimits(recorded.id, limits);
  return { findings, notChecked, opened: { row: recorded, values } };
}

/** The recorded row in this log; null if the hash of its leaf is not the receipt's. */
function findRow(
  log: LogName,
  row: readonly Member[],
  { kind, id, hash, commitments, salts }: GivenReceipt,
): RecordedRow | null {
  const committed = committedColumns[log].length;
  if (commitments.length !== committed || salts.length !== committed) {
    return null;
  }
  const members = hideCommitted(log, row, commitments);
  const recorded = { kind, log, id: id!, members };
  const leaf = formatLeaf(toRowLeaf(recorded));
  return equalsHex(hashLeaf(leaf), hash) ? recorded : null;
}

/** The objects with a receipt. */
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
  // The results of a batch have the outcome of an event, not its row.
  const hasRow = id !== null && !Object.hasOwn(row, "outcome") &&
    Object.keys(row).length > 1;
  return { id, kind, hash, commitments, salts, row: hasRow ? row : null };
}
