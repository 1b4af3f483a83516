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
 * Verifies the credential of a request: a secret API key in `apikey` or as a bearer, or
 * a user's token as a bearer (RFC 6750). A user's token takes precedence over an API
 * key, as in the REST API. A credential that is not understood is refused, never
 * ignored, because ignoring it could raise the caller from a user to a service.
 *
 * @throws {ProblemError} 401 without a valid credential; 503 when the keys that
 * verify tokens cannot be fetched; 500 when the function is misconfigured.
 */
export async function authenticate(
  { headers }: Request,
  env: Environment,
): Promise<Caller> {
  const bearer = readBearer(headers);
  const apikey = headers.get("apikey") || null;
  if (bearer !== null && !bearer.startsWith("sb_")) {
    return await verifyUser(bearer, env);
  }
  const key = bearer ?? apikey;
  if (key === null) {
    throw unauthorized("missing_credentials", CREDENTIALS_REMEDY);
  }
  // supabase-js sends its key in both headers, and the platform's gateway may ask for a
  // publishable key.
  const isAlone = apikey === null || apikey === key ||
    matchKey(apikey, env.publishableKeys) !== null;
  const keyName = isAlone ? matchKey(key, env.secretKeys) : null;
  if (keyName === null) throw invalidKey();
  return { kind: "service", keyName };
}

/** One bearer and nothing else; the scheme has no case (RFC 9110 §11.1). */
const BEARER = /^bearer[ \t]+([^\s,]+)$/i;

/**
 * The bearer of a request, or null without an Authorization header.
 *
 * @throws {ProblemError} 401 for any other Authorization, several included.
 */
function readBearer(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization === null) return null;
  const match = BEARER.exec(authorization);
  if (match !== null) return match[1];
  throw unauthorized(
    "invalid_credentials",
    `The Authorization header is not a single bearer. ${CREDENTIALS_REMEDY}`,
  );
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The user of a token that this project's Auth issued: role and audience
 * `authenticated`, with an expiry, and with the user's UUID as its subject.
 */
async function verifyUser(token: string, env: Environment): Promise<Caller> {
  // Loaded for users only: it takes longer to load than everything else together.
  const { verifyCredentials } = await import("@supabase/server/core");
  const { data, error } = await verifyCredentials(
    { token, apikey: null },
    { auth: "user", audience: "authenticated", env },
  );
  if (error) throw toAuthProblem(error);
  const { role, sub, exp } = data.jwtClaims ?? {};
  if (role !== "authenticated") {
    throw unauthorized(
      "invalid_credentials",
      "The token is not that of a signed-in user (role authenticated)",
    );
  }
  if (typeof exp !== "number" || typeof sub !== "string" || !UUID.test(sub)) {
    throw unauthorized(
      "invalid_credentials",
      "The token needs an expiry (exp) and a user's UUID as its subject (sub)",
    );
  }
  return { kind: "user", id: sub.toLowerCase(), token };
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
  if (error.status === 401) {
    return unauthorized(
      "invalid_credentials",
      `The token is malformed, expired, or not signed by this project for signed-in users. ${CREDENTIALS_REMEDY}`,
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
