import type { LogName } from "../../shared/logs/index.ts";
import type { OpenedCheckpoint } from "../../shared/tlog/checkpoint.ts";

/** What can be wrong with evidence: code → what it means. */
export const EVIDENCE_FAULTS = {
  malformed_line: "A line is not one of the format",
  misplaced_line: "A line is not where the format wants it",
  cut_off: "The bundle does not end with the count of its lines",
  checkpoint_untrusted: "A checkpoint is not what the policy trusts",
  checkpoint_missing: "No checkpoint of the bundle is to be trusted",
  quorum_missing: "Too few witnesses cosigned the newest checkpoint",
  checkpoints_differ: "The log signed two roots for the same size",
  root_differs: "The leaves do not have the root that was signed",
  leaves_missing: "A checkpoint covers more leaves than there are",
  leaves_unsigned: "Leaves are covered by no checkpoint",
  index_gap: "The indexes of leaves do not follow each other",
  leaf_malformed: "A leaf says nothing that a leaf can say",
  duplicate_leaf: "A row has more than one leaf",
  duplicate_event: "Leaves say the same of a row twice",
  event_without_row: "A leaf is about a row that has no leaf",
  row_differs: "A row is not what was recorded",
  commitment_differs: "A committed value is not what was recorded",
  salt_missing: "A committed value cannot be shown to be what was recorded",
  null_unexplained: "A committed value is gone and no leaf says why",
  value_after_erasure: "A value is there that a leaf says was erased",
  salt_kept: "The salt of a value is there that a leaf says was erased",
  redaction_unapproved: "A value was erased without two people's approval",
  row_missing: "A row is gone and no leaf says why",
  row_after_tombstone: "A row is there that a leaf says was deleted",
  row_without_leaf: "A row was not recorded",
} as const;

/** What is wrong with evidence, machine-readable. */
export type EvidenceFaultCode = keyof typeof EVIDENCE_FAULTS;

/** One thing that is wrong with evidence. */
export type EvidenceFault = {
  code: EvidenceFaultCode;
  log?: LogName;
  /** The row. */
  id?: string;
  /** The leaf. */
  index?: number;
  /** The line of the bundle, from 1. */
  line?: number;
  /** One sentence; holds no value of a row but its id. */
  detail: string;
};

/** What a bundle held. */
type EvidenceCounts = {
  lines: number;
  /** Signed checkpoints that are to be trusted, those held apart included. */
  checkpoints: number;
  /** Leaves of the tree. */
  leaves: number;
  /** Of these, rows, recorded when they were written. */
  rows: number;
  /** Of these, rows that were there before recording began. */
  backfilled: number;
  /** Of these, deletions together with what a row belonged to. */
  tombstones: number;
  /** Of these, references set to NULL. */
  nulled: number;
  /** Of these, values erased on request. */
  redacted: number;
  /** Of these, seals. */
  seals: number;
  /** Rows compared with what was recorded of them. */
  rowsCompared: number;
  /** Committed values shown to be what was recorded. */
  commitmentsOpened: number;
  /** Rows said to be recorded, in no signed tree yet. */
  pendingRows: number;
  /** Events of rows said to be recorded, in no signed tree yet. */
  pendingEvents: number;
};

/** Whether evidence holds, and what is wrong with it. */
export type Verdict = {
  ok: boolean;
  faults: EvidenceFault[];
  counts: EvidenceCounts;
  /** The newest checkpoint of the bundle, which everything hangs on. */
  newest: OpenedCheckpoint | null;
  /** The last seal's cut: all transactions below it are in the tree. */
  cut: string | null;
};

/** Counts of nothing. */
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

/** A fault of a row; `index` is that of a leaf, or null for a pending one. */
export function toRowFault(
  code: EvidenceFaultCode,
  { log, id, index }: { log: LogName; id: string; index: number | null },
  sentence: string,
): EvidenceFault {
  const detail = `The row ${id} of ${log} (${nameLeaf(index)}) ${sentence}`;
  return { code, log, id, ...index !== null && { index }, detail };
}

/** `leaf 12`, or `pending`. */
export function nameLeaf(index: number | null): string {
  return index === null ? "pending" : `leaf ${index}`;
}
