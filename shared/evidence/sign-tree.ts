import { SQLSTATES, StoreError } from "../db/call-function.ts";
import type { Environment } from "../db/environment.ts";
import {
  addCheckpoint,
  readState,
  type StoredCheckpoint,
} from "../db/evidence-store.ts";
import { type Checkpoint, formatCheckpoint } from "../tlog/checkpoint.ts";
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
import {
  deriveStoreSecret,
  type LedgerKeys,
  permitSigner,
  type Witness,
} from "./ledger-keys.ts";
import { createTileReader } from "./prove-row.ts";
import { findTrustedCheckpoint } from "./trusted-checkpoint.ts";

/** The newest checkpoint, or the reason why the tree is not signed. */
type SignResult =
  | { note: string | null }
  | { refusal: string };

type Tree = { size: number; root: Bytes };

/** Of concurrent signers the first one wins; the others try again. */
const MAX_ATTEMPTS = 3;

/**
 * Signs the current tree, unless the newest checkpoint covers it. The tree must be
 * consistent with the last checkpoint that a key of this log signed; otherwise, or if
 * no stored checkpoint is, the result is a refusal, which a person must investigate. Only new tiles
 * and the nodes above full tiles are read, not every leaf.
 *
 * Only the database stores the last checkpoint. An attacker who rewrites the tree and
 * deletes the checkpoints after it is detected by witnesses, not by this function.
 */
export async function signTree(
  env: Environment,
  keys: LedgerKeys,
): Promise<SignResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const state = await readState(env);
    const { trusted, fault } = await findTrustedCheckpoint(env, state, keys);
    if (trusted === null && fault !== undefined) {
      return { refusal: `The newest stored checkpoint ${fault}` };
    }
    if (fault !== undefined) {
      console.error(`The newest stored checkpoint ${fault}; it is ignored`);
    }
    const last = trusted?.checkpoint ?? null;
    if (last !== null && last.size > state.size) {
      return {
        refusal:
          "The tree has fewer leaves than the last checkpoint: leaves are missing",
      };
    }
    const read = createTileReader(env);
    const tree = await readTree(read, state.size, last);
    if ("refusal" in tree) return tree;
    // A stored checkpoint that is not trusted still occupies its size.
    const after = state.checkpoint?.size ?? 0;
    if (state.size <= after) return { note: trusted?.note ?? null };
    const signed = await signRoot(read, keys, tree);
    const stored = await store(env, keys, after, signed);
    if (stored !== false) return stored;
  }
  return { refusal: "Another request signed at the same time; try again" };
}

/** Stores a checkpoint; false when another was stored since `after`. */
async function store(
  env: Environment,
  { signers }: LedgerKeys,
  after: number,
  signed: StoredCheckpoint,
): Promise<SignResult | false> {
  const secrets = await Promise.all(signers.map(deriveStoreSecret));
  try {
    const isStored = await addCheckpoint(env, after, signed, secrets);
    return isStored && { note: signed.note };
  } catch (error) {
    const isUnknown = error instanceof StoreError &&
      error.reason.code === SQLSTATES.notAllowed;
    if (!isUnknown) throw error;
    const permits = secrets.map((secret) => permitSigner("checkpoint", secret));
    return {
      refusal:
        `The database permits other signing keys than these; as its owner, run: ${
          permits.join(" ")
        }`,
    };
  }
}

/** The root of the tree, if the tree is consistent with the last checkpoint. */
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
    // Readers of tiles throw it for a tile that is too short.
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
  const cosignatures = await collectCosignatures(read, note, size, witnesses);
  return {
    size,
    root: toBase64(root),
    note: formatNote({ text, signatures: [...signatures, ...cosignatures] }),
  };
}

/** Bytes of a witness's answer: some cosignatures. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** @throws for an answer of more than `MAX_ANSWER_BYTES`. */
async function readShort({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      throw new Error(`it answered more than ${MAX_ANSWER_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The longest wait for a witness; the checkpoint then lacks its cosignature. */
const TIMEOUT_MS = 5_000;

/**
 * Cosignatures of all witnesses that answer. One that refuses or fails is logged and
 * left out, because the verifier's policy sets the required quorum.
 */
async function collectCosignatures(
  read: TileReader,
  note: Note,
  size: number,
  witnesses: readonly Witness[],
): Promise<NoteSignature[]> {
  const answers = await Promise.all(witnesses.map(async (witness) => {
    try {
      return await requestCosignature(read, note, size, witness);
    } catch (error) {
      console.error(`the witness ${witness.key.name} did not cosign: ${error}`);
      return [];
    }
  }));
  return answers.flat();
}

/** A witness with another last checkpoint answers its size, and gets a proof from there. */
async function requestCosignature(
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
      // A witness that redirects could make this project post to another address.
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const outcome = await readWitnessAnswer(
      {
        status: response.status,
        contentType: response.headers.get("content-type"),
        body: await readShort(response),
      },
      note,
      [key],
    );
    if ("cosignatures" in outcome) return outcome.cosignatures;
    if ("fault" in outcome) throw new Error(`it ${outcome.fault}`);
    if (outcome.size > size) throw new Error("it has cosigned a larger tree");
    oldSize = outcome.size;
  }
  throw new Error("its last checkpoint changed between two requests");
}
