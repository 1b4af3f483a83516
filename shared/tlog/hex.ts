import type { Bytes } from "./sha256.ts";

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
export function isHexOf(bytes: Uint8Array, text: string): boolean {
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
