import { formatLeaf, hideCommitted } from "./leaf.ts";
import type { LogName } from "../logs/index.ts";
import { proveInclusion } from "../tlog/proofs.ts";
import { formatTlogProof } from "../tlog/tlog-proof.ts";
import type { Environment } from "../db/environment.ts";
import { type Entry, readEntries, readState } from "../db/evidence-store.ts";
import { createTileReader } from "./read-tiles.ts";

/** Kinds of leaves that hold a row, as the database calls them. */
const ROW_KINDS = ["row", "backfill"];

/**
 * The proof that a row's leaf is under the newest checkpoint, as a C2SP
 * `tlog-proof@v1` file; or why there is none yet. Its extra data is the leaf's own
 * text, while the row is there.
 */
export async function proveRow(
  env: Environment,
  log: LogName,
  id: string,
): Promise<{ proof: string } | { reason: string }> {
  const [{ checkpoint }, entries] = await Promise.all([
    readState(env),
    readEntries(env, log, [id]),
  ]);
  const entry = entries[id];
  const leaf = entry.leaves.find(({ kind }) => ROW_KINDS.includes(kind));
  if (leaf?.index === undefined) {
    const isPending = entry.pending.some(({ kind }) =>
      ROW_KINDS.includes(kind)
    );
    return {
      reason: isPending
        ? "The row is recorded and not sealed yet; ask again later"
        : "The row has no leaf",
    };
  }
  if (checkpoint === null || leaf.index >= checkpoint.size) {
    return { reason: "No checkpoint covers the row yet; ask again later" };
  }
  const read = createTileReader(env);
  const hashes = await proveInclusion(read, leaf.index, checkpoint.size);
  const data = describeLeaf(log, id, leaf.kind, leaf.commitments, entry);
  return {
    proof: formatTlogProof({
      extra: data === null ? undefined : new TextEncoder().encode(data),
      index: leaf.index,
      hashes,
      checkpoint: checkpoint.note,
    }),
  };
}

function describeLeaf(
  log: LogName,
  id: string,
  kind: string,
  commitments: string[] | null,
  { texts }: Entry,
): string | null {
  if (texts === null) return null;
  const members = hideCommitted(log, texts, commitments ?? []);
  return formatLeaf({ kind: `${kind as "row"}/v1`, log, id, members });
}
