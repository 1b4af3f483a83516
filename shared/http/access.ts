import type { Caller } from "../db/call-function.ts";
import type { ApiKeys, Environment } from "../db/environment.ts";
import type { CallerContext, Context, DatabaseContext } from "./context.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";

/**
 * Who may take a route: grants a request the context that its handler needs, or
 * throws a problem. It does not read the body of a caller without credentials.
 */
export type Access<Admitted extends Context> = (
  ctx: Context,
) => Admitted | Promise<Admitted>;

/** Anyone, even when the function is configured wrongly. */
export const open: Access<Context> = (ctx) => ctx;

/** Anyone. */
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

/** A service; `purpose` says in a refusal what only services may do. */
export const serviceOnly =
  (purpose: string): Access<CallerContext> => async (ctx) => {
    const admitted = await anyCaller(ctx);
    requireService(admitted.caller, purpose);
    return admitted;
  };

/** @throws the function's configuration error, which the caller sees as a 500. */
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

const WANTED =
  "Send a secret API key in the apikey header (apikey: sb_secret_…), or a user's token as Authorization: Bearer <JWT>";

/**
 * Verifies the credential of a request. A user's token wins over an API key in
 * the same request, as in the REST API; a bad token is never downgraded.
 *
 * @throws {ProblemError} 401 without a valid credential; 503 when the keys to
 * verify a token cannot be had; 500 when the function is configured wrongly.
 */
export async function authenticate(
  request: Request,
  env: Environment,
): Promise<Caller> {
  const name = findService(request.headers, env);
  if (name !== null) return { kind: "service", keyName: name };
  if (isWrongKey(request.headers, env)) throw wrongKey();
  // Services do without it, and it takes longer to load than all else together.
  const { verifyAuth } = await import("@supabase/server/core");
  const { data, error } = await verifyAuth(request, {
    auth: ["user", "secret:*"],
    env,
  });
  if (error) throw toProblemError(error);
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
 * The name of the secret key that a request carries, where `verifyAuth` would grant
 * it for certain. Null says nothing: whatever else a request carries, and why it is
 * not enough, is for `verifyAuth` to say.
 */
function findService(headers: Headers, env: Environment): string | null {
  const authorization = headers.get("authorization");
  // supabase-js sends its key here too; anything else may be a user's token.
  if (authorization !== null && !authorization.startsWith("Bearer sb_")) {
    return null;
  }
  return matchKey(headers.get("apikey") ?? "", env.secretKeys);
}

/**
 * Whether a request carries an API key and nothing else, where there are keys to be
 * compared with. Refused without loading anything, because it may come in thousands.
 */
function isWrongKey(headers: Headers, { secretKeys }: Environment): boolean {
  return headers.get("authorization") === null &&
    Boolean(headers.get("apikey")) && Object.keys(secretKeys).length > 0;
}

function wrongKey(): ProblemError {
  return unauthorized(
    "invalid_credentials",
    `The API key is not a secret key of this project. ${WANTED}`,
  );
}

function toProblemError(
  error: { code: string; status: number; message: string },
): ProblemError {
  if (error.code === "MISSING_CREDENTIALS") {
    return unauthorized("missing_credentials", WANTED);
  }
  if (error.status === 401) {
    if (error.code !== "INVALID_JWT") return wrongKey();
    return unauthorized(
      "invalid_credentials",
      `The token is malformed, expired, or not signed by this project. ${WANTED}`,
    );
  }
  const code = error.code === "JWKS_FETCH_FAILED"
    ? "unavailable"
    : "internal_error";
  const detail = "The credentials cannot be checked at the moment";
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
 * The name of the key that was sent, or null when it is none of them; of equal
 * keys, the first. Every key is compared, and in full, so the timing reveals only a
 * key's length, which is not a secret. An empty key never matches.
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
