import { parseDecimal } from "./decimal.ts";
import { type Note, type NoteSignature, parseSignatures } from "./note.ts";
import type { VerifierKey } from "./note-keys.ts";
import { verifyNote } from "./verify-note.ts";
import { SIZE_TYPE } from "./witness.ts";

/** What a log learns from the answer of a witness. */
export type WitnessOutcome =
  /** Cosignatures of known keys, to be added to the checkpoint. */
  | { cosignatures: NoteSignature[] }
  /** The witness is at another size: ask again with a proof from there. */
  | { size: number }
  | { fault: string };

/**
 * Reads what a witness answered to a request to cosign a checkpoint (C2SP
 * tlog-witness). Signatures of keys that are not in `keys` are dropped.
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
  if ("fault" in parsed) {
    return { fault: `answered with what ${parsed.fault}` };
  }
  const witnessKeys = keys.filter(({ type }) => type === "cosignature");
  const note = { text: checkpoint.text, signatures: parsed.signatures };
  const result = await verifyNote(note, witnessKeys);
  if ("fault" in result) return { fault: `answered with what ${result.fault}` };
  if (result.verified.some(({ time }) => time === 0n)) {
    return { fault: "answered with a cosignature that tells no time" };
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
    ? { fault: "answered a conflict without the size that it is at" }
    : { size };
}
