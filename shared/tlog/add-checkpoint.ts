import { parseBase64Of, toBase64 } from "./base64.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { parseDecimal } from "./decimal.ts";
import { type Note, parseNote } from "./note.ts";
import { MAX_PROOF_LENGTH } from "./proofs.ts";
import { type Bytes, HASH_BYTES } from "./sha256.ts";

/** What a log asks a witness to cosign (C2SP tlog-witness, `add-checkpoint`). */
export type AddCheckpoint = {
  /** The size of the last checkpoint that the log thinks the witness cosigned. */
  oldSize: number;
  /** A consistency proof from there to the checkpoint. */
  proof: readonly Bytes[];
  note: Note;
  /** The note's content, not verified. */
  checkpoint: Checkpoint;
};

/** The body of a request; `content` is a signed checkpoint, word for word. */
export function formatAddCheckpoint(
  oldSize: number,
  proof: readonly Bytes[],
  content: string,
): string {
  const lines = [`old ${oldSize}`, ...proof.map(toBase64), ""];
  return lines.map((line) => `${line}\n`).join("") + content;
}

/** Reads the body of a request, or tells what is wrong with it. */
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
