import { SQLSTATES, StoreError } from "../db/call-function.ts";
import type { Environment } from "../db/environment.ts";
import { moveWitnessed, readWitnessed } from "../db/evidence-store.ts";
import { parseBase64, toBase64 } from "../tlog/encoding.ts";
import type { SignerKey } from "../tlog/keys.ts";
import { formatNote } from "../tlog/note.ts";
import {
  answerConflict,
  answerCosigned,
  answerMalformed,
  parseAddCheckpoint,
  refuseCheckpoint,
  type WitnessAnswer,
} from "../tlog/witness.ts";
import {
  deriveStoreSecret,
  type LedgerKeys,
  permitSigner,
} from "./ledger-keys.ts";

/**
 * Cosigns a checkpoint of another log (C2SP tlog-witness, `add-checkpoint`). It is
 * stored first, so that two inconsistent checkpoints are never both cosigned.
 */
export async function cosignCheckpoint(
  body: string,
  env: Environment,
  { witness, witnessed }: LedgerKeys & { witness: SignerKey },
  now: Date,
): Promise<WitnessAnswer> {
  const parsed = parseAddCheckpoint(body);
  if ("fault" in parsed) return answerMalformed(parsed.fault);
  const { request } = parsed;
  const { origin, size, root } = request.checkpoint;
  const keys = witnessed.filter(({ name }) => name === origin);
  const stored = keys.length > 0 ? await readWitnessed(env, origin) : null;
  const last = stored && { ...stored, root: parseBase64(stored.root.trim())! };
  const refusal = await refuseCheckpoint(request, { keys, last });
  if (refusal) return refusal;
  const secret = await deriveStoreSecret(witness);
  const isStored = await moveWitnessed(env, origin, request.oldSize, {
    size,
    root: toBase64(root),
    note: formatNote(request.note),
  }, [secret]).catch((error) => {
    const isUnknown = error instanceof StoreError &&
      error.reason.code === SQLSTATES.notAllowed;
    throw isUnknown
      ? new Error(
        `The database does not permit the witness's key; as its owner, run: ${
          permitSigner("cosignature", secret)
        }`,
      )
      : error;
  });
  if (!isStored) {
    return answerConflict((await readWitnessed(env, origin))?.size ?? 0);
  }
  const seconds = BigInt(Math.floor(now.getTime() / 1_000));
  return await answerCosigned(request, witness, seconds);
}
