import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  layouts,
  type Leaf,
  type RowLeaf,
} from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import type { LeafColumn, Member } from "../../shared/logs/log.ts";
import { equalsHex, fromHex } from "../../shared/tlog/encoding.ts";
import {
  appendLeaf,
  createFrontier,
  hashLeaf,
} from "../../shared/tlog/tree.ts";
import type { LeafEvidence, RowEvidence } from "./bundle.ts";
import { opens, parseLeaf } from "./parse-leaf.ts";
import { RowRegister } from "./row-register.ts";
import {
  createCounts,
  type EvidenceFault,
  type EvidenceFaultCode,
  nameLeaf,
  toRowFault,
} from "./verdict.ts";

/** The counts that the leaves of a kind add to. */
const COUNTED = {
  "row/v1": "rows",
  "backfill/v1": "backfilled",
  "tombstone/v1": "tombstones",
  "fk-null/v1": "nulled",
  "redact/v1": "redacted",
  "seal/v1": "seals",
} as const;

/** The leaves of a bundle and the rows that they are about, one after the other. */
export class RecordedRows {
  /** The tree of the leaves so far. */
  readonly frontier = createFrontier();
  readonly counts = createCounts();
  #cut: string | null = null;
  #next = 0;
  #register = new RowRegister();

  /** The cut of the last seal. */
  get cut(): string | null {
    return this.#cut;
  }

  /** The next leaf of the tree. */
  *addLeaf(index: number, evidence: LeafEvidence): Generator<EvidenceFault> {
    if (index !== this.#next) {
      const detail = `Leaf ${index} is where leaf ${this.#next} should be`;
      yield { code: "index_gap", index, detail };
    }
    this.#next = index + 1;
    this.counts.leaves += 1;
    if ("data" in evidence) {
      appendLeaf(this.frontier, hashLeaf(evidence.data));
      yield* this.#addData(evidence.data, index);
    } else {
      appendLeaf(this.frontier, fromHex(evidence.hash));
      this.counts[COUNTED[evidence.kind]] += 1;
      yield* this.#addRow(evidence, index);
    }
  }

  /** What is recorded, but not under a checkpoint. */
  *addPending(evidence: LeafEvidence): Generator<EvidenceFault> {
    if ("data" in evidence) {
      this.counts.pendingEvents += 1;
      yield* this.#addData(evidence.data, null);
    } else {
      this.counts.pendingRows += 1;
      yield* this.#addRow(evidence, null);
    }
  }

  /** A row that nothing was recorded of. */
  *addUnrecorded(log: LogName, id: string): Generator<EvidenceFault> {
    const detail = `The row ${id} of ${log} was not recorded: it has no leaf`;
    yield { code: "row_without_leaf", log, id, detail };
  }

  /** What does not fit together, once everything has been added. */
  settle(): Generator<EvidenceFault> {
    return this.#register.settle();
  }

  *#addRow(
    evidence: RowEvidence,
    index: number | null,
  ): Generator<EvidenceFault> {
    const { log, id, row, salts } = evidence;
    const findings = row === null ? null : checkRow(evidence, row);
    if (findings !== null) {
      this.counts.rowsCompared += 1;
      this.counts.commitmentsOpened += findings.opened;
      for (const { code, sentence } of findings.faults) {
        yield toRowFault(code, { log, id, index }, sentence);
      }
    }
    const isNew = this.#register.addRow({
      log,
      id,
      index,
      isThere: row !== null,
      hasSalts: salts.some((salt) => salt !== null),
      nulled: findings?.nulled ?? null,
    });
    if (!isNew) {
      const sentence = "has another leaf of its own";
      yield toRowFault("duplicate_leaf", { log, id, index }, sentence);
    }
  }

  *#addData(data: string, index: number | null): Generator<EvidenceFault> {
    const parsed = parseLeaf(data);
    if ("fault" in parsed) {
      yield malformed(index, parsed.fault);
    } else if (isRow(parsed.leaf)) {
      yield malformed(index, "is of a row, which a bundle gives by its hash");
    } else {
      yield* this.#addEvent(parsed.leaf, index);
    }
  }

  *#addEvent(
    leaf: Exclude<Leaf, RowLeaf>,
    index: number | null,
  ): Generator<EvidenceFault> {
    if (index !== null) this.counts[COUNTED[leaf.kind]] += 1;
    if (leaf.kind === "seal/v1") {
      if (index !== null) this.#cut = leaf.cut;
      return;
    }
    this.#register.addEvent(leaf, index);
    if (leaf.kind === "redact/v1" && leaf.approvers[0] === leaf.approvers[1]) {
      const { log, id } = leaf;
      const sentence = "had a value erased with one person's approval, not two";
      yield toRowFault("redaction_unapproved", { log, id, index }, sentence);
    }
  }
}

function isRow(leaf: Leaf): leaf is RowLeaf {
  return leaf.kind === "row/v1" || leaf.kind === "backfill/v1";
}

function malformed(index: number | null, what: string): EvidenceFault {
  const detail = `The data of a leaf (${nameLeaf(index)}) ${what}`;
  return { code: "leaf_malformed", ...index !== null && { index }, detail };
}

/** How a row that is there compares with its leaf. */
type RowFindings = {
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
function checkRow(
  { kind, log, id, hash, commitments, salts }: RowEvidence,
  row: readonly Member[],
): RowFindings {
  const findings: RowFindings = { faults: [], opened: 0, nulled: null };
  const members = hideCommitted(log, row, commitments);
  if (!equalsHex(hashLeaf(formatLeaf({ kind, log, id, members })), hash)) {
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
