import type { Environment } from "../db/environment.ts";
import { type LedgerState, readCheckpoints } from "../db/evidence-store.ts";
import { type Checkpoint, openCheckpoint } from "../tlog/checkpoint.ts";
import type { Policy } from "../tlog/policy.ts";
import type { LedgerKeys } from "./ledger-keys.ts";

/** A stored checkpoint that a key of this log signed. */
export type TrustedCheckpoint = { checkpoint: Checkpoint; note: string };

/** The newest trusted checkpoint, and what is wrong with a newer one that is not. */
export type TrustResult = {
  trusted: TrustedCheckpoint | null;
  /** Completes "The newest stored checkpoint …"; undefined if it is trusted. */
  fault?: string;
};

/**
 * The newest stored checkpoint that a key of this log signed, current or retired. The
 * database cannot verify signatures, so a checkpoint counts only after this: another one
 * is neither served nor taken as the last one. Looks through the newest 1,000.
 */
export async function findTrustedCheckpoint(
  env: Environment,
  { checkpoint: newest }: LedgerState,
  keys: LedgerKeys,
): Promise<TrustResult> {
  if (newest === null) return { trusted: null };
  const policy = policyOf(keys);
  const opened = await openStored(newest.note, policy);
  if (!("fault" in opened)) {
    if (opened.checkpoint.size === newest.size) return { trusted: opened };
  }
  const fault = "fault" in opened
    ? opened.fault
    : "has another size than its row";
  return {
    trusted: await pickTrusted(await readCheckpoints(env), policy),
    fault,
  };
}

/** Stored checkpoints that a request without a credential may cost. */
const MAX_SERVED = 20;

/**
 * The same for the routes that serve it, which are public: among the newest `MAX_SERVED`
 * stored checkpoints, in a time that depends neither on the leaves nor on the number of
 * stored checkpoints.
 */
export async function findServedCheckpoint(
  env: Environment,
  keys: LedgerKeys,
): Promise<TrustResult> {
  const policy = policyOf(keys);
  const notes = await readCheckpoints(env, MAX_SERVED);
  const newest = notes.at(-1);
  if (newest === undefined) return { trusted: null };
  const trusted = await pickTrusted(notes, policy);
  if (trusted?.note === newest) return { trusted };
  const opened = await openStored(newest, policy);
  return {
    trusted,
    fault: "fault" in opened ? opened.fault : "has another size than its row",
  };
}

/**
 * The trusted checkpoint of the largest size that was signed: an old note can be stored
 * again under a larger size.
 */
async function pickTrusted(
  notes: readonly string[],
  policy: Policy,
): Promise<TrustedCheckpoint | null> {
  const sorted = notes.toSorted((a, b) => statedSize(b) - statedSize(a));
  for (const note of sorted) {
    const opened = await openStored(note, policy);
    if (!("fault" in opened)) return opened;
  }
  return null;
}

/** The size in line 2 of a checkpoint (C2SP tlog-checkpoint); 0 for any other text. */
function statedSize(note: string): number {
  const [, size = ""] = note.split("\n", 2);
  return /^\d{1,15}$/.test(size) ? Number(size) : 0;
}

async function openStored(
  note: string,
  policy: Policy,
): Promise<TrustedCheckpoint | { fault: string }> {
  const opened = await openCheckpoint(note, policy);
  return "fault" in opened ? opened : { checkpoint: opened.checkpoint, note };
}

function policyOf({ signers, retired }: LedgerKeys): Policy {
  const logs = [...signers.map(({ verifier }) => verifier), ...retired]
    .map((key) => ({ key }));
  return { logs, witnesses: [], groups: [], quorum: null };
}
