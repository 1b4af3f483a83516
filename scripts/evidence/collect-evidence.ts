import { StackError } from "../../local/stack-error.ts";
import { LOG_NAMES, type LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import {
  type BundleLine,
  formatBundleLine,
  type LeafEvidence,
} from "../verify/bundle.ts";
import { getText, postJson, type Project } from "./project-rest.ts";

/** Leaves per call; each call returns one JSON value, so PostgREST's row limit does not apply. */
const PAGE_LEAVES = 2_000;

/** A bundle is a consistent snapshot: after a concurrent change the logs are read again. */
const MAX_ATTEMPTS = 5;

/** A leaf of the export, with its row while that exists. */
type ExportedLeaf = {
  index: number;
  kind: string;
  log?: LogName;
  id?: string;
  hash: string;
  commitments?: string[];
  data?: string;
  texts?: Member[];
  salts?: (string | null)[];
};

type PendingLeaf = Omit<ExportedLeaf, "index"> & { seq: number };

type State = {
  size: number;
  event_count: number;
  backlog: number;
};

/**
 * Reads the evidence and passes each line of the bundle to `write`; `restart` discards
 * the lines, because a row was changed meanwhile.
 *
 * @throws {StackError} if the log is not signed yet, if rows from before evidence was set
 * up have no leaf yet, or if the logs change during every attempt.
 */
export async function collectEvidence(
  project: Project,
  { write, restart }: {
    write: (line: string) => Promise<void>;
    restart: () => Promise<void>;
  },
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await readState(project);
    // The function verifies it. The table may have a newer one that no known key signed.
    const checkpoint = await getText(
      project,
      "/functions/v1/ledger/checkpoint",
    );
    if (checkpoint === null) {
      throw new StackError(
        "The log is not signed yet: set LEDGER_SIGNING_KEYS, then run npm run seal",
      );
    }
    if (before.backlog > 0) {
      throw new StackError(
        `${before.backlog} rows from before evidence was set up have no leaf yet: run npm run seal, which captures them`,
      );
    }
    let count = 0;
    for await (const line of listLines(project, before, checkpoint)) {
      await write(formatBundleLine(line));
      count++;
    }
    const after = await readState(project);
    if (after.event_count === before.event_count) {
      await write(formatBundleLine({ type: "end", lines: count }));
      return;
    }
    await restart();
  }
  throw new StackError(
    "The logs changed during every attempt to read them: try again when fewer rows are changed",
  );
}

async function* listLines(
  project: Project,
  tree: { size: number },
  checkpoint: string,
): AsyncGenerator<BundleLine> {
  const [origin] = checkpoint.split("\n");
  const size = sizeOf(checkpoint);
  yield { type: "header", origin };
  const notes = await call(project, "read_ledger_checkpoints", {
    first_size: 0,
  }) as string[];
  for (const content of notes) {
    // A concurrent signer may be ahead.
    if (!(sizeOf(content) > size)) yield { type: "checkpoint", content };
  }
  // Read before the leaves, so that leaves sealed meanwhile are duplicates, not missing.
  const pending = await readPending(project);
  const beyond: ExportedLeaf[] = [];
  for await (const leaf of readLeaves(project)) {
    if (leaf.index >= size) beyond.push(leaf);
    else yield { type: "leaf", index: leaf.index, evidence: toEvidence(leaf) };
  }
  const sealedMeanwhile = new Set(
    beyond.filter(({ index }) => index >= tree.size).map(({ hash }) => hash),
  );
  // Leaves beyond the checkpoint count as pending.
  for (const leaf of [...beyond, ...pending]) {
    const isDuplicate = "seq" in leaf && sealedMeanwhile.has(leaf.hash);
    if (!isDuplicate) yield { type: "pending", evidence: toEvidence(leaf) };
  }
  for (const log of LOG_NAMES) {
    const rows = await call(project, "read_unsealed_rows", { log }) as {
      id: string;
      pending: boolean;
    }[];
    for (const { id } of rows.filter(({ pending }) => !pending)) {
      yield { type: "row", log, id };
    }
  }
}

/** The size of a checkpoint, its line 2 (C2SP tlog-checkpoint); NaN for any other text. */
function sizeOf(note: string): number {
  return Number(note.split("\n")[1]);
}

/** All leaves of the tree, those that are added meanwhile included. */
async function* readLeaves(
  project: Project,
): AsyncGenerator<ExportedLeaf> {
  for (let first = 0;;) {
    const leaves = await call(project, "export_ledger", {
      first,
      max_leaves: PAGE_LEAVES,
    }) as ExportedLeaf[];
    yield* leaves;
    // A page is limited in bytes too, so only an empty one is past the end.
    if (leaves.length === 0) return;
    first = leaves.at(-1)!.index + 1;
  }
}

/** The leaves that are not sealed. */
async function readPending(project: Project): Promise<PendingLeaf[]> {
  const pending: PendingLeaf[] = [];
  for (let after = 0;;) {
    const leaves = await call(project, "export_pending_leaves", {
      after_seq: after,
      max_leaves: PAGE_LEAVES,
    }) as PendingLeaf[];
    pending.push(...leaves);
    if (leaves.length === 0) return pending;
    after = leaves.at(-1)!.seq;
  }
}

function toEvidence(leaf: ExportedLeaf | PendingLeaf): LeafEvidence {
  if (leaf.data !== undefined) return { data: leaf.data };
  return {
    kind: leaf.kind === "backfill" ? "backfill/v1" : "row/v1",
    log: leaf.log!,
    id: leaf.id!,
    hash: leaf.hash,
    row: leaf.texts ?? null,
    commitments: leaf.commitments ?? [],
    salts: leaf.salts ?? [],
  };
}

async function readState(project: Project): Promise<State> {
  return await call(project, "read_ledger_state", {}) as State;
}

function call(project: Project, name: string, parameters: object) {
  return postJson(project, `/rest/v1/rpc/${name}`, parameters);
}
