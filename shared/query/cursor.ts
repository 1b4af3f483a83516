import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url.js";
import { type Environment, pickKey } from "../db/environment.ts";
import type { Position } from "../db/read-log.ts";
import { refuseParameter } from "../http/parameters.ts";

/** Bytes of an AES-GCM nonce (NIST SP 800-38D §8.2). */
const NONCE_BYTES = 12;

/**
 * Encrypts a position as an opaque cursor (AES-256-GCM with a key of the project), so
 * that a client can neither read transaction numbers nor forge a position. `context`
 * binds the cursor to its query.
 */
export async function sealCursor(
  position: Position,
  context: string,
  env: Environment,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: encode(context) },
    await deriveKey(env),
    encode(JSON.stringify(position)),
  );
  return encodeBase64Url(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/**
 * Decrypts a cursor.
 *
 * @throws {ProblemError} 400 unless it is a cursor of this query.
 */
export async function openCursor(
  cursor: string,
  context: string,
  env: Environment,
): Promise<Position> {
  try {
    const bytes: Uint8Array<ArrayBuffer> = decodeBase64Url(cursor);
    const position = await crypto.subtle.decrypt(
      {
        name: "AES-GCM",
        iv: bytes.slice(0, NONCE_BYTES),
        additionalData: encode(context),
      },
      await deriveKey(env),
      bytes.slice(NONCE_BYTES),
    );
    return JSON.parse(new TextDecoder().decode(position));
  } catch {
    throw refuseCursor();
  }
}

/** A 400 for an invalid cursor. */
export function refuseCursor() {
  return refuseParameter(
    "cursor",
    "is not the next_cursor of a page of this query; start again without a cursor",
  );
}

/** Derives the key from the secret key of the project, whose rotation invalidates cursors. */
async function deriveKey({ secretKeys }: Environment): Promise<CryptoKey> {
  const secret = pickKey(secretKeys) ?? "";
  const digest = await crypto.subtle.digest(
    "SHA-256",
    encode(`ledger-functions cursor\n${secret}`),
  );
  return crypto.subtle.importKey("raw", digest, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
