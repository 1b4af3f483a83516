import { sha256 as algorithm } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64.js";

/** Bytes in a buffer of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Whether two byte strings are equal. Not in constant time: not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** The two digits of each byte. */
const HEX_DIGITS = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/** The values of hex digits, by character code. */
const HEX_VALUES: readonly (number | undefined)[] = Array.from(
  { length: 128 },
  (_, code) => {
    const value = "0123456789abcdef".indexOf(String.fromCharCode(code));
    return value < 0 ? undefined : value;
  },
);

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += HEX_DIGITS[bytes[at]];
  return text;
}

/** Whether a text is lower-case hex of `bytes` bytes. */
export function isHex(text: string, bytes: number): boolean {
  if (text.length !== 2 * bytes) return false;
  for (let at = 0; at < text.length; at++) {
    if (HEX_VALUES[text.charCodeAt(at)] === undefined) return false;
  }
  return true;
}

/** The bytes of hex that passed `isHex`. */
export function fromHex(text: string): Bytes {
  const bytes = new Uint8Array(text.length / 2);
  writeHex(text, bytes);
  return bytes;
}

/** Decodes hex that passed `isHex` into the first bytes of a buffer. */
export function writeHex(text: string, bytes: Uint8Array): void {
  for (let at = 0; 2 * at < text.length; at++) bytes[at] = byteAt(text, at);
}

/** Whether hex that passed `isHex` encodes these bytes. */
export function equalsHex(bytes: Uint8Array, text: string): boolean {
  if (text.length !== 2 * bytes.length) return false;
  for (let at = 0; at < bytes.length; at++) {
    if (byteAt(text, at) !== bytes[at]) return false;
  }
  return true;
}

function byteAt(text: string, at: number): number {
  const [high, low] = [text.charCodeAt(2 * at), text.charCodeAt(2 * at + 1)];
  return 16 * HEX_VALUES[high]! + HEX_VALUES[low]!;
}

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}

/** The bytes of canonical base64 (RFC 4648 §3.5, §4); null for any other text. */
export function parseBase64(text: string): Bytes | null {
  try {
    const bytes: Bytes = decodeBase64(text);
    return toBase64(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

/** The bytes of canonical base64 of exactly `length` bytes; null for any other text. */
export function parseBase64Of(length: number, text: string): Bytes | null {
  const bytes = parseBase64(text);
  return bytes?.length === length ? bytes : null;
}

/** A decimal size or index without leading zeros; null for any other text. */
export function parseDecimal(text: string): number | null {
  if (!/^(0|[1-9]\d*)$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(4_096);

/**
 * A prefix followed by the UTF-8 of a text. The result is valid until the next
 * call, because allocating a buffer for each leaf takes longer than its hash.
 */
export function encodeWithPrefix(
  prefix: Uint8Array,
  text: string,
): Uint8Array {
  // A UTF-16 code unit becomes at most three bytes of UTF-8.
  const longest = prefix.length + 3 * text.length;
  if (scratch.length < longest) scratch = new Uint8Array(2 * longest);
  scratch.set(prefix);
  const { written } = encoder.encodeInto(text, scratch.subarray(prefix.length));
  return scratch.subarray(0, prefix.length + written);
}

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

// Shared by all hashes: allocating them takes longer than a short hash.
const initialState = algorithm.create();
const state = algorithm.create();
const digest = new Uint8Array(HASH_BYTES);

/**
 * SHA-256 (FIPS 180-4). Synchronous, because a tree has many small hashes and
 * WebCrypto takes ten times as long for each of them.
 */
export function sha256(bytes: Uint8Array): Bytes {
  return hashToScratch(bytes).slice();
}

/** SHA-256 in a buffer that the next hash overwrites. */
export function hashToScratch(bytes: Uint8Array): Bytes {
  initialState._cloneInto(state).update(bytes).digestInto(digest);
  return digest;
}
