import {
  type Bytes,
  HASH_BYTES,
  parseBase64Of,
  parseDecimal,
  toBase64,
} from "./encoding.ts";
import type { SignerKey } from "./keys.ts";
import { formatNote, parseNote, signNote, verifyNote } from "./note.ts";
import { isQuorum, type Policy } from "./policy.ts";

/** The size and the root of a log's tree (C2SP tlog-checkpoint). */
export type Checkpoint = {
  /** The log, such as `example.com/ledger`. */
  origin: string;
  size: number;
  root: Bytes;
  /** Extension lines, which no monitor can audit. */
  extensions: readonly string[];
};

/** The text of a checkpoint's note, without signatures. */
export function formatCheckpoint(
  { origin, size, root, extensions }: Checkpoint,
): string {
  const lines = [origin, String(size), toBase64(root), ...extensions];
  return lines.map((line) => `${line}\n`).join("");
}

/** Parses the text of a checkpoint's note; `fault` completes "The checkpoint …". */
export function parseCheckpoint(
  text: string,
): { checkpoint: Checkpoint } | { fault: string } {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.length < 3 || lines.includes("")) {
    return { fault: "does not have three or more lines without an empty one" };
  }
  const [origin, decimal, encoded, ...extensions] = lines;
  const size = parseDecimal(decimal);
  if (size === null) {
    return { fault: "has a size that is not decimal or is too large" };
  }
  const root = parseBase64Of(HASH_BYTES, encoded);
  if (root === null) {
    return { fault: `has a root that is not ${HASH_BYTES} bytes of base64` };
  }
  return { checkpoint: { origin, size, root, extensions } };
}

/**
 * A checkpoint as a log publishes it, signed with the log's key, whose name is
 * the origin. The caller ensures that it is consistent with every earlier one.
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

/** A checkpoint with a valid signature of a log of the policy. */
export type OpenedCheckpoint = {
  checkpoint: Checkpoint;
  /** Cosignatures: the witness's name in the policy → seconds since 1970. */
  cosigned: ReadonlyMap<string, bigint>;
  /** Whether the cosignatures satisfy the policy's quorum. */
  isQuorum: boolean;
};

/**
 * Verifies the signatures of a checkpoint against a policy (C2SP tlog-policy); a
 * key of its origin must have signed it. The caller decides whether `isQuorum` is
 * required: without witnesses, a log can show different trees to different clients
 * (a split view).
 */
export async function openCheckpoint(
  content: string,
  policy: Policy,
): Promise<OpenedCheckpoint | { fault: string }> {
  const parsed = parseNote(content);
  if ("fault" in parsed) return parsed;
  const read = parseCheckpoint(parsed.note.text);
  if ("fault" in read) return read;
  const keys = [...policy.logs, ...policy.witnesses].map(({ key }) => key);
  const result = await verifyNote(parsed.note, keys);
  if ("fault" in result) return result;
  const isSigned = result.verified.some(({ key }) =>
    key.type === "note" && key.name === read.checkpoint.origin
  );
  if (!isSigned) return { fault: "is not signed by a known key of its origin" };
  const cosigned = new Map<string, bigint>();
  for (const { key, time } of result.verified) {
    const witness = policy.witnesses.find((known) => known.key === key);
    if (witness && time !== undefined) cosigned.set(witness.name, time);
  }
  return {
    checkpoint: read.checkpoint,
    cosigned,
    isQuorum: isQuorum(policy, cosigned.keys()),
  };
}
