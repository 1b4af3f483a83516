import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";
import type { ApiKeys } from "../store/environment.ts";

type NamedDigest = [name: string, digest: ArrayBuffer];

/** Keys stay the same for as long as a function runs. */
const digestsOf = new WeakMap<ApiKeys, Promise<NamedDigest[]>>();

/**
 * The name of the key that was sent, or null when it is none of them; of keys that
 * are alike, the first. It takes the same time whichever it is, and whatever a wrong
 * one has in common with a right one: digests (SHA-256) are compared, and with all.
 * A key that is empty is nobody's.
 */
export async function matchKey(
  sent: string,
  keys: ApiKeys,
): Promise<string | null> {
  if (sent === "") return null;
  let digests = digestsOf.get(keys);
  if (digests === undefined) digestsOf.set(keys, digests = digestAll(keys));
  const digest = await computeDigest(sent);
  let match: string | null = null;
  for (const [name, expected] of await digests) {
    const isEqual = timingSafeEqual(digest, expected);
    match = isEqual && match === null ? name : match;
  }
  return match;
}

function digestAll(keys: ApiKeys): Promise<NamedDigest[]> {
  const wanted = Object.entries(keys).filter(([, key]) =>
    typeof key === "string" && key !== ""
  );
  return Promise.all(wanted.map(async ([name, key]): Promise<NamedDigest> => [
    name,
    await computeDigest(key),
  ]));
}

function computeDigest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
