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

/** A checkpoint that a log of the policy signed. */
export type OpenedCheckpoint = {
  checkpoint: Checkpoint;
  /** The witnesses that cosigned: name in the policy → seconds since 1970. */
  cosigned: ReadonlyMap<string, bigint>;
  /** Whether they are the policy's quorum. */
  isQuorum: boolean;
};

/**
 * Verifies a checkpoint against a policy, or tells what is wrong with it. The
 * key that signed it must be one of its origin. Whether a quorum is needed is
 * for the caller to say: without one, it proves what the log said, but not that
 * the log says the same to everybody.
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
    const witness = policy.witnesses.find((one) => one.key === key);
    if (witness && time !== undefined) cosigned.set(witness.name, time);
  }
  return {
    checkpoint: read.checkpoint,
    cosigned,
    isQuorum: isQuorum(policy, cosigned.keys()),
  };
}
