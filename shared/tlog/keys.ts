import { decodeBase64Url } from "@std/encoding/base64url.js";
import {
  type Bytes,
  parseBase64,
  sha256,
  toBase64,
  toHex,
} from "./encoding.ts";

/** What a key signs, by the byte that C2SP signed-note gives it. */
const TYPE_BYTES = {
  /** The text of a note. */
  note: 1,
  /** The text of a checkpoint, and when (C2SP tlog-cosignature, Ed25519). */
  cosignature: 4,
} as const;

/** What a key signs: a note's text, or a checkpoint's text and the time. */
export type KeyType = keyof typeof TYPE_BYTES;

/** A public key (Ed25519) that notes can be verified with. */
export type VerifierKey = {
  /** Whose key it is, such as `example.com/ledger`. */
  name: string;
  /** Four bytes of a hash over name, type and public key, in hex. */
  id: string;
  type: KeyType;
  publicKey: Bytes;
};

/** A private key that notes can be signed with, and its public side. */
export type SignerKey = { verifier: VerifierKey; privateKey: CryptoKey };

/** Whether a name may be that of a key: no white space, no plus, not empty. */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}+]+$/u.test(name);
}

/** The key of a name, a type and a public key. */
export function toVerifierKey(
  name: string,
  type: KeyType,
  publicKey: Bytes,
): VerifierKey {
  const head = new TextEncoder().encode(`${name}\n`);
  const hash = sha256(
    new Uint8Array([...head, TYPE_BYTES[type], ...publicKey]),
  );
  return { name, id: toHex(hash.subarray(0, 4)), type, publicKey };
}

// A name has no plus; base64 may.
const VERIFIER = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/;
const SIGNER = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(.+)$/;

/** A verifier key from `<name>+<id>+<base64>`, or what is wrong with the text. */
export function parseVerifierKey(
  text: string,
): { key: VerifierKey } | { fault: string } {
  const [, name, id, encoded] = VERIFIER.exec(text) ?? [];
  const material = parseMaterial(encoded);
  if (material === null || !isKeyName(name)) {
    return { fault: "is not <name>+<id>+<base64> of an Ed25519 public key" };
  }
  const key = toVerifierKey(name, material.type, material.bytes);
  return key.id === id
    ? { key }
    : { fault: "has an id that is not that of its name and public key" };
}

/** `<name>+<id>+<base64>`: what others need for verifying. */
export function formatVerifierKey(
  { name, id, type, publicKey }: VerifierKey,
): string {
  return `${name}+${id}+${formatMaterial(type, publicKey)}`;
}

/** A signer key from `PRIVATE+KEY+<name>+<id>+<base64>`, or what is wrong. */
export async function parseSignerKey(
  text: string,
): Promise<{ key: SignerKey } | { fault: string }> {
  const [, name, id, encoded] = SIGNER.exec(text) ?? [];
  const material = parseMaterial(encoded);
  if (material === null || !isKeyName(name)) {
    return {
      fault: "is not PRIVATE+KEY+<name>+<id>+<base64> of an Ed25519 key",
    };
  }
  const { privateKey, publicKey } = await importSeed(material.bytes);
  const verifier = toVerifierKey(name, material.type, publicKey);
  return verifier.id === id
    ? { key: { verifier, privateKey } }
    : { fault: "has an id that is not that of its name and key" };
}

/** New keys, as texts; the signer key is a secret. */
export type NewKeys = { signerKey: string; verifierKey: string };

/**
 * Makes keys; `seed` is for keys that have to be the same again.
 *
 * @throws {RangeError} for a name that no key may have, or a seed that is too short.
 */
export async function createKeys(
  name: string,
  type: KeyType,
  seed: Uint8Array = crypto.getRandomValues(new Uint8Array(KEY_BYTES)),
): Promise<NewKeys> {
  if (!isKeyName(name)) {
    throw new RangeError("The name must have neither white space nor a plus");
  }
  if (seed.length !== KEY_BYTES) {
    throw new RangeError(`The seed must have ${KEY_BYTES} bytes`);
  }
  const { publicKey } = await importSeed(seed);
  const verifier = toVerifierKey(name, type, publicKey);
  return {
    signerKey: `PRIVATE+KEY+${name}+${verifier.id}+${
      formatMaterial(type, seed)
    }`,
    verifierKey: formatVerifierKey(verifier),
  };
}

function formatMaterial(type: KeyType, key: Uint8Array): string {
  return toBase64(new Uint8Array([TYPE_BYTES[type], ...key]));
}

function parseMaterial(
  encoded: string | undefined,
): { type: KeyType; bytes: Bytes } | null {
  const bytes = encoded === undefined ? null : parseBase64(encoded);
  if (bytes?.length !== 1 + KEY_BYTES) return null;
  for (const type of ["note", "cosignature"] as const) {
    if (bytes[0] === TYPE_BYTES[type]) return { type, bytes: bytes.slice(1) };
  }
  return null;
}

/** Bytes of a private key's seed, and of a public key (RFC 8032 §5.1.5). */
const KEY_BYTES = 32;

/** Bytes of a signature (RFC 8032 §5.1.6). */
export const SIGNATURE_BYTES = 64;

/** What comes before the seed in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];

/** A pair of keys made from a seed. */
type KeyPair = { privateKey: CryptoKey; publicKey: Bytes };

/** The keys of a seed of 32 bytes. */
async function importSeed(seed: Uint8Array): Promise<KeyPair> {
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
