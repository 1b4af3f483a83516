/**
 * User tokens as the platform issues them: ES256, with the public key in a JWKS,
 * because `@supabase/server` refuses HS256.
 */
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import { useDataDir } from "./data-dir.ts";
import { StackError } from "./stack-error.ts";

/** Default lifetime of a token, in seconds. */
export const TOKEN_LIFETIME_SECONDS = 3600;

const ALGORITHM = "ES256";
const KEY_FILE = "signing-key.json";
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Signs and verifies the tokens of one stack. */
export interface Tokens {
  /** The public key, as served at `/auth/v1/.well-known/jwks.json`. */
  readonly jwks: JSONWebKeySet;
  /** Signs `claims` with the stack's `iss`. */
  sign(claims: JWTPayload): Promise<string>;
  /**
   * The claims of a token that this key signed and that has not expired.
   *
   * @throws jose's `JWTExpired` or another `JOSEError` for any other token.
   */
  verify(token: string): Promise<JWTPayload>;
}

/** The options of {@linkcode signUserToken}. */
export interface UserTokenOptions {
  /** The value of `app_metadata.role`; the database role is always `authenticated`. */
  role?: string;
  email?: string;
  /** Lifetime in seconds; a negative one gives an expired token. */
  expiresIn?: number;
  appMetadata?: Record<string, unknown>;
  userMetadata?: Record<string, unknown>;
}

/**
 * Opens the signing key in `dataDir`, or creates it, for the issuer of the stack at
 * `url`. Stacks with the same folder share the key.
 */
export async function openTokens(
  dataDir: string,
  url: string,
): Promise<Tokens> {
  const secret = await useDataDir(dataDir, () => loadSigningKey(dataDir));
  const { d: _, ...publicJwk } = secret;
  const privateKey = await importJWK(secret, ALGORITHM);
  const publicKey = await importJWK(publicJwk, ALGORITHM);
  const header = { alg: ALGORITHM, kid: secret.kid, typ: "JWT" };
  return {
    jwks: { keys: [{ ...publicJwk, key_ops: ["verify"] }] },
    sign: (claims) =>
      new SignJWT({ ...claims, iss: `${url}/auth/v1` })
        .setProtectedHeader(header).sign(privateKey),
    verify: async (token) =>
      (await jwtVerify(token, publicKey, {
        algorithms: [ALGORITHM],
        requiredClaims: ["exp"],
      })).payload,
  };
}

/**
 * Signs a token of a user, with the platform's claims.
 *
 * @param userId The user's uuid, which becomes `sub`; the user need not exist.
 * @throws {StackError} if `userId` is not a uuid.
 */
export function signUserToken(
  tokens: Tokens,
  userId: string,
  options: UserTokenOptions = {},
): Promise<string> {
  if (!UUID.test(userId)) {
    throw new StackError(
      `Cannot sign a token for user ${JSON.stringify(userId)}: expected a uuid`,
    );
  }
  const { role, email = "", expiresIn = TOKEN_LIFETIME_SECONDS } = options;
  const now = Math.floor(Date.now() / 1000);
  return tokens.sign({
    sub: userId.toLowerCase(),
    aud: "authenticated",
    role: "authenticated",
    iat: now,
    exp: now + expiresIn,
    email,
    phone: "",
    app_metadata: {
      provider: "email",
      providers: ["email"],
      ...options.appMetadata,
      ...(role === undefined ? {} : { role }),
    },
    user_metadata: options.userMetadata ?? {},
    aal: "aal1",
    amr: [{ method: "password", timestamp: now }],
    session_id: crypto.randomUUID(),
    is_anonymous: false,
  });
}

async function loadSigningKey(dataDir: string): Promise<JWK> {
  const path = `${dataDir}/${KEY_FILE}`;
  await Deno.mkdir(dataDir, { recursive: true, mode: OWNER_ONLY_FOLDER });
  return await readSigningKey(path) ?? await createSigningKey(path);
}

async function readSigningKey(path: string): Promise<JWK | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new StackError(`Cannot read the signing key ${path}: ${error}`);
  }
  try {
    const key = JSON.parse(text) as JWK;
    if (key.crv === "P-256" && key.d && key.kid) return key;
  } catch {
    // The error below does not repeat the content.
  }
  throw new StackError(
    `Cannot use the signing key ${path}: expected a private P-256 JWK; delete the file to create a new one`,
  );
}

/** Of concurrent processes the first one to link its file wins. */
async function createSigningKey(path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, {
    extractable: true,
  });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const temporary = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(
    temporary,
    JSON.stringify({ ...jwk, kid, alg: ALGORITHM, use: "sig" }),
    { mode: OWNER_ONLY_FILE, createNew: true },
  );
  try {
    await Deno.link(temporary, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(temporary);
  }
  return (await readSigningKey(path))!;
}

/** The credential in `Authorization: Bearer …`; undefined if there is none. */
export function readBearer(headers: Headers): string | undefined {
  const match = /^bearer(?:\s+(.*))?$/i.exec(
    headers.get("authorization")?.trim() ?? "",
  );
  return match ? match[1] ?? "" : undefined;
}
