import { StackError } from "../../local/stack-error.ts";
import { LOG_NAMES, type LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import {
  type BundleLine,
  formatBundleLine,
  type LeafEvidence,
} from "../verify/bundle.ts";
import { postJson, type Project } from "./project-rest.ts";

/** Leaves per call: PostgREST's usual limit of rows does not touch them. */
const PAGE = 2_000;

/** A bundle is of one moment; a log that is erased from meanwhile is read again. */
const ATTEMPTS = 5;

/** A leaf of the export, with its row while that is there. */
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
  checkpoint: { size: number; note: string } | null;
};

/**
 * Reads everything that evidence is made of and hands each line of the bundle to
 * `write`; `restart` begins it again, because something that was read was nulled,
 * deleted or erased meanwhile.
 *
 * @throws {StackError} when nothing is signed yet, when rows from before evidence was
 * set up have no leaf yet, or when the logs change at every attempt.
 */
export async function collectEvidence(
  project: Project,
  { write, restart }: {
    write: (line: string) => Promise<void>;
    restart: () => Promise<void>;
  },
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await readState(project);
    if (before.checkpoint === null) {
      throw new StackError(
        "Nothing is signed yet: seal first (npm run seal), with LEDGER_SIGNING_KEYS set",
      );
    }
    if (before.backlog > 0) {
      throw new StackError(
        `${before.backlog} rows from before evidence was set up have no leaf yet: run npm run seal, which captures them`,
      );
    }
    let count = 0;
    for await (const line of listLines(project, before, before.checkpoint)) {
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
    "The logs changed at every attempt to read them: try again at a quieter time",
  );
}

async function* listLines(
  project: Project,
  tree: { size: number },
  checkpoint: { size: number; note: string },
): AsyncGenerator<BundleLine> {
  const [origin] = checkpoint.note.split("\n");
  yield { type: "header", origin };
  const notes = await call(project, "read_ledger_checkpoints", {
    first_size: 0,
  }) as string[];
  for (const content of notes) {
    // Others may be signing; the size is the second line (C2SP tlog-checkpoint).
    const isLater = Number(content.split("\n")[1]) > checkpoint.size;
    if (!isLater) yield { type: "checkpoint", content };
  }
  // Before the leaves, so that what is sealed meanwhile is there twice, not missing.
  const pending = await readPending(project);
  const beyond: ExportedLeaf[] = [];
  for await (const leaf of readLeaves(project, tree.size)) {
    if (leaf.index >= checkpoint.size) beyond.push(leaf);
    else yield { type: "leaf", index: leaf.index, evidence: describe(leaf) };
  }
  const sealedMeanwhile = new Set(
    beyond.filter(({ index }) => index >= tree.size).map(({ hash }) => hash),
  );
  // What is sealed and not under the checkpoint is as good as pending.
  for (const leaf of [...beyond, ...pending]) {
    const isTwice = "seq" in leaf && sealedMeanwhile.has(leaf.hash);
    if (!isTwice) yield { type: "pending", evidence: describe(leaf) };
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

/** The leaves from the first on: all that are in the tree, and what comes meanwhile. */
async function* readLeaves(
  project: Project,
  size: number,
): AsyncGenerator<ExportedLeaf> {
  for (let first = 0;; first += PAGE) {
    const leaves = await call(project, "export_ledger", {
      first,
      max_leaves: PAGE,
    }) as ExportedLeaf[];
    yield* leaves;
    // A page that lacks leaves has lost them, unless the tree ends there.
    if (leaves.length < PAGE && first + PAGE >= size) return;
  }
}

/** What is not sealed. */
async function readPending(project: Project): Promise<PendingLeaf[]> {
  const pending: PendingLeaf[] = [];
  for (let after = 0;;) {
    const leaves = await call(project, "export_pending_leaves", {
      after_seq: after,
      max_leaves: PAGE,
    }) as PendingLeaf[];
    pending.push(...leaves);
    if (leaves.length < PAGE) return pending;
    after = leaves.at(-1)!.seq;
  }
}

function describe(leaf: ExportedLeaf | PendingLeaf): LeafEvidence {
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
