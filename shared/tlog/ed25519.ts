import { decodeBase64Url } from "@std/encoding/base64url.js";
import type { Bytes } from "./sha256.ts";

/** Bytes of a private key's seed, and of a public key (RFC 8032 §5.1.5). */
export const KEY_BYTES = 32;

/** Bytes of a signature (RFC 8032 §5.1.6). */
export const SIGNATURE_BYTES = 64;

/** What comes before the seed in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];

/** A pair of keys made from a seed. */
export type KeyPair = { privateKey: CryptoKey; publicKey: Bytes };

/** The keys of a seed of 32 bytes. */
export async function importSeed(seed: Uint8Array): Promise<KeyPair> {
  const pkcs8 = new Uint8Array([...PKCS8_HEAD, ...seed]);
  const importKey = (extractable: boolean) =>
    crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", extractable, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", await importKey(true));
  return { privateKey: await importKey(false), publicKey: decodeBase64Url(x!) };
}

/** Signs bytes. */
export async function sign(message: Bytes, key: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
}

/** Whether the holder of a public key signed bytes; false for a bad key too. */
export async function verify(
  message: Bytes,
  signature: Bytes,
  publicKey: Bytes,
): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey(
      "raw",
      publicKey,
      "Ed25519",
      false,
      ["verify"],
    );
    return await crypto.subtle.verify("Ed25519", key, signature, message);
  } catch {
    return false;
  }
}
