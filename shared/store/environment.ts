import { resolveEnv } from "@supabase/server/core";

/** A project's URL, keys and JWKS, or why they are missing. */
export type ResolvedEnvironment = ReturnType<typeof resolveEnv>;

/** A project's URL, named API keys and JWKS. */
export type Environment = NonNullable<ResolvedEnvironment["data"]>;

/** Reads the environment that the platform gives every Edge Function. */
export const readEnvironment: () => ResolvedEnvironment = resolveEnv;
