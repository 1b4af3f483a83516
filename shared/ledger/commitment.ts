import { encodeBehind } from "./encode-behind.ts";
import { toHex } from "./hex.ts";
import type { Member } from "./layouts.ts";
import { sha256 } from "./sha256.ts";

/** Random bytes of a salt; each row and column has a salt of its own. */
export const SALT_BYTES = 16;

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
  const head = new Uint8Array(SALT_BYTES + 1);
  head.set(salt);
  if (member === null) return toHex(sha256(head));
  head[SALT_BYTES] = 1;
  return toHex(sha256(encodeBehind(head, member)));
}
