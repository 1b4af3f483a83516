import {
  type Bytes,
  encodeWithPrefix,
  HASH_BYTES,
  sha256,
} from "./encoding.ts";

/** Domain separation of leaves from inner nodes (RFC 9162 §2.1.1). */
const LEAF_PREFIX = new Uint8Array([0]);

/** Input buffer of an inner node's hash: 0x01 and its two children. */
const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = 1;

/** The root of a tree without leaves (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Bytes = sha256(new Uint8Array());

/** The hash of a leaf: SHA-256(0x00 ‖ UTF-8 of its data) (RFC 9162 §2.1.1). */
export function hashLeaf(data: string): Bytes {
  return sha256(encodeWithPrefix(LEAF_PREFIX, data));
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 9162 §2.1.1). */
export function hashChildren(left: Uint8Array, right: Uint8Array): Bytes {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/**
 * The part of a tree that appending and the root need: the roots of its complete
 * subtrees, largest first. The binary digits of `size` give their numbers of leaves.
 */
export type Frontier = { size: number; peaks: Bytes[] };

/** The frontier of a tree without leaves. */
export function createFrontier(): Frontier {
  return { size: 0, peaks: [] };
}

/** Appends a leaf by its hash, in place. */
export function appendLeaf(frontier: Frontier, hash: Bytes): void {
  const { peaks } = frontier;
  let peak = hash;
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2) {
    peak = hashChildren(peaks.pop()!, peak);
  }
  peaks.push(peak);
  frontier.size += 1;
}

/** The root of a frontier's tree. */
export function rootOf({ peaks }: Frontier): Bytes {
  return peaks.length === 0 ? EMPTY_ROOT : foldPeaks(peaks);
}

/** The root over adjacent complete subtrees, largest first. */
export function foldPeaks(peaks: readonly Bytes[]): Bytes {
  return peaks.reduceRight((right, left) => hashChildren(left, right));
}

/** The root of a tree of leaf hashes. */
export function hashTree(leaves: Iterable<Bytes>): Bytes {
  const frontier = createFrontier();
  for (const leaf of leaves) appendLeaf(frontier, leaf);
  return rootOf(frontier);
}

/** The largest power of two up to `count`, which is at least 1. */
export function floorPowerOfTwo(count: number): number {
  // Math.log2 rounds up just below large powers.
  let power = 1;
  while (power * 2 <= count) power *= 2;
  return power;
}
