import { openCheckpoint, type OpenedCheckpoint } from "./checkpoint.ts";
import {
  type Bytes,
  HASH_BYTES,
  parseBase64,
  parseBase64Of,
  parseDecimal,
  toBase64,
} from "./encoding.ts";
import { MAX_NOTE_LENGTH } from "./note.ts";
import type { Policy } from "./policy.ts";
import { MAX_PROOF_LENGTH, verifyInclusion } from "./proofs.ts";

/** An inclusion proof with its checkpoint, verified offline (C2SP tlog-proof). */
export type TlogProof = {
  /** Unauthenticated data that helps to find the leaf. */
  extra?: Bytes;
  /** The index of the leaf. */
  index: number;
  /** From the leaf's sibling up. */
  hashes: readonly Bytes[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
};

const HEAD = "c2sp.org/tlog-proof@v1";

/** The proof as a `.tlog-proof` file. */
export function formatTlogProof(
  { extra, index, hashes, checkpoint }: TlogProof,
): string {
  const lines = [
    HEAD,
    ...extra === undefined ? [] : [`extra ${toBase64(extra)}`],
    `index ${index}`,
    ...hashes.map(toBase64),
    "",
  ];
  return lines.map((line) => `${line}\n`).join("") + checkpoint;
}

/** Parses a proof without verifying it; `fault` completes "The proof …". */
export function parseTlogProof(
  content: string,
): { proof: TlogProof } | { fault: string } {
  if (content.length > MAX_NOTE_LENGTH) {
    return { fault: `is longer than ${MAX_NOTE_LENGTH} characters` };
  }
  const end = content.indexOf("\n\n");
  if (end === -1) return { fault: "has no blank line before its checkpoint" };
  const [head, ...lines] = content.slice(0, end).split("\n");
  if (head !== HEAD) return { fault: `does not start with ${HEAD}` };
  const extra = lines[0]?.startsWith("extra ")
    ? parseBase64(lines.shift()!.slice("extra ".length))
    : undefined;
  if (extra === null) return { fault: "has extra data that is not base64" };
  const [indexLine, ...encoded] = lines;
  const index = indexLine?.startsWith("index ")
    ? parseDecimal(indexLine.slice("index ".length))
    : null;
  if (index === null) return { fault: "has no index line" };
  const hashes = encoded.map((line) => parseBase64Of(HASH_BYTES, line));
  if (
    hashes.length > MAX_PROOF_LENGTH || !hashes.every((hash) => hash !== null)
  ) {
    return {
      fault:
        `does not have at most ${MAX_PROOF_LENGTH} hashes of ${HASH_BYTES} bytes of base64`,
    };
  }
  const checkpoint = content.slice(end + 2);
  return {
    proof: { ...extra !== undefined && { extra }, index, hashes, checkpoint },
  };
}

/**
 * Verifies that a leaf, by its hash, is under a checkpoint that a log of the policy
 * signed and the policy's quorum cosigned.
 */
export async function verifyTlogProof(
  { index, hashes, checkpoint }: TlogProof,
  leaf: Uint8Array,
  policy: Policy,
): Promise<OpenedCheckpoint | { fault: string }> {
  const opened = await openCheckpoint(checkpoint, policy);
  if ("fault" in opened) {
    return { fault: `has a checkpoint that ${opened.fault}` };
  }
  if (!opened.isQuorum) {
    return { fault: "has a checkpoint without the quorum of witnesses" };
  }
  const { size, root } = opened.checkpoint;
  return verifyInclusion({ index, leaf, size, root }, hashes)
    ? opened
    : { fault: "does not lead from the leaf to the root of its checkpoint" };
}
