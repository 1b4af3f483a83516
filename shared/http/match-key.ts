import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";
import type { ApiKeys } from "../db/environment.ts";

const encoder = new TextEncoder();

/**
 * The name of the key that was sent, or null when it is none of them; of equal
 * keys, the first. Every key is compared, and in full, so the timing reveals only a
 * key's length, which is not a secret. An empty key never matches.
 */
export function matchKey(sent: string, keys: ApiKeys): string | null {
  const bytes = encoder.encode(sent);
  let match: string | null = null;
  for (const [name, key] of Object.entries(keys)) {
    const expected = encoder.encode(key);
    const isEqual = bytes.length === expected.length &&
      timingSafeEqual(bytes, expected);
    if (isEqual && match === null && key !== "") match = name;
  }
  return match;
}
