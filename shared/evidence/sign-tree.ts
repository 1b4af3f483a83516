import type { Environment } from "../db/environment.ts";
import {
  addCheckpoint,
  type LedgerState,
  readState,
  type StoredCheckpoint,
} from "../db/evidence-store.ts";
import {
  type Checkpoint,
  formatCheckpoint,
  openCheckpoint,
} from "../tlog/checkpoint.ts";
import { type Bytes, toBase64 } from "../tlog/encoding.ts";
import {
  formatNote,
  type Note,
  type NoteSignature,
  signNote,
} from "../tlog/note.ts";
import { proveConsistency, verifyConsistency } from "../tlog/proofs.ts";
import { readRoot, type TileReader } from "../tlog/tiles.ts";
import { formatAddCheckpoint, readWitnessAnswer } from "../tlog/witness.ts";
import type { LedgerKeys, Witness } from "./ledger-keys.ts";
import { createTileReader } from "./prove-row.ts";

/** The newest checkpoint, or why the tree cannot be signed as it is. */
type Signing =
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

/** How long a witness may take; without it the checkpoint has one cosignature less. */
const TIMEOUT_MS = 5_000;

/**
 * Asks every witness to cosign a checkpoint of this log. A witness that refuses or
 * does not answer is left out: the verifier's policy sets the required quorum.
 */
async function askWitnesses(
  read: TileReader,
  note: Note,
  size: number,
  witnesses: readonly Witness[],
): Promise<NoteSignature[]> {
  const answers = await Promise.all(witnesses.map(async (witness) => {
    try {
      return await askWitness(read, note, size, witness);
    } catch (error) {
      console.error(`the witness ${witness.key.name} did not cosign: ${error}`);
      return [];
    }
  }));
  return answers.flat();
}

/** A witness that is at another size says so, and is asked again from there. */
async function askWitness(
  read: TileReader,
  note: Note,
  size: number,
  { key, url }: Witness,
): Promise<NoteSignature[]> {
  let oldSize = 0;
  for (let attempt = 1; attempt <= 2; attempt++) {
    const proof = await proveConsistency(read, oldSize, size);
    const response = await fetch(`${url}/add-checkpoint`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: formatAddCheckpoint(oldSize, proof, formatNote(note)),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const outcome = await readWitnessAnswer(
      {
        status: response.status,
        contentType: response.headers.get("content-type"),
        body: await response.text(),
      },
      note,
      [key],
    );
    if ("cosignatures" in outcome) return outcome.cosignatures;
    if ("fault" in outcome) throw new Error(`it ${outcome.fault}`);
    if (outcome.size > size) throw new Error("it has seen a larger tree");
    oldSize = outcome.size;
  }
  throw new Error("it moves while it is asked");
}
