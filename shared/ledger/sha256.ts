import { sha256 as algorithm } from "@noble/hashes/sha2.js";

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** Bytes in a buffer of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

// One state for all hashes: making a state takes longer than a short hash.
const fresh = algorithm.create();
const state = algorithm.create();

/**
 * SHA-256 (FIPS 180-4). Synchronous, because a tree has many small hashes and
 * WebCrypto takes ten times as long for each of them.
 */
export function sha256(bytes: Uint8Array): Bytes {
  const hash = new Uint8Array(HASH_BYTES);
  fresh._cloneInto(state).update(bytes).digestInto(hash);
  return hash;
}

/** Whether two byte strings are the same. Not for secrets. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
}
