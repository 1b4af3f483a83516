import { sha256 as algorithm } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64.js";

const DIGITS = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += DIGITS[bytes[at]];
  return text;
}

/** The bytes that hex stands for, which `isHex` has looked at. */
export function fromHex(text: string): Bytes {
  const bytes = new Uint8Array(text.length / 2);
  writeHex(text, bytes);
  return bytes;
}

/** Writes what hex stands for, which `isHex` has looked at, over the first bytes. */
export function writeHex(text: string, bytes: Uint8Array): void {
  for (let at = 0; 2 * at < text.length; at++) bytes[at] = byteAt(text, at);
}

/** Whether hex, which `isHex` has looked at, stands for these bytes. */
export function equalsHex(bytes: Uint8Array, text: string): boolean {
  if (text.length !== 2 * bytes.length) return false;
  for (let at = 0; at < bytes.length; at++) {
    if (byteAt(text, at) !== bytes[at]) return false;
  }
  return true;
}

/** Whether a text is lower-case hex of so many bytes. */
export function isHex(text: string, bytes: number): boolean {
  if (text.length !== 2 * bytes) return false;
  for (let at = 0; at < text.length; at++) {
    if (VALUES[text.charCodeAt(at)] === undefined) return false;
  }
  return true;
}

/** The values of digits by their code. */
const VALUES: readonly (number | undefined)[] = Array.from(
  { length: 128 },
  (_, code) => {
    const value = "0123456789abcdef".indexOf(String.fromCharCode(code));
    return value < 0 ? undefined : value;
  },
);

function byteAt(text: string, at: number): number {
  const [high, low] = [text.charCodeAt(2 * at), text.charCodeAt(2 * at + 1)];
  return 16 * VALUES[high]! + VALUES[low]!;
}

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}

/** What standard base64 stands for; null for every other way to write it. */
export function parseBase64(text: string): Bytes | null {
  try {
    const bytes: Bytes = decodeBase64(text);
    return toBase64(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

/** The bytes of base64, if they are as many as wanted. */
export function parseBase64Of(length: number, text: string): Bytes | null {
  const bytes = parseBase64(text);
  return bytes?.length === length ? bytes : null;
}

/** A size or an index in decimal, without leading zeros; null for anything else. */
export function parseDecimal(text: string): number | null {
  if (!/^(0|[1-9]\d*)$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(4_096);

/**
 * Some bytes, and behind them the UTF-8 of a text. What is returned is valid
 * until the next call: making a new buffer for each leaf takes longer than its
 * hash.
 */
export function encodeWithPrefix(head: Uint8Array, text: string): Uint8Array {
  // A UTF-16 code unit becomes at most three bytes of UTF-8.
  const longest = head.length + 3 * text.length;
  if (scratch.length < longest) scratch = new Uint8Array(2 * longest);
  scratch.set(head);
  const { written } = encoder.encodeInto(text, scratch.subarray(head.length));
  return scratch.subarray(0, head.length + written);
}

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** Bytes in a buffer of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

// One state and one place for all hashes: making them takes longer than a short hash.
const fresh = algorithm.create();
const state = algorithm.create();
const place = new Uint8Array(HASH_BYTES);

/**
 * SHA-256 (FIPS 180-4). Synchronous, because a tree has many small hashes and
 * WebCrypto takes ten times as long for each of them.
 */
export function sha256(bytes: Uint8Array): Bytes {
  return hashToScratch(bytes).slice();
}

/** The same, in a buffer that the next hash overwrites. */
export function hashToScratch(bytes: Uint8Array): Bytes {
  fresh._cloneInto(state).update(bytes).digestInto(place);
  return place;
}

/** Whether two byte strings are the same. Not for secrets. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
}
