import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import {
  type Bytes,
  equalBytes,
  HASH_BYTES,
  parseBase64Of,
  parseDecimal,
  toBase64,
} from "./encoding.ts";
import type { SignerKey, VerifierKey } from "./keys.ts";
import {
  cosign,
  formatSignature,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatures,
  verifyNote,
} from "./note.ts";
import { MAX_PROOF_LENGTH, verifyConsistency } from "./proofs.ts";
import { EMPTY_ROOT } from "./tree.ts";

/** The body of an `add-checkpoint` request (C2SP tlog-witness). */
type AddCheckpoint = {
  /** The size of the last checkpoint that, to the log's knowledge, the witness cosigned. */
  oldSize: number;
  /** The consistency proof from `oldSize` to the checkpoint. */
  proof: readonly Bytes[];
  note: Note;
  /** The note's content, not verified. */
  checkpoint: Checkpoint;
};

/** The body of a request; `content` is the signed checkpoint, verbatim. */
export function formatAddCheckpoint(
  oldSize: number,
  proof: readonly Bytes[],
  content: string,
): string {
  const lines = [`old ${oldSize}`, ...proof.map(toBase64), ""];
  return lines.map((line) => `${line}\n`).join("") + content;
}

/** Parses the body of a request; `fault` completes "The request …". */
export function parseAddCheckpoint(
  body: string,
): { request: AddCheckpoint } | { fault: string } {
  const end = body.indexOf("\n\n");
  if (end === -1) return { fault: "has no blank line before its checkpoint" };
  const [old, ...encoded] = body.slice(0, end).split("\n");
  const oldSize = old.startsWith("old ") ? parseDecimal(old.slice(4)) : null;
  if (oldSize === null) return { fault: "does not start with old <size>" };
  if (encoded.length > MAX_PROOF_LENGTH) {
    return { fault: `has more than ${MAX_PROOF_LENGTH} lines of proof` };
  }
  const proof = encoded.map((line) => parseBase64Of(HASH_BYTES, line));
  if (!proof.every((hash) => hash !== null)) {
    return {
      fault: `has a line of proof that is not ${HASH_BYTES} bytes of base64`,
    };
  }
  const parsed = parseNote(body.slice(end + 2));
  if ("fault" in parsed) {
    return { fault: `has a checkpoint that ${parsed.fault}` };
  }
  const read = parseCheckpoint(parsed.note.text);
  return "fault" in read ? { fault: `has a checkpoint that ${read.fault}` } : {
    request: {
      oldSize,
      proof,
      note: parsed.note,
      checkpoint: read.checkpoint,
    },
  };
}

/** A witness's state of the log that a request names as its origin. */
export type WitnessedLog = {
  /** The keys that the witness trusts for the origin. */
  keys: readonly VerifierKey[];
  /** The last checkpoint of the origin that the witness cosigned, if any. */
  last: { size: number; root: Uint8Array } | null;
};

/** A witness's answer over HTTP. */
export type WitnessAnswer = {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  contentType: "text/plain; charset=utf-8" | "text/x.tlog.size";
  body: string;
};

/** The media type of a 409, whose body is the size of the last checkpoint. */
const SIZE_TYPE = "text/x.tlog.size";

/**
 * The checks before a witness cosigns (C2SP tlog-witness): null if all pass, else
 * the answer that refuses. `log` is null for an unknown origin.
 *
 * After null, the caller stores the checkpoint's size and root as the last,
 * provided that the last is unchanged, and only then calls `answerCosigned`.
 */
export async function refuseCheckpoint(
  { oldSize, proof, note, checkpoint }: AddCheckpoint,
  log: WitnessedLog | null,
): Promise<WitnessAnswer | null> {
  if (log === null || log.keys.length === 0) {
    return refuse(404, "The origin of the checkpoint is unknown");
  }
  const verified = await verifyNote(note, log.keys);
  if ("fault" in verified) {
    return refuse(403, `The checkpoint ${verified.fault}`);
  }
  const { size, root } = checkpoint;
  if (oldSize > size) {
    return refuse(400, "The old size is greater than that of the checkpoint");
  }
  const last = log.last ?? { size: 0, root: EMPTY_ROOT };
  if (oldSize !== last.size) return answerConflict(last.size);
  if (size === 0 && !equalBytes(root, EMPTY_ROOT)) {
    return refuse(422, "The root is not that of a tree without leaves");
  }
  // Two roots for one size prove that the log equivocated.
  if (oldSize === size && !equalBytes(root, last.root)) {
    return answerConflict(size);
  }
  const claim = { oldSize, oldRoot: last.root, size, root };
  return verifyConsistency(claim, proof) ? null : refuse(
    422,
    "The proof does not lead from the last checkpoint to this one",
  );
}

/**
 * Cosigns a checkpoint that `refuseCheckpoint` accepted and the caller stored.
 *
 * @param time Seconds since 1970.
 */
export async function answerCosigned(
  { note }: AddCheckpoint,
  key: SignerKey,
  time: bigint,
): Promise<WitnessAnswer> {
  const signature = await cosign(note.text, key, time);
  return {
    status: 200,
    contentType: "text/plain; charset=utf-8",
    body: formatSignature(signature),
  };
}

/** The answer when the last checkpoint has another size than the request's. */
export function answerConflict(size: number): WitnessAnswer {
  return { status: 409, contentType: SIZE_TYPE, body: `${size}\n` };
}

/** The answer to a malformed request body. */
export function answerMalformed(fault: string): WitnessAnswer {
  return refuse(400, `The request ${fault}`);
}

function refuse(
  status: 400 | 403 | 404 | 422,
  sentence: string,
): WitnessAnswer {
  return {
    status,
    contentType: "text/plain; charset=utf-8",
    body: `${sentence}\n`,
  };
}

/** A witness's answer as the log reads it. */
type WitnessOutcome =
  /** Cosignatures of known keys, to add to the checkpoint. */
  | { cosignatures: NoteSignature[] }
  /** The size of the witness's last checkpoint: retry with a proof from there. */
  | { size: number }
  /** Completes "The witness …". */
  | { fault: string };

/**
 * Reads a witness's answer to an `add-checkpoint` request (C2SP tlog-witness).
 * Signatures of keys that are not in `keys` are dropped.
 */
export async function readWitnessAnswer(
  answer: { status: number; contentType: string | null; body: string },
  checkpoint: Note,
  keys: readonly VerifierKey[],
): Promise<WitnessOutcome> {
  if (answer.status === 409) return readSize(answer);
  if (answer.status !== 200) {
    return { fault: `refused the checkpoint with status ${answer.status}` };
  }
  const parsed = parseSignatures(answer.body);
  if ("fault" in parsed) return { fault: `sent a body that ${parsed.fault}` };
  const witnessKeys = keys.filter(({ type }) => type === "cosignature");
  const note = { text: checkpoint.text, signatures: parsed.signatures };
  const result = await verifyNote(note, witnessKeys);
  if ("fault" in result) return { fault: `sent a body that ${result.fault}` };
  if (result.verified.some(({ time }) => time === 0n)) {
    return { fault: "sent a cosignature without a timestamp" };
  }
  return {
    cosignatures: parsed.signatures.filter(({ name, keyId }) =>
      witnessKeys.some((key) => key.name === name && key.id === keyId)
    ),
  };
}

function readSize(
  { contentType, body }: { contentType: string | null; body: string },
): WitnessOutcome {
  const size = body.endsWith("\n") ? parseDecimal(body.slice(0, -1)) : null;
  return contentType !== SIZE_TYPE || size === null
    ? { fault: "sent a 409 without the size of its last checkpoint" }
    : { size };
}
