import type { Environment } from "../db/environment.ts";
import {
  type Entry,
  readEntries,
  readState,
  readTiles,
} from "../db/evidence-store.ts";
import type { LogName } from "../logs/index.ts";
import { type Bytes, HASH_BYTES, parseBase64 } from "../tlog/encoding.ts";
import { proveInclusion } from "../tlog/proofs.ts";
import type { Tile, TileReader } from "../tlog/tiles.ts";
import { formatTlogProof } from "../tlog/tlog-proof.ts";
import { formatLeaf, hideCommitted } from "./leaf.ts";

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

/** A tile that is asked for, and who waits for it. */
type Request = {
  tile: Tile;
  resolve: (hashes: Bytes) => void;
  reject: (error: unknown) => void;
};

/**
 * Reads tiles from the database. What is asked for at once goes in one call. What
 * comes back is shorter than asked for where the tree is smaller.
 */
export function createTileReader(env: Environment): TileReader {
  let waiting: Request[] = [];
  const flush = async () => {
    const requests = waiting;
    waiting = [];
    try {
      const wanted = requests.map(({ tile: { level, index } }) => ({
        level,
        index,
      }));
      const tiles = await readTiles(env, wanted);
      for (const [at, { tile, resolve }] of requests.entries()) {
        const hashes = parseBase64(tiles[at] ?? "") ?? new Uint8Array();
        resolve(hashes.slice(0, tile.width * HASH_BYTES));
      }
    } catch (error) {
      for (const { reject } of requests) reject(error);
    }
  };
  return (tile) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setTimeout(flush);
      waiting.push({ tile, resolve, reject });
    });
}
