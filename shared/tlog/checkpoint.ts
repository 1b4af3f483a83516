import { parseBase64Of, toBase64 } from "./base64.ts";
import { parseDecimal } from "./decimal.ts";
import { formatNote, signNote } from "./note.ts";
import type { SignerKey } from "./note-keys.ts";
import { type Bytes, HASH_BYTES } from "./sha256.ts";

/** The size and the root of a log's tree (C2SP tlog-checkpoint). */
export type Checkpoint = {
  /** The log, such as `example.com/ledger`. */
  origin: string;
  size: number;
  root: Bytes;
  /** Further lines, which no monitor can audit. */
  extensions: readonly string[];
};

/** The text of a checkpoint's note, without signatures. */
export function formatCheckpoint(
  { origin, size, root, extensions }: Checkpoint,
): string {
  const lines = [origin, String(size), toBase64(root), ...extensions];
  return lines.map((line) => `${line}\n`).join("");
}

/** The checkpoint of a note's text, or what is wrong with it. */
export function parseCheckpoint(
  text: string,
): { checkpoint: Checkpoint } | { fault: string } {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.length < 3 || lines.includes("")) {
    return { fault: "is not three or more lines, none of them empty" };
  }
  const [origin, decimal, encoded, ...extensions] = lines;
  const size = parseDecimal(decimal);
  if (size === null) {
    return { fault: "has a size that is not decimal or too large" };
  }
  const root = parseBase64Of(HASH_BYTES, encoded);
  if (root === null) {
    return { fault: `has a root that is not ${HASH_BYTES} bytes of base64` };
  }
  return { checkpoint: { origin, size, root, extensions } };
}

/**
 * A checkpoint as a log publishes it, signed with the log's key, whose name is
 * the origin. A log must never sign two that are not consistent: the caller
 * makes sure of it.
 */
export async function signCheckpoint(
  { size, root }: { size: number; root: Bytes },
  key: SignerKey,
): Promise<string> {
  const text = formatCheckpoint({
    origin: key.verifier.name,
    size,
    root,
    extensions: [],
  });
  return formatNote({ text, signatures: [await signNote(text, key)] });
}
