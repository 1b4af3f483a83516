/**
 * The API keys of the local stack: the Supabase CLI's fixed local defaults, so that one
 * `.env` works with both. They are public, so the stack listens on the loopback
 * interface only.
 */
import { StackError } from "./stack-error.ts";

/** The key of the role `anon`. Source: Supabase CLI 3, `supabase start`. */
export const PUBLISHABLE_KEY = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH";
/** The key of the role `service_role`, named `default`. Source: as above. */
export const SECRET_KEY = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz";

/** The name of the two fixed keys. */
export const DEFAULT_KEY_NAME = "default";

/** The kind of an API key, which decides the role of a request. */
export type ApiKeyKind = "publishable" | "secret";

/** The keys of one stack: name → key, as the platform hands them to functions. */
export interface ApiKeys {
  publishable: Record<string, string>;
  secret: Record<string, string>;
  /** The kind of `key`; undefined if it is not a key of this stack. */
  kindOf(key: string | null | undefined): ApiKeyKind | undefined;
}

/**
 * The fixed keys with further named secret keys.
 *
 * @param named name → `sb_secret_…`
 * @throws {StackError} if a name is taken or a value is not a secret key.
 */
export function assembleKeys(named: Record<string, string> = {}): ApiKeys {
  for (const [name, key] of Object.entries(named)) {
    if (name === DEFAULT_KEY_NAME) {
      throw new StackError(
        `Cannot name a further secret key "${DEFAULT_KEY_NAME}": the fixed key has that name; choose another one`,
      );
    }
    if (typeof key !== "string" || !/^sb_secret_\S+$/.test(key)) {
      throw new StackError(
        `Cannot use the secret key named ${
          JSON.stringify(name)
        }: expected a string that starts with sb_secret_`,
      );
    }
  }
  const publishable = { [DEFAULT_KEY_NAME]: PUBLISHABLE_KEY };
  const secret = { [DEFAULT_KEY_NAME]: SECRET_KEY, ...named };
  const kinds = new Map<string, ApiKeyKind>([
    ...Object.values(publishable).map((key) => [key, "publishable"] as const),
    ...Object.values(secret).map((key) => [key, "secret"] as const),
  ]);
  return {
    publishable,
    secret,
    kindOf: (key) => key ? kinds.get(key) : undefined,
  };
}

/**
 * Reads further secret keys from JSON: `{"billing": "sb_secret_…"}`.
 *
 * @throws {StackError} in one sentence that does not repeat the value.
 */
export function parseNamedKeys(json: string): Record<string, string> {
  let named: unknown;
  try {
    named = JSON.parse(json);
  } catch {
    named = undefined;
  }
  if (!named || typeof named !== "object" || Array.isArray(named)) {
    throw new StackError(
      'Cannot read LOCAL_SECRET_KEYS: expected a JSON object from names to keys, like {"billing": "sb_secret_…"}',
    );
  }
  const keys = named as Record<string, string>;
  assembleKeys(keys);
  return keys;
}
