import { type Bytes, HASH_BYTES } from "./encoding.ts";
import { EMPTY_ROOT, floorPowerOfTwo, foldPeaks, hashTree } from "./tree.ts";

/** Hashes of a full tile: a subtree of height 8. */
export const TILE_WIDTH = 256;

/** Greatest level of a tile. */
const MAX_LEVEL = 63;

/**
 * A tile of the tree (C2SP tlog-tiles): `width` consecutive hashes. At level 0
 * they are leaf hashes, above it the roots of full tiles of the level below.
 */
export type Tile = {
  /** From 0 to 63. */
  level: number;
  /** Which tile of its level, from 0. */
  index: number;
  /** From 1 to 256; below 256 the tile is partial. */
  width: number;
};

/**
 * Reads the concatenated hashes of a tile: 32 × `width` bytes. A partial tile is
 * the beginning of a wider one.
 */
export type TileReader = (tile: Tile) => Promise<Bytes>;

/** The path of a tile below the log's prefix: `tile/<level>/<index>[.p/<width>]`. */
export function toTilePath({ level, index, width }: Tile): string {
  const groups = [];
  for (let rest = index; groups.length === 0 || rest > 0;) {
    groups.unshift(String(rest % 1_000).padStart(3, "0"));
    rest = Math.floor(rest / 1_000);
  }
  const last = groups.pop();
  const folders = groups.map((group) => `x${group}/`).join("");
  const part = width < TILE_WIDTH ? `.p/${width}` : "";
  return `tile/${level}/${folders}${last}${part}`;
}

const PATH =
  /^tile\/(0|[1-9]\d?)\/((?:x\d{3}\/)*)(\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The tile of a canonical path; null for any other path. */
export function parseTilePath(path: string): Tile | null {
  const [, level, folders, last, part] = PATH.exec(path) ?? [];
  if (level === undefined) return null;
  const tile = {
    level: Number(level),
    index: Number(folders.replaceAll(/[x/]/g, "") + last),
    width: part === undefined ? TILE_WIDTH : Number(part),
  };
  const isTile = tile.level <= MAX_LEVEL && Number.isSafeInteger(tile.index) &&
    toTilePath(tile) === path;
  return isTile ? tile : null;
}

/** The number of hashes of a tile in a tree of `size` leaves, from 0. */
export function widthOf(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, hashes));
}

/**
 * The tiles that are new or wider in a tree of `size` leaves than in one of
 * `oldSize` leaves, level by level; all tiles for an `oldSize` of 0.
 */
export function* listNewTiles(
  oldSize: number,
  size: number,
): Generator<Tile> {
  for (let level = 0; TILE_WIDTH ** level <= size; level++) {
    const before = Math.floor(oldSize / TILE_WIDTH ** level);
    const after = Math.floor(size / TILE_WIDTH ** level);
    if (before === after) continue;
    const first = Math.floor(before / TILE_WIDTH);
    for (let index = first; index * TILE_WIDTH < after; index++) {
      yield { level, index, width: widthOf(level, index, size) };
    }
  }
}

/** Levels of the tree per level of tiles. */
const TILE_HEIGHT = 8;

/** Leaves from `start` (inclusive) to `end` (exclusive). */
export type LeafRange = readonly [start: number, end: number];

/**
 * The root of the first `size` leaves, from tiles alone.
 *
 * @throws errors of the reader, and RangeError for a tile of the wrong length.
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
 * `size` leaves. Each range is a subtree by the splits of RFC 9162 §2.1.1. Every
 * tile is read once, and not verified against a root.
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

/** The complete subtrees of a range, largest first, as level in the tree and index. */
function splitRange(start: number, end: number): [number, number][] {
  const subtrees: [number, number][] = [];
  while (start < end) {
    const leaves = floorPowerOfTwo(end - start);
    subtrees.push([Math.log2(leaves), start / leaves]);
    start += leaves;
  }
  return subtrees;
}

/** The root of a complete subtree, whose hashes are in one tile. */
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
