import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";
import type { Caller } from "../db/call-function.ts";
import type { ApiKeys, Environment } from "../db/environment.ts";
import type { CallerContext, Context, DatabaseContext } from "./context.ts";
import { createProblem, ProblemError } from "./problem.ts";

/**
 * Access control of a route: grants the context that the handler needs, or throws a
 * problem. It does not read the body of a caller without credentials.
 */
export type Access<Admitted extends Context> = (
  ctx: Context,
) => Admitted | Promise<Admitted>;

/** Everyone, even without a valid environment. */
export const open: Access<Context> = (ctx) => ctx;

/** Everyone. */
export const anyone: Access<DatabaseContext> = (ctx) =>
  Object.assign(ctx, { env: requireEnvironment(ctx) });

/** A service or a user. */
export const anyCaller: Access<CallerContext> = async (ctx) => {
  const env = requireEnvironment(ctx);
  const caller = await authenticate(ctx.request, env);
  ctx.annotate({
    caller: caller.kind === "user" ? "user" : `secret:${caller.keyName}`,
  });
  return Object.assign(ctx, { env, caller });
};

/** Services; `purpose` completes "Only a service may …" in a 403. */
export const serviceOnly =
  (purpose: string): Access<CallerContext> => async (ctx) => {
    const admitted = await anyCaller(ctx);
    requireService(admitted.caller, purpose);
    return admitted;
  };

/** @throws {Error} the configuration error, which becomes a 500 without detail. */
export function requireEnvironment({ environment }: Context): Environment {
  if (environment.error) throw environment.error;
  return environment.data;
}

/** @throws {ProblemError} 403 when the caller is not a service. */
function requireService(caller: Caller, purpose: string): void {
  if (caller.kind === "service") return;
  throw new ProblemError(createProblem(
    "not_allowed",
    `Only a service may ${purpose}: send a secret API key in the apikey header`,
  ));
}

const CREDENTIALS_REMEDY =
  "Send a secret API key in the apikey header (apikey: sb_secret_…), or a user's token as Authorization: Bearer <JWT>";

/**
 * Verifies the credential of a request. A user's token takes precedence over an API
 * key, as in the REST API; an invalid token never falls back to the key.
 *
 * @throws {ProblemError} 401 without a valid credential; 503 when the keys that
 * verify tokens cannot be fetched; 500 when the function is misconfigured.
 */
export async function authenticate(
  request: Request,
  env: Environment,
): Promise<Caller> {
  const name = findKeyName(request.headers, env);
  if (name !== null) return { kind: "service", keyName: name };
  if (hasOnlyKey(request.headers, env)) throw invalidKey();
  // Loaded for users only: it takes longer to load than everything else together.
  const { verifyAuth } = await import("@supabase/server/core");
  const { data, error } = await verifyAuth(request, {
    auth: ["user", "secret:*"],
    env,
  });
  if (error) throw toAuthProblem(error);
  const { authMode, keyName, jwtClaims, token } = data;
  if (authMode === "secret") {
    return { kind: "service", keyName: keyName ?? "default" };
  }
  if (token === null || jwtClaims?.role !== "authenticated") {
    throw unauthorized(
      "invalid_credentials",
      "The token is not that of a signed-in user (role authenticated)",
    );
  }
  return { kind: "user", id: jwtClaims.sub, token };
}

/**
 * The name of the secret key of a request that `verifyAuth` would certainly accept.
 * Null is inconclusive: `verifyAuth` decides then.
 */
function findKeyName(headers: Headers, env: Environment): string | null {
  const authorization = headers.get("authorization");
  // supabase-js sends its key here too; anything else may be a user's token.
  if (authorization !== null && !authorization.startsWith("Bearer sb_")) {
    return null;
  }
  return matchKey(headers.get("apikey") ?? "", env.secretKeys);
}

/**
 * Whether an API key is the only credential of a request, and there are keys to
 * compare it with. Such a request is refused without loading `verifyAuth`, because
 * thousands may arrive.
 */
function hasOnlyKey(headers: Headers, { secretKeys }: Environment): boolean {
  return headers.get("authorization") === null &&
    Boolean(headers.get("apikey")) && Object.keys(secretKeys).length > 0;
}

function invalidKey(): ProblemError {
  return unauthorized(
    "invalid_credentials",
    `The API key is not a secret key of this project. ${CREDENTIALS_REMEDY}`,
  );
}

function toAuthProblem(
  error: { code: string; status: number; message: string },
): ProblemError {
  if (error.code === "MISSING_CREDENTIALS") {
    return unauthorized("missing_credentials", CREDENTIALS_REMEDY);
  }
  if (error.status === 401) {
    if (error.code !== "INVALID_JWT") return invalidKey();
    return unauthorized(
      "invalid_credentials",
      `The token is malformed, expired, or not signed by this project. ${CREDENTIALS_REMEDY}`,
    );
  }
  const code = error.code === "JWKS_FETCH_FAILED"
    ? "unavailable"
    : "internal_error";
  const detail =
    "The credentials cannot be verified at present; send the same request again";
  return new ProblemError(createProblem(code, detail), {}, { cause: error });
}

function unauthorized(
  code: "missing_credentials" | "invalid_credentials",
  detail: string,
): ProblemError {
  return new ProblemError(createProblem(code, detail), {
    "www-authenticate": 'Bearer realm="ledger-functions"',
  });
}

const encoder = new TextEncoder();

/**
 * The name of the key that equals `sent`, or null; of equal keys, the first. Every key
 * is compared in full, so the timing reveals only a key's length, which is not a
 * secret. An empty key never matches.
 */
function matchKey(sent: string, keys: ApiKeys): string | null {
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
