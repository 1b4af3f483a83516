import type { Environment } from "../db/environment.ts";
import { type Entry, readEntries, readTiles } from "../db/evidence-store.ts";
import type { LogName } from "../logs/index.ts";
import { type Bytes, HASH_BYTES, parseBase64 } from "../tlog/encoding.ts";
import { proveInclusion } from "../tlog/proofs.ts";
import type { Tile, TileReader } from "../tlog/tiles.ts";
import { formatTlogProof } from "../tlog/tlog-proof.ts";
import { formatLeaf, formatMembers, hideCommitted, toRowLeaf } from "./leaf.ts";
import type { LedgerKeys } from "./ledger-keys.ts";
import { findServedCheckpoint } from "./trusted-checkpoint.ts";

/** Kinds of leaves that hold a row, in the database's names. */
const ROW_KINDS = ["row", "backfill"];

/**
 * The inclusion proof of a row's leaf under the newest checkpoint, as a C2SP
 * `tlog-proof@v1` file, or the reason why it is not available yet. While the row
 * exists, the extra data of the proof has two lines: the data of the leaf, and the
 * members of the row, whose digest the leaf has.
 */
export async function proveRow(
  env: Environment,
  keys: LedgerKeys,
  log: LogName,
  id: string,
): Promise<{ proof: string } | { reason: string }> {
  const [{ trusted }, entries] = await Promise.all([
    findServedCheckpoint(env, keys),
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
        ? "The row is recorded and not sealed yet; retry later"
        : "The row has no leaf",
    };
  }
  if (trusted === null || leaf.index >= trusted.checkpoint.size) {
    return { reason: "No checkpoint covers the row yet; retry later" };
  }
  const read = createTileReader(env);
  const hashes = await proveInclusion(
    read,
    leaf.index,
    trusted.checkpoint.size,
  );
  const extra = formatRow(log, id, leaf.kind, leaf.commitments, entry);
  return {
    proof: formatTlogProof({
      extra: extra === null ? undefined : new TextEncoder().encode(extra),
      index: leaf.index,
      hashes,
      checkpoint: trusted.note,
    }),
  };
}

/** The leaf and the members of a row, a line each; null if the row no longer exists. */
function formatRow(
  log: LogName,
  id: string,
  kind: string,
  commitments: string[] | null,
  { texts }: Entry,
): string | null {
  if (texts === null) return null;
  const members = hideCommitted(log, texts, commitments ?? []);
  const leaf = toRowLeaf({ kind: `${kind as "row"}/v1`, log, id, members });
  return `${formatLeaf(leaf)}\n${formatMembers(members)}`;
}

/** A queued read of a tile. */
type PendingTile = {
  tile: Tile;
  resolve: (hashes: Bytes) => void;
  reject: (error: unknown) => void;
};

/**
 * Reads tiles from the database. Reads of the same tick share one database call. A
 * tile is shorter than requested if the tree is smaller.
 */
export function createTileReader(env: Environment): TileReader {
  let queue: PendingTile[] = [];
  const flush = async () => {
    const batch = queue;
    queue = [];
    try {
      const coordinates = batch.map(({ tile: { level, index } }) => ({
        level,
        index,
      }));
      const tiles = await readTiles(env, coordinates);
      for (const [at, { tile, resolve }] of batch.entries()) {
        const hashes = parseBase64(tiles[at] ?? "") ?? new Uint8Array();
        resolve(hashes.slice(0, tile.width * HASH_BYTES));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  return (tile) =>
    new Promise((resolve, reject) => {
      if (queue.length === 0) setTimeout(flush);
      queue.push({ tile, resolve, reject });
    });
}
