import {
  openCheckpoint,
  type OpenedCheckpoint,
  parseCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import {
  type Bytes,
  HASH_BYTES,
  parseBase64Of,
} from "../../shared/tlog/encoding.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import { verifyConsistency } from "../../shared/tlog/proofs.ts";
import { listTreeLimits } from "./not-checked.ts";
import {
  compareHeld,
  describeCheckpoint,
  explainUntrusted,
  type Report,
  reportOnly,
  type Trust,
} from "./report.ts";
import { VerifierError } from "./verifier-error.ts";

/** A consistency proof between two trees (`GET ledger/consistency`). */
export type ConsistencyProof = {
  from: number;
  to: number;
  hashes: Bytes[];
  /** The signed checkpoint of `to` leaves. */
  checkpoint: string;
};

/** Parses a consistency proof from JSON; null for any other text. */
export function parseConsistencyProof(text: string): ConsistencyProof | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const { from, to, hashes, checkpoint } = Object(json) as Record<
    string,
    unknown
  >;
  if (!isCount(from) || !isCount(to) || typeof checkpoint !== "string") {
    return null;
  }
  const read = Array.isArray(hashes)
    ? hashes.map((hash) =>
      typeof hash === "string" ? parseBase64Of(HASH_BYTES, hash) : null
    )
    : [null];
  return read.every((hash) => hash !== null)
    ? { from, to, hashes: read, checkpoint }
    : null;
}

/** Whether a text is a signed checkpoint, of any log. */
export function isCheckpoint(text: string): boolean {
  const parsed = parseNote(text);
  return "note" in parsed && "checkpoint" in parseCheckpoint(parsed.note.text);
}

/** Verifies a signed checkpoint (`GET ledger/checkpoint`). */
export async function verifyCheckpoint(
  content: string,
  trust: Trust,
): Promise<Report> {
  requireNoReceipts(trust);
  const { policy, held } = trust;
  const opened = await openCheckpoint(content, policy);
  if ("fault" in opened) {
    const remedy = explainUntrusted(content, policy);
    return reportOnly(`The checkpoint ${opened.fault}${remedy}`);
  }
  const kept = await compareHeld(opened, held, policy);
  return {
    findings: [...listMissingQuorum(opened), ...kept.findings],
    summary: describeCheckpoint(opened),
    notChecked: listTreeLimits(opened, trust, kept),
  };
}

/**
 * Verifies that the tree of a signed checkpoint begins with that of a held one.
 *
 * @throws {VerifierError} if the earlier checkpoint is not held.
 */
export async function verifyConsistencyProof(
  { from, to, hashes, checkpoint }: ConsistencyProof,
  trust: Trust,
): Promise<Report> {
  requireNoReceipts(trust);
  const { policy, held } = trust;
  const opened = await openCheckpoint(checkpoint, policy);
  if ("fault" in opened) {
    const remedy = explainUntrusted(checkpoint, policy);
    return reportOnly(
      `The consistency proof has a checkpoint that ${opened.fault}${remedy}`,
    );
  }
  const { origin, size, root } = opened.checkpoint;
  const earlier: Bytes[] = [];
  const others: string[] = [];
  for (const content of held) {
    const kept = await openCheckpoint(content, policy);
    const isEarlier = !("fault" in kept) &&
      kept.checkpoint.origin === origin && kept.checkpoint.size === from;
    if (isEarlier) earlier.push(kept.checkpoint.root);
    else others.push(content);
  }
  const kept = await compareHeld(opened, others, policy);
  const findings = [...listMissingQuorum(opened), ...kept.findings];
  if (size !== to) {
    findings.push(
      `The consistency proof claims ${to} leaves, but its checkpoint has ${size}; download it again`,
    );
  }
  if (earlier.length === 0 && findings.length === 0) {
    throw new VerifierError(
      `The consistency proof leads from a tree of ${from} leaves, whose checkpoint is missing; pass it with --held`,
    );
  }
  const isConsistent = earlier.every((oldRoot) =>
    verifyConsistency({ oldSize: from, oldRoot, size, root }, hashes)
  );
  if (!isConsistent) {
    findings.push(
      `The tree of ${size} leaves is not proved to begin with that of the held checkpoint of ${from} leaves: the history or the proof was changed; download the proof again`,
    );
  }
  const isProved = isConsistent && earlier.length > 0;
  return {
    findings,
    summary: [
      ...describeCheckpoint(opened),
      ...isProved
        ? [`Begins with the tree of the held checkpoint of ${from} leaves`]
        : [],
    ],
    notChecked: listTreeLimits(opened, trust, {
      ...kept,
      covered: kept.covered ?? (isProved ? from : null),
    }),
  };
}

function listMissingQuorum({ isQuorum }: OpenedCheckpoint): string[] {
  return isQuorum ? [] : [
    "The checkpoint lacks the quorum of witnesses; get one that they cosigned",
  ];
}

function requireNoReceipts({ receipts }: Trust): void {
  if (receipts.length === 0) return;
  throw new VerifierError(
    "A checkpoint does not contain leaves to compare a receipt with; pass --receipt with a bundle, the proof of the row or the project's URL",
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
