import type { Environment } from "../db/environment.ts";
import { readEntries } from "../db/evidence-store.ts";

/**
 * What the sender of a recorded event keeps to be able to show later that it was
 * recorded: its leaf's hash, and what it takes to compute it from the row.
 */
export type Receipt = {
  /** `row/v1`. */
  kind: string;
  /** SHA-256(0x00 ‖ leaf), hex (RFC 6962 §2.1). */
  leaf_hash: string;
  /** Of the columns that are committed to, in the table's order; hex. */
  commitments: string[];
  /** The salts of the commitments, hex; null where one was forgotten. */
  salts: (string | null)[];
};

/** Receipts of recorded rows, by id. */
export async function readReceipts(
  env: Environment,
  log: string,
  ids: string[],
): Promise<Map<string, Receipt>> {
  const entries = ids.length > 0 ? await readEntries(env, log, ids) : {};
  const receipts = new Map<string, Receipt>();
  for (const [id, { leaves, pending, salts }] of Object.entries(entries)) {
    const leaf = [...leaves, ...pending].find(({ kind }) =>
      kind === "row" || kind === "backfill"
    );
    if (!leaf) continue;
    receipts.set(id, {
      kind: `${leaf.kind}/v1`,
      leaf_hash: leaf.hash,
      commitments: leaf.commitments ?? [],
      salts: salts ?? [],
    });
  }
  return receipts;
}
