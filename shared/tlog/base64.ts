import { decodeBase64, encodeBase64 } from "@std/encoding/base64.js";
import type { Bytes } from "./sha256.ts";

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
