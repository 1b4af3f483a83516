import { timingSafeEqual } from "@std/crypto/timing_safe_equal.js";
import type { Caller } from "../db/call-function.ts";
import {
  type ApiKeys,
  type Environment,
  OPERATOR_KEYS,
} from "../db/environment.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { findKey, isProducerKey } from "./producer-keys.ts";

const CREDENTIALS_REMEDY =
  "Send a producer key in the x-ledger-key header (x-ledger-key: lfk_…), a secret API key in the apikey header (apikey: sb_secret_…), or a user's token as Authorization: Bearer <JWT>";

/** The header of a producer key, which may be a bearer as well. */
const KEY_HEADER = "x-ledger-key";

/**
 * Verifies the credential of a request: a producer key in `x-ledger-key` or as a bearer,
 * a secret API key in `apikey` or as a bearer, or a user's token as a bearer (RFC 6750).
 * Of several, the one with the fewest rights counts: a user's token, then a producer
 * key. A credential that is not understood is refused, never ignored, because ignoring
 * it could raise the caller from a user to a service.
 *
 * @throws {ProblemError} 401 without a valid credential, 403 for a secret key that is
 * not an operator's; 503 when the keys that verify tokens cannot be fetched, or the
 * database that has the producer keys; 500 when the function is misconfigured.
 */
export async function authenticate(
  { headers }: Request,
  env: Environment,
): Promise<Caller> {
  try {
    return await verifyCredential(headers, env);
  } catch (error) {
    const hint = explainMisplacedKey(headers);
    if (!(error instanceof ProblemError) || hint === "") throw error;
    const { problem } = error;
    if (problem.status === 401) problem.detail = `${hint} ${problem.detail}`;
    throw error;
  }
}

/** The prefix of a kind of key → the header that it belongs in. */
const KEY_HEADERS = Object.entries({ lfk_: KEY_HEADER, sb_secret_: "apikey" });

/** Where a key that is in a wrong header belongs; "" without one. */
function explainMisplacedKey(headers: Headers): string {
  for (const [name, value] of headers) {
    const text = decodeBasic(value);
    for (const [prefix, header] of KEY_HEADERS) {
      if (name !== header && text.split(/[\s:,]/)[0].startsWith(prefix)) {
        return `The ${name} header has a key; send it as ${header}: ${prefix}…`;
      }
    }
  }
  return "";
}

/** The user and password of Basic credentials (RFC 7617); any other text unchanged. */
function decodeBasic(text: string): string {
  const [, encoded] = /^basic[ \t]+([\w+/]+={0,2})$/i.exec(text) ?? [];
  if (encoded === undefined) return text;
  try {
    // Senders put the key into either of the two.
    return atob(encoded).split(":").filter(Boolean).at(-1) ?? "";
  } catch {
    return text;
  }
}

async function verifyCredential(
  headers: Headers,
  env: Environment,
): Promise<Caller> {
  const bearer = readBearer(headers);
  const apikey = headers.get("apikey") || null;
  if (bearer !== null && !/^(?:sb|lfk)_/.test(bearer)) {
    return await verifyUser(bearer, env);
  }
  const producerKey = readProducerKey(headers, bearer);
  if (producerKey !== null) {
    requireApiKeys([apikey, bearer === producerKey ? null : bearer], env);
    return await findProducer(producerKey, env);
  }
  return verifyService(bearer, apikey, env);
}

/**
 * The producer key of a request, or null.
 *
 * @throws {ProblemError} 401 for a malformed one, or two that differ.
 */
function readProducerKey(
  headers: Headers,
  bearer: string | null,
): string | null {
  const header = headers.get(KEY_HEADER);
  const bearerKey = bearer?.startsWith("lfk_") ? bearer : null;
  const key = header ?? bearerKey;
  if (key === null) return null;
  if (key === (bearerKey ?? key) && isProducerKey(key)) return key;
  throw unauthorized(
    "invalid_credentials",
    "The producer key is malformed, or two are given; send one as it was shown when it was created (lfk_…)",
  );
}

/**
 * Requires API keys beside another credential to be keys of this project: the platform's
 * gateway may ask for one.
 *
 * @throws {ProblemError} 401 for any other.
 */
function requireApiKeys(keys: (string | null)[], env: Environment): void {
  const isKnown = (key: string) =>
    matchKey(key, env.publishableKeys) !== null ||
    matchKey(key, env.secretKeys) !== null;
  if (!keys.every((key) => key === null || isKnown(key))) throw invalidKey();
}

async function findProducer(text: string, env: Environment): Promise<Caller> {
  const key = await findKey(text, env);
  if (key === null) throw refuseKey();
  return { kind: "producer", key };
}

/** A 401 for a producer key without rights. */
export function refuseKey(): ProblemError {
  return unauthorized(
    "invalid_credentials",
    "The producer key is unknown, revoked or expired, or not for this log; create one with npm run keys",
  );
}

/** The holder of a secret API key. */
function verifyService(
  bearer: string | null,
  apikey: string | null,
  env: Environment,
): Caller {
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
  if (!(env.operatorKeys ?? [keyName]).includes(keyName)) {
    throw new ProblemError(createProblem(
      "not_allowed",
      `The secret API key is not an operator's: ${OPERATOR_KEYS} does not name it. Send a producer key in the x-ledger-key header`,
    ));
  }
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
