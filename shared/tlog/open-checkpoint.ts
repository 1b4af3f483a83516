import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { parseNote } from "./note.ts";
import { isQuorum, type Policy } from "./policy.ts";
import { verifyNote } from "./verify-note.ts";

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
