/** The environment that the platform gives to every function. */
import type { JSONWebKeySet } from "jose";
import { parseEnv } from "node:util";
import type { ApiKeys } from "./keys.ts";

/** The sources of the environment. */
export interface FunctionEnvironmentOptions {
  /** Origin of the stack. */
  url: string;
  keys: ApiKeys;
  jwks: JSONWebKeySet;
  /** Only a database server has a URL. */
  databaseUrl?: string;
  /** The project's `supabase` folder; its `functions/.env` is read. */
  supabaseDir: string;
  /** Further variables, which take precedence over the file's. */
  extra?: Record<string, string>;
}

/** The platform's prefix, which a project's variables may not have. */
const RESERVED_PREFIX = "SUPABASE_";

/**
 * The variables of a function. As on the platform, and unlike in the CLI's local
 * stack, the two key variables hold every key by name.
 */
export async function assembleFunctionEnvironment(
  { url, keys, jwks, databaseUrl, supabaseDir, extra }:
    FunctionEnvironmentOptions,
): Promise<Record<string, string>> {
  return {
    ...withoutReserved(await readDotenv(`${supabaseDir}/functions/.env`)),
    ...extra,
    SUPABASE_URL: url,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify(keys.publishable),
    SUPABASE_SECRET_KEYS: JSON.stringify(keys.secret),
    SUPABASE_JWKS: JSON.stringify(jwks),
    ...(databaseUrl ? { SUPABASE_DB_URL: databaseUrl } : {}),
  };
}

async function readDotenv(path: string): Promise<Record<string, string>> {
  try {
    return parseEnv(await Deno.readTextFile(path)) as Record<string, string>;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

function withoutReserved(
  variables: Record<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) =>
      !name.startsWith(RESERVED_PREFIX)
    ),
  );
}
