import { type Bytes, equalBytes } from "./encoding.ts";
import { type LeafRange, readSubtrees, type TileReader } from "./tiles.ts";
import { floorPowerOfTwo, hashChildren } from "./tree.ts";

/**
 * Most hashes of a proof: a path in a tree of 2^63 leaves, and what C2SP
 * tlog-witness lets a request have.
 */
export const MAX_PROOF_LENGTH = 63;

/**
 * The proof that leaf `index` is in the tree of the first `size` leaves (RFC 9162
 * §2.1.3.1), from the leaf's sibling up.
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
 * The proof that the tree of `size` leaves begins with the tree of `oldSize`
 * leaves (RFC 9162 §2.1.4.1). Empty for the same size, and for an old size of 0.
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
  // Where the old tree is one of the subtrees, the verifier has its root.
  if (start > 0) ranges.push([start, end]);
  return await readSubtrees(read, size, ranges.reverse());
}

/** A leaf, by its hash, and the tree that it is said to be in. */
export type InclusionClaim = {
  index: number;
  leaf: Uint8Array;
  size: number;
  root: Uint8Array;
};

/** Whether a proof shows what is claimed (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  { index, leaf, size, root }: InclusionClaim,
  proof: readonly Uint8Array[],
): boolean {
  if (!(index >= 0 && index < size)) return false;
  let [one, last] = [index, size - 1];
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isRight(one) || one === last) {
      hash = hashChildren(sibling, hash);
      while (!isRight(one) && one > 0) [one, last] = [half(one), half(last)];
    } else {
      hash = hashChildren(hash, sibling);
    }
    [one, last] = [half(one), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

/** Two trees, the second of which is said to begin with the first. */
export type ConsistencyClaim = {
  oldSize: number;
  oldRoot: Uint8Array;
  size: number;
  root: Uint8Array;
};

/**
 * Whether a proof shows what is claimed (RFC 9162 §2.1.4.2). Every tree begins
 * with the empty one, without a proof; the old root is not looked at then.
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
  let [one, last] = [oldSize - 1, size - 1];
  while (isRight(one)) [one, last] = [half(one), half(last)];
  let [before, after] = [path[0], path[0]];
  for (const hash of path.slice(1)) {
    if (last === 0) return false;
    if (isRight(one) || one === last) {
      before = hashChildren(hash, before);
      after = hashChildren(hash, after);
      while (!isRight(one) && one > 0) [one, last] = [half(one), half(last)];
    } else {
      after = hashChildren(after, hash);
    }
    [one, last] = [half(one), half(last)];
  }
  return last === 0 && equalBytes(before, oldRoot) && equalBytes(after, root);
}

/** The largest power of two below `count`: where a tree splits (RFC 9162 §2.1.1). */
function splitOf(count: number): number {
  return floorPowerOfTwo(count - 1);
}

// Sizes go beyond 32 bits, so that the operators for bits cannot be used.
function isRight(index: number): boolean {
  return index % 2 === 1;
}

function half(index: number): number {
  return Math.floor(index / 2);
}

function isPowerOfTwo(count: number): boolean {
  return floorPowerOfTwo(count) === count;
}
