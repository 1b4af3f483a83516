import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";
import type { ApiKeys } from "../db/environment.ts";

const encoder = new TextEncoder();

/**
 * The name of the key that was sent, or null when it is none of them; of keys that
 * are alike, the first. How long it takes says nothing but how long a key is, which
 * is no secret: the key is compared with every one, and each time to its end. A key
 * that is empty is nobody's.
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
