/** API keys of one kind: name → key. */
export type ApiKeys = Record<string, string>;

/** The variable that narrows which secret keys callers may use, by name. */
export const OPERATOR_KEYS = "LEDGER_OPERATOR_KEYS";

/** A project's URL and named API keys. */
export type Environment = {
  /** `https://<ref>.supabase.co` */
  url: string;
  publishableKeys: ApiKeys;
  secretKeys: ApiKeys;
  /** The names of the secret keys that callers may use; null for all of them. */
  operatorKeys?: readonly string[] | null;
  /**
   * The keys that verify tokens. Without them, `@supabase/server` reads them from the
   * platform's environment when there is a token to verify.
   */
  jwks?: { keys: { kty?: string }[] } | URL | null;
};

/** A project's URL and keys, or the configuration error. */
export type ResolvedEnvironment =
  | { data: Environment; error: null }
  | { data: null; error: Error };

/**
 * Reads the environment of an Edge Function: the variables of `resolveEnv` in
 * `@supabase/server`, in its order of precedence. That package is not loaded here,
 * because it takes longer to load than everything else together.
 */
export function readEnvironment(
  readVariable: (name: string) => string | undefined,
): ResolvedEnvironment {
  const url = readVariable("SUPABASE_URL");
  if (!url) {
    const error = new Error(
      "SUPABASE_URL is not set; set it to the URL of the project",
    );
    return { data: null, error };
  }
  const readKeys = (kind: string) => {
    const named = readVariable(`SUPABASE_${kind}_KEYS`);
    if (named) return parseKeys(named);
    const only = readVariable(`SUPABASE_${kind}_KEY`);
    return only ? { default: only } : {};
  };
  const operatorKeys = readNames(readVariable(OPERATOR_KEYS));
  const data = {
    url,
    publishableKeys: readKeys("PUBLISHABLE"),
    secretKeys: readKeys("SECRET"),
    ...operatorKeys !== null && { operatorKeys },
  };
  return { data, error: null };
}

/** The names in a list with commas or white space; null without a list. */
function readNames(list: string | undefined): string[] | null {
  return list ? list.split(/[\s,]+/).filter((name) => name !== "") : null;
}

/** The key that a function uses itself: `default`, else the first. */
export function pickKey(keys: ApiKeys): string | undefined {
  return keys.default ?? Object.values(keys)[0];
}

/** The non-empty strings of a JSON object; none for any other text. */
function parseKeys(json: string): ApiKeys {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return {};
  }
  if (Array.isArray(parsed)) return {};
  return Object.fromEntries(
    Object.entries(Object(parsed)).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string" && entry[1] !== ""
    ),
  );
}
