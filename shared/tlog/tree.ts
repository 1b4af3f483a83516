import {
  type Bytes,
  encodeWithPrefix,
  HASH_BYTES,
  sha256,
} from "./encoding.ts";

/** Prefix of a leaf's data, which separates leaves from inner nodes. */
const LEAF = new Uint8Array([0]);

/** An inner node's 0x01, and the place of its children. */
const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = 1;

/** The root of a tree without leaves (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Bytes = sha256(new Uint8Array());

/** The hash of a leaf: SHA-256(0x00 ‖ UTF-8 of its data) (RFC 9162 §2.1.1). */
export function hashLeaf(data: string): Bytes {
  return sha256(encodeWithPrefix(LEAF, data));
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 9162 §2.1.1). */
export function hashChildren(left: Uint8Array, right: Uint8Array): Bytes {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/**
 * What is needed of a tree to append to it and to know its root: the roots of
 * its complete subtrees, the largest first. The binary digits of `size` tell
 * how many leaves each has.
 */
export type Frontier = { size: number; peaks: Bytes[] };

/** The frontier of a tree without leaves. */
export function createFrontier(): Frontier {
  return { size: 0, peaks: [] };
}

/** Appends a leaf by its hash; changes the frontier. */
export function appendLeaf(frontier: Frontier, hash: Bytes): void {
  const { peaks } = frontier;
  let peak = hash;
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2) {
    peak = hashChildren(peaks.pop()!, peak);
  }
  peaks.push(peak);
  frontier.size += 1;
}

/** The root of the tree that a frontier belongs to. */
export function rootOf({ peaks }: Frontier): Bytes {
  return peaks.length === 0 ? EMPTY_ROOT : foldPeaks(peaks);
}

/** The root over complete subtrees that follow each other, largest first. */
export function foldPeaks(peaks: readonly Bytes[]): Bytes {
  return peaks.reduceRight((right, left) => hashChildren(left, right));
}

/** The root of a tree of leaf hashes. */
export function hashTree(leaves: Iterable<Bytes>): Bytes {
  const frontier = createFrontier();
  for (const leaf of leaves) appendLeaf(frontier, leaf);
  return rootOf(frontier);
}

/** The largest power of two that is not above `count`, which is 1 or more. */
export function floorPowerOfTwo(count: number): number {
  // Math.log2 rounds up close below large powers.
  let power = 1;
  while (power * 2 <= count) power *= 2;
  return power;
}
