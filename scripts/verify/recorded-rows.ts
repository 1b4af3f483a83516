import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  layouts,
  type Leaf,
  type RowLeaf,
  toRowLeaf,
} from "../../shared/evidence/leaf.ts";
import { LOG_NAMES, type LogName } from "../../shared/logs/index.ts";
import type { LeafColumn, Member } from "../../shared/logs/log.ts";
import { equalsHex, fromHex } from "../../shared/tlog/encoding.ts";
import {
  appendLeaf,
  createFrontier,
  hashLeaf,
} from "../../shared/tlog/tree.ts";
import type { LeafEvidence, RowEvidence } from "./bundle.ts";
import { isRowLeaf, opens, parseLeaf } from "./parse-leaf.ts";
import { RowRegister } from "./row-register.ts";
import {
  createCounts,
  type EvidenceFinding,
  type EvidenceFindingCode,
  nameLeaf,
  toRowFault,
} from "./verdict.ts";

/** The count of each kind of leaf. */
const COUNTED = {
  "row/v1": "rows",
  "backfill/v1": "backfilled",
  "tombstone/v1": "tombstones",
  "fk-null/v1": "nulled",
  "redact/v1": "redacted",
  "seal/v1": "seals",
} as const;

/** Verifies the leaves of a bundle and their rows, one after the other. */
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

  /** The logs without a leaf of a row. */
  get emptyLogs(): LogName[] {
    return LOG_NAMES.filter((log) => !this.#register.hasRows(log));
  }

  /** The next leaf of the tree. */
  *addLeaf(index: number, evidence: LeafEvidence): Generator<EvidenceFinding> {
    if (index !== this.#next) {
      const detail = `Expected leaf ${this.#next}, found leaf ${index}`;
      yield { code: "index_gap", index, detail };
    }
    this.#next = index + 1;
    this.counts.leaves += 1;
    if ("data" in evidence) {
      appendLeaf(this.frontier, hashLeaf(evidence.data));
      yield* this.#addData(evidence.data, index);
    } else {
      appendLeaf(this.frontier, fromHex(evidence.hash));
      if (evidence.row !== null) this.counts[COUNTED[evidence.kind]] += 1;
      yield* this.#addRow(evidence, index);
    }
  }

  /** A leaf that the checkpoint does not cover yet. */
  *addPending(evidence: LeafEvidence): Generator<EvidenceFinding> {
    if ("data" in evidence) {
      this.counts.pendingEvents += 1;
      yield* this.#addData(evidence.data, null);
    } else {
      this.counts.pendingRows += 1;
      yield* this.#addRow(evidence, null);
    }
  }

  /** A row without a leaf. */
  *addUnrecorded(log: LogName, id: string): Generator<EvidenceFinding> {
    const detail = `The row ${id} of ${log} was not recorded: it has no leaf`;
    yield { code: "row_without_leaf", log, id, detail };
  }

  /** The contradictions between rows and leaves, after the last of them. */
  finish(): Generator<EvidenceFinding> {
    return this.#register.finish();
  }

  *#addRow(
    evidence: RowEvidence,
    index: number | null,
  ): Generator<EvidenceFinding> {
    const { kind, log, id, hash, row, salts } = evidence;
    const findings = row === null ? null : checkRow(evidence, row);
    if (findings !== null) {
      this.counts.rowsCompared += 1;
      this.counts.commitmentsOpened += findings.opened;
      for (const { code, sentence } of findings.faults) {
        yield toRowFault(code, { log, id, index }, sentence);
      }
    }
    const isNew = this.#register.addRow({
      kind,
      log,
      id,
      index,
      hash: row === null ? hash : null,
      hasSalts: salts.some((salt) => salt !== null),
      nulled: findings?.nulled ?? null,
    });
    if (!isNew) {
      const sentence = "has a second leaf";
      yield toRowFault("duplicate_leaf", { log, id, index }, sentence);
    }
  }

  *#addData(data: string, index: number | null): Generator<EvidenceFinding> {
    const parsed = parseLeaf(data);
    if ("fault" in parsed) {
      yield malformed(index, parsed.fault);
    } else if (isRowLeaf(parsed.leaf)) {
      yield malformed(
        index,
        "belongs to a row, of which a bundle has the hash",
      );
    } else {
      yield* this.#addEvent(parsed.leaf, index);
    }
  }

  *#addEvent(
    leaf: Exclude<Leaf, RowLeaf>,
    index: number | null,
  ): Generator<EvidenceFinding> {
    if (index !== null) this.counts[COUNTED[leaf.kind]] += 1;
    if (leaf.kind === "seal/v1") {
      if (index !== null) this.#cut = leaf.cut;
      return;
    }
    this.#register.addEvent(leaf, index);
    if (leaf.kind === "redact/v1" && leaf.approvers[0] === leaf.approvers[1]) {
      const { log, id } = leaf;
      const sentence =
        "had a value erased with the approval of one person, not two";
      yield toRowFault("redaction_unapproved", { log, id, index }, sentence);
    }
  }
}

function malformed(index: number | null, fault: string): EvidenceFinding {
  const detail = `The data of a leaf (${nameLeaf(index)}) ${fault}`;
  return { code: "leaf_malformed", ...index !== null && { index }, detail };
}

/** The comparison of an existing row with its leaf. */
type RowFindings = {
  faults: { code: EvidenceFindingCode; sentence: string }[];
  /** The number of committed values that open their commitments. */
  opened: number;
  /**
   * Committed columns that are NULL without opening their commitment: name → whether
   * the salt exists. Null if there are none.
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
  const leaf = toRowLeaf({ kind, log, id, members });
  if (!equalsHex(hashLeaf(formatLeaf(leaf)), hash)) {
    findings.faults.push({
      code: "row_differs",
      sentence: "differs from the recorded one: it does not hash to its leaf",
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
        `has a ${column} that cannot be verified, because its salt is missing`,
    });
  } else {
    findings.faults.push({
      code: "commitment_differs",
      sentence: `has a ${column} that differs from the recorded one`,
    });
  }
}
