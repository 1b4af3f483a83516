import type { LogName } from "../../shared/logs/index.ts";
import type { OpenedCheckpoint } from "../../shared/tlog/checkpoint.ts";

/** The findings of the verifier: code → meaning. */
export const EVIDENCE_FINDINGS = {
  malformed_line: "A line is not valid in the format",
  misplaced_line: "A line is out of order",
  cut_off: "The bundle does not end with its line count: it is truncated",
  checkpoint_untrusted: "The policy does not trust a checkpoint",
  checkpoint_missing: "The bundle has no trusted checkpoint",
  quorum_missing: "Too few witnesses cosigned the newest checkpoint",
  checkpoints_differ:
    "The log signed two roots for the same size (a split view)",
  root_differs: "The leaves do not have the signed root",
  leaves_missing: "A checkpoint covers more leaves than the bundle has",
  leaves_unsigned: "The newest checkpoint does not cover all leaves",
  index_gap: "The indexes of leaves are not consecutive",
  leaf_malformed: "The data of a leaf is invalid",
  duplicate_leaf: "A row has more than one leaf",
  duplicate_event: "Two leaves record the same change of a row",
  event_without_row: "A leaf records a change of a row without a leaf",
  row_differs: "A row differs from the recorded one",
  commitment_differs: "A committed value differs from the recorded one",
  salt_missing:
    "A committed value cannot be verified, because its salt is missing",
  null_unexplained:
    "A committed value is NULL, and no leaf records its erasure",
  value_after_erasure: "A value exists, although a leaf records its erasure",
  salt_kept: "The salt of an erased value exists",
  redaction_unapproved: "A value was erased without the approval of two people",
  row_missing: "A row is missing, and no leaf records its deletion",
  row_after_tombstone: "A row exists, although a leaf records its deletion",
  tombstone_differs:
    "The leaf of a missing row is not the one whose deletion is recorded: its identity was modified",
  row_without_leaf: "A row has no leaf",
  receipt_differs:
    "A receipt does not belong to the row beside it, or its leaf is not in the evidence",
  change_unsigned:
    "A signed row was deleted or blanked, and no signed leaf records it: seal and export again",
} as const;

/** The code of a finding. */
export type EvidenceFindingCode = keyof typeof EVIDENCE_FINDINGS;

/** A finding about evidence. */
export type EvidenceFinding = {
  code: EvidenceFindingCode;
  log?: LogName;
  /** The row. */
  id?: string;
  /** The leaf. */
  index?: number;
  /** The line of the bundle, from 1. */
  line?: number;
  /** One sentence without values of rows, ids excepted. */
  detail: string;
};

/** The counts of a bundle. */
type EvidenceCounts = {
  lines: number;
  /** Trusted checkpoints, held ones included. */
  checkpoints: number;
  /** Leaves of the tree. */
  leaves: number;
  /** Leaves of existing rows that were recorded on write. */
  rows: number;
  /** Leaves of existing rows that were backfilled. */
  backfilled: number;
  /** Leaves of cascading deletions. */
  tombstones: number;
  /** Leaves of references set to NULL. */
  nulled: number;
  /** Leaves of erased values. */
  redacted: number;
  /** Leaves of seals. */
  seals: number;
  /** Rows compared with their leaves. */
  rowsCompared: number;
  /** Committed values that open their commitments. */
  commitmentsOpened: number;
  /** Rows whose leaves the checkpoint does not cover yet. */
  pendingRows: number;
  /** Changes of rows whose leaves the checkpoint does not cover yet. */
  pendingEvents: number;
};

/** The result of verifying a bundle. */
export type Verdict = {
  ok: boolean;
  faults: EvidenceFinding[];
  counts: EvidenceCounts;
  /** The newest checkpoint of the bundle, which authenticates the leaves. */
  newest: OpenedCheckpoint | null;
  /** Leaves that the largest trusted held checkpoint covers; null without one. */
  heldSize: number | null;
  /** The logs of which the bundle has no leaf of a row. */
  emptyLogs: LogName[];
  /** The last seal's cut: all transactions below it are in the tree. */
  cut: string | null;
};

/** Counts of zero. */
export function createCounts(): EvidenceCounts {
  return {
    lines: 0,
    checkpoints: 0,
    leaves: 0,
    rows: 0,
    backfilled: 0,
    tombstones: 0,
    nulled: 0,
    redacted: 0,
    seals: 0,
    rowsCompared: 0,
    commitmentsOpened: 0,
    pendingRows: 0,
    pendingEvents: 0,
  };
}

/** A finding about a row; `index` is that of its leaf, null if it is pending. */
export function toRowFault(
  code: EvidenceFindingCode,
  { log, id, index }: { log: LogName; id: string; index: number | null },
  sentence: string,
): EvidenceFinding {
  const detail = `The row ${id} of ${log} (${nameLeaf(index)}) ${sentence}`;
  return { code, log, id, ...index !== null && { index }, detail };
}

/** `leaf 12`, or `pending`. */
export function nameLeaf(index: number | null): string {
  return index === null ? "pending" : `leaf ${index}`;
}
