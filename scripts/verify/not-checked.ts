/**
 * The limits of a verification: one phrase for each fact that the verifier did not see
 * or could not check. All phrases are composed here, so that no kind of evidence claims
 * more than it proves.
 *
 * @module
 */
import type { OpenedCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { formatSeconds, quote, type Trust } from "./report.ts";
import type { Verdict } from "./verdict.ts";

/** The comparison of the evidence with the held checkpoints. */
export type HeldComparison = {
  /** Leaves that the largest compared one covers; null if none was compared. */
  covered: number | null;
  /** Sizes of those that this kind of evidence cannot be compared with. */
  uncompared?: readonly number[];
};

/** The limits of a bundle. */
export function listBundleLimits(verdict: Verdict, trust: Trust): string[] {
  const { counts, emptyLogs, heldSize, newest } = verdict;
  if (newest === null) return [];
  const pending = counts.pendingRows + counts.pendingEvents;
  const erased = counts.nulled + counts.redacted;
  return [
    "changes and deletions of rows before a checkpoint covered them: no trace is left",
    `rows that the bundle omits: rows after its newest checkpoint, of ${newest.checkpoint.size} leaves, and rows without a leaf`,
    ...list(
      pending > 0,
      `pending leaves (${pending}): no checkpoint covers them, so they could be changed or omitted; seal, export and verify again`,
    ),
    ...list(
      counts.tombstones + erased > 0,
      `the content of deleted rows (${counts.tombstones}), the content of erased values (${erased}), and the reasons: hashes are left; ask the operator`,
    ),
    ...list(
      counts.backfilled > 0,
      `changes of backfilled rows (${counts.backfilled}) before evidence was set up`,
    ),
    ...list(
      emptyLogs.length > 0,
      `rows of ${emptyLogs.join(", ")}: the bundle has none`,
    ),
    ...listTrustLimits(newest, trust, { covered: heldSize }),
  ];
}

/** The limits of the proof of a row. */
export function listProofLimits(
  opened: OpenedCheckpoint,
  trust: Trust,
  held: HeldComparison,
  row: { isDeleted: boolean; isUnopened: boolean },
): string[] {
  return [
    row.isDeleted
      ? "why the row no longer exists: a bundle shows that"
      : "whether the row is still in its table, and unchanged: a bundle shows that",
    ...list(
      row.isUnopened,
      "the committed values: the receipt of the row opens them (--receipt), or a bundle",
    ),
    ...listTrustLimits(opened, trust, held),
  ];
}

/** The limits of evidence without rows: a checkpoint, a consistency proof or a URL. */
export function listTreeLimits(
  opened: OpenedCheckpoint,
  trust: Trust,
  held: HeldComparison,
): string[] {
  return [
    "the content of the leaves: a bundle, or the proof of a row, shows that",
    ...listTrustLimits(opened, trust, held),
  ];
}

/** The limits of a receipt whose answer lacks the row. */
export function listUnknownRow(hash: string): string[] {
  return [`the row of the leaf ${hash}: the answer lacks it`];
}

/** The limits of the row of an answer. */
export function listAnswerLimits(
  id: string,
  { unsalted, inexact, hasMore }: {
    /** Committed columns whose salt the receipt lacks. */
    unsalted: readonly string[];
    /** Committed columns with numbers that JavaScript may have rewritten. */
    inexact: readonly string[];
    /** Whether the answer has members that no leaf has. */
    hasMore: boolean;
  },
): string[] {
  return [
    ...unsalted.map((name) => `${name} of ${id}: the receipt lacks its salt`),
    ...inexact.map((name) =>
      `${name} of ${id}: an answer may change the form of its numbers; a bundle has the recorded form`
    ),
    ...list(
      hasMore,
      `the other members of the answer about ${id}: no leaf has them`,
    ),
  ];
}

/** The limits of the trust in a checkpoint, by the keys and held checkpoints given. */
function listTrustLimits(
  { checkpoint: { origin, size }, cosigned }: OpenedCheckpoint,
  { policy, held }: Trust,
  { covered, uncompared = [] }: HeldComparison,
): string[] {
  const origins = new Set(policy.logs.map(({ key }) => key.name));
  const times = [...cosigned.values()].sort((a, b) => Number(b - a));
  return [
    ...list(
      origins.size > 1,
      `whether ${
        quote(origin)
      } is the log that you expect: the trusted keys are of ${origins.size} logs`,
    ),
    times.length > 0
      ? `whether a newer checkpoint exists: a witness cosigned this one at ${
        formatSeconds(times[0])
      }`
      : "when the checkpoint was signed, and whether a newer one exists: only the cosignature of a trusted witness has a time",
    ...uncompared.map((size) =>
      `whether this tree and that of the held checkpoint of ${size} leaves are consistent: a bundle, the URL or a consistency proof shows that`
    ),
    ...policy.quorum === null
      ? [
        ...list(
          held.length === 0,
          "whether leaves were dropped, or rewritten with the log's key: a checkpoint that was kept apart shows that (--held)",
        ),
        ...list(
          covered !== null && covered < size,
          `whether leaves that the held checkpoint of ${covered} leaves does not cover were rewritten with the log's key`,
        ),
        "whether the log shows others the same tree (a split view): witnesses in a --policy prove that",
      ]
      : [],
  ];
}

function list(isTrue: boolean, phrase: string): string[] {
  return isTrue ? [phrase] : [];
}
