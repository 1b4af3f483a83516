import { type Bytes, HASH_BYTES } from "./sha256.ts";
import { TILE_WIDTH, type TileReader, toTilePath, widthOf } from "./tiles.ts";
import { EMPTY_ROOT, floorPowerOfTwo, foldPeaks, hashTree } from "./tree.ts";

/** Levels of the tree that one level of tiles stands for. */
const TILE_HEIGHT = 8;

/** Leaves from `start` up to, and without, `end`. */
export type LeafRange = readonly [start: number, end: number];

/**
 * The root of the first `size` leaves, from tiles alone.
 *
 * @throws what the reader throws, and RangeError for a tile of another length.
 */
export async function readRoot(
  read: TileReader,
  size: number,
): Promise<Bytes> {
  if (size === 0) return EMPTY_ROOT;
  const [root] = await readSubtrees(read, size, [[0, size]]);
  return root;
}

/**
 * The Merkle Tree Hash of each range of leaves, from the tiles of a tree of
 * `size` leaves. A range is one that RFC 9162 §2.1 splits a tree into. Every
 * tile is read once. What a reader hands out is not checked against a root.
 */
export async function readSubtrees(
  read: TileReader,
  size: number,
  ranges: readonly LeafRange[],
): Promise<Bytes[]> {
  const readOnce = readTilesOnce(read, size);
  return await Promise.all(ranges.map(async ([start, end]) => {
    const peaks = splitRange(start, end).map(([level, index]) =>
      readNode(readOnce, level, index)
    );
    return foldPeaks(await Promise.all(peaks));
  }));
}

type ReadTile = (level: number, index: number) => Promise<Bytes>;

function readTilesOnce(read: TileReader, size: number): ReadTile {
  const tiles = new Map<string, Promise<Bytes>>();
  return (level, index) => {
    const tile = { level, index, width: widthOf(level, index, size) };
    const path = toTilePath(tile);
    const known = tiles.get(path);
    if (known) return known;
    const hashes = read(tile).then((hashes) => {
      if (hashes.length === tile.width * HASH_BYTES) return hashes;
      throw new RangeError(
        `${path} must have ${tile.width} hashes of ${HASH_BYTES} bytes`,
      );
    });
    tiles.set(path, hashes);
    return hashes;
  };
}

/** The complete subtrees of a range, the largest first: level in the tree, index. */
function splitRange(start: number, end: number): [number, number][] {
  const subtrees: [number, number][] = [];
  while (start < end) {
    const leaves = floorPowerOfTwo(end - start);
    subtrees.push([Math.log2(leaves), start / leaves]);
    start += leaves;
  }
  return subtrees;
}

/** The root of a complete subtree: a few hashes of one tile, hashed together. */
async function readNode(
  readTile: ReadTile,
  level: number,
  index: number,
): Promise<Bytes> {
  const count = 2 ** (level % TILE_HEIGHT);
  const first = index * count;
  const tile = await readTile(
    Math.floor(level / TILE_HEIGHT),
    Math.floor(first / TILE_WIDTH),
  );
  const offset = (first % TILE_WIDTH) * HASH_BYTES;
  return hashTree(sliceHashes(tile, offset, count));
}

function* sliceHashes(
  bytes: Bytes,
  offset: number,
  count: number,
): Generator<Bytes> {
  for (let at = offset; count > 0; count--, at += HASH_BYTES) {
    yield bytes.slice(at, at + HASH_BYTES);
  }
}
