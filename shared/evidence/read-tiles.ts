import { parseBase64 } from "../tlog/base64.ts";
import { type Bytes, HASH_BYTES } from "../tlog/sha256.ts";
import type { Tile, TileReader } from "../tlog/tiles.ts";
import type { Environment } from "../db/environment.ts";
import { readTiles } from "../db/evidence-store.ts";

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
