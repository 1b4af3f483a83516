import { encodeBehind } from "../tlog/encode-behind.ts";
import { isHexOf, toHex, writeHex } from "../tlog/hex.ts";
import type { Member } from "../logs/leaf-columns.ts";
import { type Bytes, hashInPlace } from "../tlog/sha256.ts";

/** Random bytes of a salt; each row and column has a salt of its own. */
export const SALT_BYTES = 16;

/** A salt, and the byte that tells a member from NULL. */
const head = new Uint8Array(SALT_BYTES + 1);

/**
 * The commitment to a member of a committed column, as 64 hex digits:
 * SHA-256(salt ‖ 0x01 ‖ UTF-8 of the member), for NULL SHA-256(salt ‖ 0x00).
 * Without the salt it tells nothing about the member.
 *
 * @throws {RangeError} for a salt of another length.
 */
export function commitTo(salt: Uint8Array, member: Member): string {
  if (salt.length !== SALT_BYTES) {
    throw new RangeError(`A salt has ${SALT_BYTES} bytes`);
  }
  head.set(salt);
  return toHex(hashBehindSalt(member));
}

/**
 * Whether a commitment is to this member; it and the salt in hex that `isHex` has
 * looked at.
 */
export function opens(
  commitment: string,
  salt: string,
  member: Member,
): boolean {
  writeHex(salt, head);
  return isHexOf(hashBehindSalt(member), commitment);
}

function hashBehindSalt(member: Member): Bytes {
  head[SALT_BYTES] = member === null ? 0 : 1;
  return hashInPlace(member === null ? head : encodeBehind(head, member));
}
