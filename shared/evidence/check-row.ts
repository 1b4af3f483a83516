import type { RowEvidence } from "./bundle.ts";
import { opens } from "./commitment.ts";
import { isHexOf } from "../tlog/hex.ts";
import { committedColumns, layouts } from "./layouts.ts";
import type { LeafColumn, Member } from "../logs/leaf-columns.ts";
import { formatLeaf, hideCommitted } from "./leaf.ts";
import { hashLeaf } from "../tlog/tree.ts";
import type { EvidenceFaultCode } from "./verdict.ts";

/** How a row that is there compares with its leaf. */
export type RowFindings = {
  faults: { code: EvidenceFaultCode; sentence: string }[];
  /** Committed values shown to be what was recorded. */
  opened: number;
  /**
   * Committed columns that are NULL and not shown to have been: name → whether
   * the salt is kept. Null if there are none.
   */
  nulled: Map<string, { hasSalt: boolean }> | null;
};

/** Compares a row with the hash and the commitments of its leaf. */
export function checkRow(
  { kind, log, id, hash, commitments, salts }: RowEvidence,
  row: readonly Member[],
): RowFindings {
  const findings: RowFindings = { faults: [], opened: 0, nulled: null };
  const members = hideCommitted(log, row, commitments);
  if (!isHexOf(hashLeaf(formatLeaf({ kind, log, id, members })), hash)) {
    findings.faults.push({
      code: "row_differs",
      sentence: "is not what was recorded: it does not hash to its leaf",
    });
  }
  const columns: readonly LeafColumn[] = layouts[log];
  for (const [at, column] of committedColumns[log].entries()) {
    const value = row[columns.indexOf(column)];
    openCommitment(column.name, value, commitments[at], salts[at], findings);
  }
  return findings;
}

function openCommitment(
  column: string,
  value: Member,
  commitment: string,
  salt: string | null,
  findings: RowFindings,
): void {
  if (salt !== null && opens(commitment, salt, value)) {
    findings.opened += 1;
  } else if (value === null) {
    findings.nulled ??= new Map();
    findings.nulled.set(column, { hasSalt: salt !== null });
  } else if (salt === null) {
    findings.faults.push({
      code: "salt_missing",
      sentence:
        `has a ${column} whose salt is gone, so that it cannot be shown to be the one recorded`,
    });
  } else {
    findings.faults.push({
      code: "commitment_differs",
      sentence: `has a ${column} that is not the one recorded`,
    });
  }
}
