/**
 * The API keys of the local stack. They are the Supabase CLI's own fixed local
 * defaults, so that one `.env` works with both, and they are public: the stack
 * listens on the loopback interface alone.
 */
import { StackError } from "./stack-error.ts";

/** Makes a request `anon`. Source: Supabase CLI 3, `supabase start`. */
export const PUBLISHABLE_KEY = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH";
/** Makes a request `service_role`; its name is `default`. Source: as above. */
export const SECRET_KEY = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz";

/** The name of the keys that every project has. */
export const DEFAULT_KEY_NAME = "default";

/** What an API key makes of a request. */
export type ApiKeyKind = "publishable" | "secret";

/** The keys of one stack: name → key, as the platform hands them to functions. */
export interface ApiKeys {
  publishable: Record<string, string>;
  secret: Record<string, string>;
  /** The kind of `key`, or undefined when it is not a key of this stack. */
  kindOf(key: string | null | undefined): ApiKeyKind | undefined;
}

/**
 * Puts the fixed keys and further named secret keys together.
 *
 * @param named name → `sb_secret_…`
 * @throws {StackError} when a name is taken or a value does not look like a secret key.
 */
export function assembleKeys(named: Record<string, string> = {}): ApiKeys {
  for (const [name, key] of Object.entries(named)) {
    if (name === DEFAULT_KEY_NAME) {
      throw new StackError(
        `Cannot name a further secret key "${DEFAULT_KEY_NAME}": that name belongs to the fixed key`,
      );
    }
    if (typeof key !== "string" || !/^sb_secret_\S+$/.test(key)) {
      throw new StackError(
        `Cannot use the secret key named ${
          JSON.stringify(name)
        }: wanted a string that starts with sb_secret_`,
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
      'Cannot read LOCAL_SECRET_KEYS: wanted a JSON object from names to keys, like {"billing": "sb_secret_…"}',
    );
  }
  const keys = named as Record<string, string>;
  assembleKeys(keys);
  return keys;
}
