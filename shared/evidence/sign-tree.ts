import { toBase64 } from "../tlog/base64.ts";
import { type Checkpoint, formatCheckpoint } from "../tlog/checkpoint.ts";
import { formatNote, signNote } from "../tlog/note.ts";
import { openCheckpoint } from "../tlog/open-checkpoint.ts";
import { proveConsistency, verifyConsistency } from "../tlog/proofs.ts";
import type { Bytes } from "../tlog/sha256.ts";
import { readRoot } from "../tlog/tile-hashes.ts";
import type { TileReader } from "../tlog/tiles.ts";
import type { Environment } from "../db/environment.ts";
import {
  addCheckpoint,
  type LedgerState,
  readState,
  type StoredCheckpoint,
} from "../db/evidence-store.ts";
import type { LedgerKeys } from "./ledger-keys.ts";
import { askWitnesses } from "./ask-witnesses.ts";
import { createTileReader } from "./read-tiles.ts";

/** The newest checkpoint, or why the tree cannot be signed as it is. */
export type Signing =
  | { note: string | null }
  | { refusal: string };

type Tree = { size: number; root: Bytes };

/** Signers that race for the same checkpoint let the first one win. */
const ATTEMPTS = 3;

/**
 * Signs the tree as it is, unless its newest checkpoint says that already. The
 * checkpoint before must be signed by a key of this log, and the tree must begin
 * with it: what is not consistent is refused, and a person should look at it. Not
 * every leaf is read each time: of a full tile, its node.
 *
 * Only the database stores the last checkpoint. A witness, not this function,
 * detects an attacker who rewrites the tree and drops the checkpoints after it.
 */
export async function signTree(
  env: Environment,
  keys: LedgerKeys,
): Promise<Signing> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const state = await readState(env);
    const last = await openLast(state, keys);
    if ("refusal" in last) return last;
    const read = createTileReader(env);
    const tree = await readTree(read, state.size, last.checkpoint);
    if ("refusal" in tree) return tree;
    const after = last.checkpoint?.size ?? 0;
    if (state.size === after) return { note: state.checkpoint?.note ?? null };
    const signed = await signRoot(read, keys, tree);
    if (await addCheckpoint(env, after, signed)) return { note: signed.note };
  }
  return { refusal: "Others signed at the same time; try again" };
}

async function openLast(
  { size, checkpoint }: LedgerState,
  { signers, retired }: LedgerKeys,
): Promise<{ checkpoint: Checkpoint | null } | { refusal: string }> {
  if (checkpoint === null) return { checkpoint: null };
  const logs = [...signers.map(({ verifier }) => verifier), ...retired]
    .map((key) => ({ key }));
  const policy = { logs, witnesses: [], groups: [], quorum: null };
  const opened = await openCheckpoint(checkpoint.note, policy);
  if ("fault" in opened) {
    return { refusal: `The last checkpoint ${opened.fault}` };
  }
  if (opened.checkpoint.size !== checkpoint.size) {
    return { refusal: "The last checkpoint is not of the size it is kept as" };
  }
  if (opened.checkpoint.size > size) {
    return {
      refusal:
        "The tree has fewer leaves than the last checkpoint: leaves are missing",
    };
  }
  return { checkpoint: opened.checkpoint };
}

/** The root of the tree, if the tree begins with that of the last checkpoint. */
async function readTree(
  read: TileReader,
  size: number,
  last: Checkpoint | null,
): Promise<Tree | { refusal: string }> {
  try {
    const root = await readRoot(read, size);
    if (last === null) return { size, root };
    const proof = await proveConsistency(read, last.size, size);
    const claim = { oldSize: last.size, oldRoot: last.root, size, root };
    if (verifyConsistency(claim, proof)) return { size, root };
  } catch (error) {
    // What the readers of tiles say of one that is too short.
    if (!(error instanceof RangeError)) throw error;
    return { refusal: "The tree has gaps: leaves or nodes are missing" };
  }
  return {
    refusal:
      "The tree does not begin with that of the last checkpoint: sealed leaves were changed",
  };
}

async function signRoot(
  read: TileReader,
  { signers, witnesses }: LedgerKeys,
  { size, root }: Tree,
): Promise<StoredCheckpoint> {
  const origin = signers[0].verifier.name;
  const text = formatCheckpoint({ origin, size, root, extensions: [] });
  const signatures = await Promise.all(
    signers.map((signer) => signNote(text, signer)),
  );
  const note = { text, signatures };
  const cosignatures = await askWitnesses(read, note, size, witnesses);
  return {
    size,
    root: toBase64(root),
    note: formatNote({ text, signatures: [...signatures, ...cosignatures] }),
  };
}
