import { type Bytes, HASH_BYTES } from "../../shared/tlog/encoding.ts";
import { TILE_WIDTH, type TileReader } from "../../shared/tlog/tiles.ts";
import { hashLeaf, hashTree } from "../../shared/tlog/tree.ts";

/** Hashes of so many leaves, all of them different. */
export function makeLeaves(count: number): Bytes[] {
  return Array.from({ length: count }, (_, index) => hashLeaf(`leaf ${index}`));
}

/** Tiles of a tree, by the definition in C2SP tlog-tiles, made when they are read. */
export function tilesOf(leaves: readonly Bytes[]): TileReader {
  return ({ level, index, width }) => {
    const span = TILE_WIDTH ** level;
    const tile = new Uint8Array(width * HASH_BYTES);
    for (let at = 0; at < width; at++) {
      const start = (index * TILE_WIDTH + at) * span;
      if (start + span > leaves.length) throw new Error("no such tile");
      tile.set(hashTree(leaves.slice(start, start + span)), at * HASH_BYTES);
    }
    return Promise.resolve(tile);
  };
}
