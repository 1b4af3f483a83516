import type { ProducerKey } from "../db/call-function.ts";
import type { Environment } from "../db/environment.ts";
import { findProducerKey } from "../db/producer-store.ts";
import { MAX_CACHED_PRODUCER_KEYS, PRODUCER_KEY_CACHE_MS } from "../limits.ts";

/** `lfk_` and 32 random bytes as base64url. */
const PRODUCER_KEY = /^lfk_[\w-]{43}$/;

/** Whether a text has the form of a producer key. */
export function isProducerKey(text: string): boolean {
  return PRODUCER_KEY.test(text);
}

/** A new producer key: 256 random bits, so that a plain hash of it is safe to store. */
export function createProducerKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `lfk_${
    base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")
  }`;
}

/** The SHA-256 hash of a producer key in hex: all that the database stores of it. */
export async function hashProducerKey(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** A key that was looked up, or is being looked up. */
type CachedKey = { found: Promise<ProducerKey | null>; until: number };

/** The active keys that this instance looked up, by project and key. */
const caches = new WeakMap<Environment, Map<string, CachedKey>>();

/**
 * The active producer key with this text, or null. An instance looks a key up once in
 * `PRODUCER_KEY_CACHE_MS`, so that requests need no call of their own.
 *
 * @throws {StoreError} when the database cannot be asked.
 */
export async function findKey(
  text: string,
  env: Environment,
): Promise<ProducerKey | null> {
  const cache = caches.get(env) ?? new Map<string, CachedKey>();
  caches.set(env, cache);
  const cached = cache.get(text);
  if (cached !== undefined && Date.now() < cached.until) {
    return await cached.found;
  }
  const found = hashProducerKey(text).then((hash) =>
    findProducerKey(env, hash)
  );
  const until = Date.now() + PRODUCER_KEY_CACHE_MS;
  cache.delete(text);
  cache.set(text, { found, until });
  if (cache.size > MAX_CACHED_PRODUCER_KEYS) {
    cache.delete(cache.keys().next().value!);
  }
  // Only active keys stay: any other text is the choice of a stranger.
  const forget = () => {
    if (cache.get(text)?.found === found) cache.delete(text);
  };
  try {
    const key = await found;
    if (key === null) forget();
    return key;
  } catch (error) {
    forget();
    throw error;
  }
}
