import { decodeBase64Url } from "@std/encoding/base64url.js";
import {
  type Bytes,
  parseBase64,
  sha256,
  toBase64,
  toHex,
} from "./encoding.ts";

/** Bytes of a private key's seed, and of a public key (RFC 8032 §5.1.5). */
const KEY_BYTES = 32;

/** Bytes of a signature (RFC 8032 §5.1.6). */
export const SIGNATURE_BYTES = 64;

/** Signature types of C2SP signed-note, by their byte. */
const TYPE_BYTES = {
  /** Ed25519 over the text of a note. */
  note: 1,
  /** Ed25519 over a timestamp and the text of a checkpoint (C2SP tlog-cosignature). */
  cosignature: 4,
} as const;

/** `note` for the keys of logs, `cosignature` for those of witnesses. */
export type KeyType = keyof typeof TYPE_BYTES;

/** A public Ed25519 key that verifies notes (C2SP signed-note). */
export type VerifierKey = {
  /** The name of the log or witness, such as `example.com/ledger`. */
  name: string;
  /** The first four bytes of a hash over name, type and public key, in hex. */
  id: string;
  type: KeyType;
  publicKey: Bytes;
};

/** A private key that signs notes, with its public key. */
export type SignerKey = { verifier: VerifierKey; privateKey: CryptoKey };

/** Whether a key may have this name: not empty, without white space and plus. */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\p{White_Space}+]+$/u.test(name);
}

/** The verifier key with the id that follows from its parts. */
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

// Base64 may contain a plus; a name may not.
const VERIFIER = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/;
const SIGNER = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(.+)$/;

/** Parses `<name>+<id>+<base64>`; `fault` completes "The key …". */
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
    : { fault: "has an id that does not match its name and public key" };
}

/** `<name>+<id>+<base64>`, which is public. */
export function formatVerifierKey(
  { name, id, type, publicKey }: VerifierKey,
): string {
  return `${name}+${id}+${formatMaterial(type, publicKey)}`;
}

/** Parses `PRIVATE+KEY+<name>+<id>+<base64>`; `fault` completes "The key …". */
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
    : { fault: "has an id that does not match its name and key" };
}

/** A new pair of keys as texts; the signer key is a secret. */
export type NewKeys = { signerKey: string; verifierKey: string };

/**
 * Generates a pair of keys; a fixed `seed` gives the same keys each time.
 *
 * @throws {RangeError} for an invalid name or a seed of the wrong length.
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

/** The PKCS #8 header before the seed (RFC 8410 §7). */
const PKCS8_HEADER = [48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32];

type KeyPair = { privateKey: CryptoKey; publicKey: Bytes };

async function importSeed(seed: Uint8Array): Promise<KeyPair> {
  const pkcs8 = new Uint8Array([...PKCS8_HEADER, ...seed]);
  const importKey = (extractable: boolean) =>
    crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", extractable, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", await importKey(true));
  return { privateKey: await importKey(false), publicKey: decodeBase64Url(x!) };
}

/** An Ed25519 signature (RFC 8032). */
export async function sign(message: Bytes, key: CryptoKey): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
}

/** Whether an Ed25519 signature is valid; false for a malformed key too. */
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
