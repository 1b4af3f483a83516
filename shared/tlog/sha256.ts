import { sha256 as algorithm } from "@noble/hashes/sha2.js";

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** Bytes in a buffer of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

// One state and one place for all hashes: making them takes longer than a short hash.
const fresh = algorithm.create();
const state = algorithm.create();
const place = new Uint8Array(HASH_BYTES);

/**
 * SHA-256 (FIPS 180-4). Synchronous, because a tree has many small hashes and
 * WebCrypto takes ten times as long for each of them.
 */
export function sha256(bytes: Uint8Array): Bytes {
  return hashInPlace(bytes).slice();
}

/** The same, in a buffer that the next hash overwrites. */
export function hashInPlace(bytes: Uint8Array): Bytes {
  fresh._cloneInto(state).update(bytes).digestInto(place);
  return place;
}

/** Whether two byte strings are the same. Not for secrets. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
}
