import type { AddCheckpoint } from "./add-checkpoint.ts";
import { cosign } from "./cosignature.ts";
import { formatSignature } from "./note.ts";
import type { SignerKey, VerifierKey } from "./note-keys.ts";
import { verifyConsistency } from "./proofs.ts";
import { sameBytes } from "./sha256.ts";
import { EMPTY_ROOT } from "./tree.ts";
import { verifyNote } from "./verify-note.ts";

/** What a witness knows of the log that a request names as its origin. */
export type WitnessedLog = {
  /** The keys that it trusts for the origin. */
  keys: readonly VerifierKey[];
  /** The last checkpoint of the origin that it cosigned, if any. */
  last: { size: number; root: Uint8Array } | null;
};

/** An answer of a witness, as it goes over HTTP. */
export type WitnessAnswer = {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  contentType: "text/plain; charset=utf-8" | "text/x.tlog.size";
  body: string;
};

/** What a 409 of a witness is sent as: the size that the log has to start from. */
export const SIZE_TYPE = "text/x.tlog.size";

/**
 * Whether a witness may cosign what it is asked to (C2SP tlog-witness): null if
 * so, else the answer that refuses it. `log` is null for an unknown origin.
 *
 * After a null the caller stores size and root of the checkpoint as the last,
 * only if the last is still the same, and only then answers with `answerCosigned`.
 */
export async function refuseCheckpoint(
  { oldSize, proof, note, checkpoint }: AddCheckpoint,
  log: WitnessedLog | null,
): Promise<WitnessAnswer | null> {
  if (log === null || log.keys.length === 0) {
    return refuse(404, "The origin of the checkpoint is not known here");
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
  if (oldSize !== last.size) return conflict(last.size);
  if (size === 0 && !sameBytes(root, EMPTY_ROOT)) {
    return refuse(422, "The root is not that of a tree without leaves");
  }
  // Two roots for one size prove that the log equivocated.
  if (oldSize === size && !sameBytes(root, last.root)) return conflict(size);
  const claim = { oldSize, oldRoot: last.root, size, root };
  return verifyConsistency(claim, proof) ? null : refuse(
    422,
    "The proof does not lead from the last checkpoint to this one",
  );
}

/** The answer to a request whose body is malformed. */
export function answerMalformed(fault: string): WitnessAnswer {
  return refuse(400, `The request ${fault}`);
}

/** The answer that what was stored meanwhile has another size. */
export function conflict(size: number): WitnessAnswer {
  return { status: 409, contentType: SIZE_TYPE, body: `${size}\n` };
}

/**
 * Cosigns a checkpoint that was not refused and is stored.
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
