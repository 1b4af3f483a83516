import {
  type Bytes,
  fromHex,
  parseBase64,
  toBase64,
  toHex,
} from "./encoding.ts";
import {
  isKeyName,
  sign,
  SIGNATURE_BYTES,
  type SignerKey,
  type VerifierKey,
  verify,
} from "./keys.ts";

/** Longest note that is read, in UTF-16 code units. */
export const MAX_NOTE_LENGTH = 1_000_000;

/** Most signatures of a note that is read; C2SP signed-note requires at least 16. */
export const MAX_SIGNATURES = 100;

/** A signature under a note, of any type. */
export type NoteSignature = {
  /** The name of the key. */
  name: string;
  /** The id of the key: four bytes in hex. */
  keyId: string;
  /** The signature without the four bytes of the id. */
  bytes: Bytes;
};

/** A signed note (C2SP signed-note). */
export type Note = {
  /** The signed text; ends with a newline. */
  text: string;
  signatures: readonly NoteSignature[];
};

/** Bytes of the key id before a signature. */
const ID_BYTES = 4;

const SIGNATURE_LINE = /^— ([^ ]+) ([^ ]+)$/;

/** Parses a note without verifying it; `fault` completes "The note …". */
export function parseNote(
  content: string,
): { note: Note } | { fault: string } {
  if (content.length > MAX_NOTE_LENGTH) {
    return { fault: `is longer than ${MAX_NOTE_LENGTH} characters` };
  }
  if (!isNoteText(content)) {
    return { fault: "has a control character or an unpaired surrogate" };
  }
  const end = content.lastIndexOf("\n\n");
  if (end === -1) return { fault: "has no blank line before its signatures" };
  const text = content.slice(0, end + 1);
  const parsed = parseSignatures(content.slice(end + 2));
  return "fault" in parsed
    ? parsed
    : { note: { text, signatures: parsed.signatures } };
}

/** Parses the signature lines of a note. */
export function parseSignatures(
  lines: string,
): { signatures: NoteSignature[] } | { fault: string } {
  if (!lines.endsWith("\n")) {
    return { fault: "does not end with a signature and a newline" };
  }
  const list = lines.slice(0, -1).split("\n");
  if (list.length > MAX_SIGNATURES) {
    return { fault: `has more than ${MAX_SIGNATURES} signatures` };
  }
  const signatures = list.map(parseSignature);
  return signatures.every((signature) => signature !== null)
    ? { signatures }
    : { fault: "has a line that is not — <key name> <base64>" };
}

/** The note as text (C2SP signed-note). */
export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join("")}`;
}

/** A signature line with its newline. */
export function formatSignature(
  { name, keyId, bytes }: NoteSignature,
): string {
  const signature = new Uint8Array([...fromHex(keyId), ...bytes]);
  return `— ${name} ${toBase64(signature)}\n`;
}

/**
 * Signs the text of a note with a key for notes (RFC 8032, Ed25519).
 *
 * @throws {TypeError} for an invalid text or a key of a witness.
 */
export async function signNote(
  text: string,
  { verifier, privateKey }: SignerKey,
): Promise<NoteSignature> {
  if (verifier.type !== "note") {
    throw new TypeError("The key is not a note key");
  }
  if (!text.endsWith("\n") || !isNoteText(text)) {
    throw new TypeError(
      "The text must end with a newline and have no other control character",
    );
  }
  const bytes = await sign(new TextEncoder().encode(text), privateKey);
  return { name: verifier.name, keyId: verifier.id, bytes };
}

function parseSignature(line: string): NoteSignature | null {
  const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = encoded === undefined ? null : parseBase64(encoded);
  if (bytes === null || bytes.length <= ID_BYTES || !isKeyName(name)) {
    return null;
  }
  const keyId = toHex(bytes.subarray(0, ID_BYTES));
  return { name, keyId, bytes: bytes.slice(ID_BYTES) };
}

function isNoteText(text: string): boolean {
  // deno-lint-ignore no-control-regex -- a note may not have them
  return text.isWellFormed() && !/[\x00-\x09\x0b-\x1f]/.test(text);
}

/** A valid signature; a cosignature has a time in seconds since 1970. */
type VerifiedSignature = { key: VerifierKey; time?: bigint };

/**
 * The valid signatures of known keys (C2SP signed-note). Faults: a known key's
 * signature is invalid, or there is none. Signatures of other keys are ignored.
 */
export async function verifyNote(
  { text, signatures }: Note,
  keys: readonly VerifierKey[],
): Promise<{ verified: VerifiedSignature[] } | { fault: string }> {
  const verified: VerifiedSignature[] = [];
  for (const signature of signatures) {
    for (const key of keys) {
      if (key.name !== signature.name || key.id !== signature.keyId) continue;
      const valid = await verifySignature(text, signature, key);
      if (valid === null) {
        return { fault: `has an invalid signature of the key ${key.name}` };
      }
      verified.push(valid);
    }
  }
  return verified.length === 0
    ? { fault: "is not signed by a known key" }
    : { verified };
}

async function verifySignature(
  text: string,
  { bytes }: NoteSignature,
  key: VerifierKey,
): Promise<VerifiedSignature | null> {
  if (key.type === "cosignature") {
    const time = await verifyCosignature(text, bytes, key.publicKey);
    return time === null ? null : { key, time };
  }
  const message = new TextEncoder().encode(text);
  return await verify(message, bytes, key.publicKey) ? { key } : null;
}

/** Bytes of the timestamp before a cosignature. */
const TIME_BYTES = 8;

/** The latest timestamp that a cosignature may have. */
const LATEST_TIME = 2n ** 63n - 1n;

/**
 * A witness's cosignature (C2SP tlog-cosignature, Ed25519): at `time`, the
 * checkpoint with this text was the latest that it had seen of the log, and
 * consistent with all earlier ones.
 *
 * @param time Seconds since 1970.
 * @throws {TypeError} for a key of a log.
 */
export async function cosign(
  text: string,
  { verifier, privateKey }: SignerKey,
  time: bigint,
): Promise<NoteSignature> {
  if (verifier.type !== "cosignature") {
    throw new TypeError("The key is not a cosignature key");
  }
  const bytes = new Uint8Array(TIME_BYTES + SIGNATURE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, time);
  bytes.set(await sign(toMessage(text, time), privateKey), TIME_BYTES);
  return { name: verifier.name, keyId: verifier.id, bytes };
}

/**
 * The time of a cosignature in seconds since 1970; null if the cosignature is
 * invalid.
 */
export async function verifyCosignature(
  text: string,
  bytes: Bytes,
  publicKey: Bytes,
): Promise<bigint | null> {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return null;
  const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  if (time > LATEST_TIME) return null;
  const signature = bytes.slice(TIME_BYTES);
  const isGenuine = await verify(toMessage(text, time), signature, publicKey);
  return isGenuine ? time : null;
}

function toMessage(text: string, time: bigint): Bytes {
  return new TextEncoder().encode(`cosignature/v1\ntime ${time}\n${text}`);
}
