import { type Bytes, equalBytes } from "./encoding.ts";
import { type LeafRange, readSubtrees, type TileReader } from "./tiles.ts";
import { floorPowerOfTwo, hashChildren } from "./tree.ts";

/**
 * Most hashes of a proof: the path in a tree of 2^63 leaves, and the limit of C2SP
 * tlog-witness.
 */
export const MAX_PROOF_LENGTH = 63;

/**
 * The inclusion proof of leaf `index` in the tree of the first `size` leaves (RFC
 * 9162 §2.1.3.1), from the leaf's sibling up.
 *
 * @throws {RangeError} for an index outside the tree.
 */
export async function proveInclusion(
  read: TileReader,
  index: number,
  size: number,
): Promise<Bytes[]> {
  if (!(index >= 0 && index < size)) {
    throw new RangeError("The index must be below the size of the tree");
  }
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  return await readSubtrees(read, size, ranges.reverse());
}

/**
 * The consistency proof from the tree of `oldSize` leaves to the tree of `size`
 * leaves (RFC 9162 §2.1.4.1). Empty for equal sizes and for an old size of 0.
 *
 * @throws {RangeError} for an old size greater than the size.
 */
export async function proveConsistency(
  read: TileReader,
  oldSize: number,
  size: number,
): Promise<Bytes[]> {
  if (!(oldSize >= 0 && oldSize <= size)) {
    throw new RangeError("The old size must not be greater than the size");
  }
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end !== oldSize) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  // If the old tree is one of the subtrees, the verifier knows its root.
  if (start > 0) ranges.push([start, end]);
  return await readSubtrees(read, size, ranges.reverse());
}

/** The claim that a leaf, by its hash, is in a tree. */
export type InclusionClaim = {
  index: number;
  leaf: Uint8Array;
  size: number;
  root: Uint8Array;
};

/** Whether an inclusion proof is valid (RFC 9162 §2.1.3.2, with its `fn` and `sn`). */
export function verifyInclusion(
  { index, leaf, size, root }: InclusionClaim,
  proof: readonly Uint8Array[],
): boolean {
  if (!(index >= 0 && index < size)) return false;
  let [fn, sn] = [index, size - 1];
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isRight(fn) || fn === sn) {
      hash = hashChildren(sibling, hash);
      while (!isRight(fn) && fn > 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = hashChildren(hash, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(hash, root);
}

/** The claim that a tree begins with an older one. */
export type ConsistencyClaim = {
  oldSize: number;
  oldRoot: Uint8Array;
  size: number;
  root: Uint8Array;
};

/**
 * Whether a consistency proof is valid (RFC 9162 §2.1.4.2, with its `fn` and
 * `sn`). Every tree begins with the empty one, so for an old size of 0 the proof is
 * empty and the old root is ignored.
 */
export function verifyConsistency(
  { oldSize, oldRoot, size, root }: ConsistencyClaim,
  proof: readonly Uint8Array[],
): boolean {
  if (!(oldSize >= 0 && oldSize <= size)) return false;
  if (oldSize === 0) return proof.length === 0;
  if (oldSize === size) return proof.length === 0 && equalBytes(oldRoot, root);
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  if (path.length === 0) return false;
  let [fn, sn] = [oldSize - 1, size - 1];
  while (isRight(fn)) [fn, sn] = [half(fn), half(sn)];
  let [oldHash, newHash] = [path[0], path[0]];
  for (const hash of path.slice(1)) {
    if (sn === 0) return false;
    if (isRight(fn) || fn === sn) {
      oldHash = hashChildren(hash, oldHash);
      newHash = hashChildren(hash, newHash);
      while (!isRight(fn) && fn > 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newHash = hashChildren(newHash, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(oldHash, oldRoot) && equalBytes(newHash, root);
}

/** The split point of a tree: the largest power of two below `count` (RFC 9162 §2.1.1). */
function splitOf(count: number): number {
  return floorPowerOfTwo(count - 1);
}

// Sizes exceed 32 bits, so the bitwise operators cannot be used.
function isRight(index: number): boolean {
  return index % 2 === 1;
}

function half(index: number): number {
  return Math.floor(index / 2);
}

function isPowerOfTwo(count: number): boolean {
  return floorPowerOfTwo(count) === count;
}
