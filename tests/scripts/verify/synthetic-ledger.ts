import { decodeHex } from "@std/encoding/hex.js";
import {
  type BundleLine,
  formatBundleLine,
  type LeafEvidence,
} from "../../../scripts/verify/bundle.ts";
import { signCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { commitTo } from "../../../scripts/verify/parse-leaf.ts";
import { cosign, formatNote } from "../../../shared/tlog/note.ts";
import {
  committedColumns,
  formatLeaf,
  hideCommitted,
  layouts,
  type RowKind,
  type RowLeaf,
  toRowLeaf,
} from "../../../shared/evidence/leaf.ts";
import type { LogName } from "../../../shared/logs/index.ts";
import type { LeafColumn, Member } from "../../../shared/logs/log.ts";
import type { SignerKey } from "../../../shared/tlog/keys.ts";
import type { Policy } from "../../../shared/tlog/policy.ts";
import { type Bytes, sha256, toHex } from "../../../shared/tlog/encoding.ts";
import { hashLeaf, hashTree } from "../../../shared/tlog/tree.ts";
import {
  makeSigner,
  readNote,
  readPolicy,
} from "../../support/tlog-parsers.ts";

/** A row of a table. */
export type SyntheticRow = { log: LogName; id: string; members: Member[] };

/** A leaf as the database keeps it: of a row only its hash and commitments. */
export type SyntheticLeaf =
  | {
    kind: RowKind;
    log: LogName;
    id: string;
    hash: string;
    commitments: string[];
    /** The digest of the row, which the database does not keep. */
    digest: string;
  }
  | { data: string };

/**
 * Tables, leaves, salts and checkpoints in memory, for any tampering: the bundle
 * contains every change of a test.
 */
export class SyntheticLedger {
  rows = new Map<string, SyntheticRow>();
  /** Leaves in the tree. */
  leaves: SyntheticLeaf[] = [];
  /** Leaves that are not sealed. */
  pending: SyntheticLeaf[] = [];
  /** By row, in the order of the committed columns; null if deleted. */
  salts = new Map<string, (string | null)[]>();
  checkpoints: string[] = [];
  #count = 0;

  private constructor(
    /** The log's key, which a thief may use as well. */
    readonly log: SignerKey,
    readonly witnesses: readonly SignerKey[],
    /** Two of three witnesses. */
    readonly policy: Policy,
  ) {}

  static async create(): Promise<SyntheticLedger> {
    const log = await makeSigner("example.com/ledger", "note");
    const witnesses = await Promise.all(
      ["w1", "w2", "w3"].map((name) =>
        makeSigner(`witness.example/${name}`, "cosignature")
      ),
    );
    const policy = readPolicy([
      `log ${log.vkey}`,
      ...witnesses.map(({ vkey }, at) => `witness w${at + 1} ${vkey}`),
      "group two 2 w1 w2 w3",
      "quorum two\n",
    ].join("\n"));
    return new SyntheticLedger(
      log.signer,
      witnesses.map(({ signer }) => signer),
      policy,
    );
  }

  /** Records a model call; `changes` are members by column. */
  recordCall(changes: Record<string, Member> = {}): SyntheticRow {
    return this.record("llm_usage_log", {
      firm_id: uuid("f", 1),
      cma_project_id: uuid("c", 1 + this.#count % 7),
      model: "gemini-2.0-flash",
      task_type: "extraction",
      input_tokens: String(1_000 + this.#count),
      output_tokens: "80",
      cost_usd: "0.000124",
      latency_ms: null,
      success: "true",
      error_message: null,
      created_at: String(1_791_192_600_000_000 + this.#count),
      ...changes,
    });
  }

  /** Records an audit event; `changes` are members by column. */
  recordAudit(changes: Record<string, Member> = {}): SyntheticRow {
    return this.record("audit_log", {
      firm_id: uuid("f", 1),
      user_id: uuid("a", 1 + this.#count % 5),
      action: "create_project",
      entity_type: "cma_project",
      entity_id: null,
      metadata: `{"file_count": ${this.#count}}`,
      ip_address: "2001:db8::1",
      created_at: String(1_791_192_600_000_000 + this.#count),
      ...changes,
    });
  }

  /** Inserts a row and captures its leaf, as the trigger does. */
  record(
    log: LogName,
    members: Record<string, Member>,
    kind: RowKind = "row/v1",
  ): SyntheticRow {
    const row = this.insertQuietly(log, members);
    const salts = committedColumns[log].map(({ name }) => saltOf(row.id, name));
    this.salts.set(row.id, salts);
    this.pending.push(this.toLeaf(row, kind));
    return row;
  }

  /** Inserts a row behind the triggers. */
  insertQuietly(log: LogName, members: Record<string, Member>): SyntheticRow {
    const id = uuid("7", ++this.#count);
    const row = {
      log,
      id,
      members: layouts[log].map(({ name }) => members[name] ?? null),
    };
    this.rows.set(id, row);
    return row;
  }

  /** The leaf of a row as it is now, with the salts that it has now. */
  toLeaf(
    row: SyntheticRow,
    kind: RowKind = "row/v1",
  ): Extract<SyntheticLeaf, RowLeaf> {
    const { log, id } = row;
    const commitments = committedColumns[log].map(({ name }, at) =>
      commitTo(
        decodeHex(this.salts.get(id)![at] ?? saltOf(id, name)),
        row.members[columnAt(log, name)],
      )
    );
    const members = hideCommitted(log, row.members, commitments);
    const leaf = toRowLeaf({ kind, log, id, members });
    return { ...leaf, hash: toHex(hashLeaf(formatLeaf(leaf))), commitments };
  }

  /** Changes a value behind the triggers. */
  setQuietly(row: SyntheticRow, column: string, value: Member): void {
    row.members[columnAt(row.log, column)] = value;
  }

  /** SET NULL: deletes the reference and its salt, and adds a leaf. */
  nullReference(row: SyntheticRow, column: string): void {
    this.#erase(row, column);
    const { log, id } = row;
    this.pending.push({
      data: formatLeaf({ kind: "fk-null/v1", log, id, column }),
    });
  }

  /** Erasure: deletes the value and its salt, and adds a leaf. */
  redact(
    row: SyntheticRow,
    column: string,
    approvers: [string, string] = ["ann", "bob"],
  ): void {
    this.#erase(row, column);
    const { log, id } = row;
    this.pending.push({
      data: formatLeaf({
        kind: "redact/v1",
        log,
        id,
        column,
        ticket: "T-1",
        approvers,
      }),
    });
  }

  /** CASCADE: deletes the row and its salts, and adds a leaf. */
  cascade({ log, id }: SyntheticRow): void {
    this.rows.delete(id);
    this.salts.delete(id);
    const own = [...this.leaves, ...this.pending]
      .find((leaf) => "hash" in leaf && leaf.log === log && leaf.id === id);
    const digest = own && "hash" in own ? own.digest : null;
    this.addTombstone({ log, id }, digest);
  }

  /** Adds a tombstone by hand. */
  addTombstone(
    { log, id }: Pick<SyntheticRow, "log" | "id">,
    digest: string | null,
  ): void {
    this.pending.push({
      data: formatLeaf({ kind: "tombstone/v1", log, id, digest }),
    });
  }

  /** Puts what is pending, and a seal, into the tree. */
  seal(): void {
    const sealed = this.pending.splice(0);
    const seal = formatLeaf({
      kind: "seal/v1",
      cut: String(1_000 + this.leaves.length),
      sealed: String(sealed.length),
    });
    this.leaves.push(...sealed, { data: seal });
  }

  /** Seals and publishes a checkpoint, cosigned by the first witnesses. */
  async publish(cosigners = 2): Promise<string> {
    this.seal();
    const content = await this.sign(cosigners);
    this.checkpoints.push(content);
    return content;
  }

  /** A checkpoint of the leaves as they are now, cosigned by the first witnesses. */
  async sign(cosigners: number): Promise<string> {
    const root = hashTree(this.leaves.map(toHash));
    const note = readNote(
      await signCheckpoint({ size: this.leaves.length, root }, this.log),
    );
    const cosignatures = await Promise.all(
      this.witnesses.slice(0, cosigners).map((key) =>
        cosign(note.text, key, 1_800_000_000n)
      ),
    );
    return formatNote({
      ...note,
      signatures: [...note.signatures, ...cosignatures],
    });
  }

  /** The bundle of everything, as an exporter writes it. */
  *lines(): Generator<string> {
    let count = 0;
    for (const line of this.#bundle()) {
      count += 1;
      yield formatBundleLine(line);
    }
    yield formatBundleLine({ type: "end", lines: count });
  }

  *#bundle(): Generator<BundleLine> {
    yield { type: "header", origin: this.log.verifier.name };
    for (const content of this.checkpoints) {
      yield { type: "checkpoint", content };
    }
    const recorded = new Set<string>();
    for (const [index, leaf] of this.leaves.entries()) {
      if ("id" in leaf) recorded.add(leaf.id);
      yield { type: "leaf", index, evidence: this.#toEvidence(leaf) };
    }
    for (const leaf of this.pending) {
      if ("id" in leaf) recorded.add(leaf.id);
      yield { type: "pending", evidence: this.#toEvidence(leaf) };
    }
    for (const { log, id } of this.rows.values()) {
      if (!recorded.has(id)) yield { type: "row", log, id };
    }
  }

  #toEvidence(leaf: SyntheticLeaf): LeafEvidence {
    if ("data" in leaf) return leaf;
    const row = this.rows.get(leaf.id)?.members ?? null;
    const salts = this.salts.get(leaf.id) ??
      committedColumns[leaf.log].map(() => null);
    return { ...leaf, row, salts };
  }

  #erase(row: SyntheticRow, column: string): void {
    this.setQuietly(row, column, null);
    const at = committedColumns[row.log].findIndex(({ name }) =>
      name === column
    );
    this.salts.get(row.id)![at] = null;
  }
}

/** The place of a column among the members of a row. */
function columnAt(log: LogName, column: string): number {
  const columns: readonly LeafColumn[] = layouts[log];
  return columns.findIndex(({ name }) => name === column);
}

/** A UUID of a sort (a hex digit) and a number. */
export function uuid(sort: string, number: number): string {
  return `${sort}0000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** The hash of a leaf that is kept. */
function toHash(leaf: SyntheticLeaf): Bytes {
  return "data" in leaf ? hashLeaf(leaf.data) : decodeHex(leaf.hash);
}

function saltOf(id: string, column: string): string {
  return toHex(sha256(new TextEncoder().encode(`${id} ${column}`))).slice(
    0,
    32,
  );
}
