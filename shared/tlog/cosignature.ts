import { sign, SIGNATURE_BYTES, verify } from "./ed25519.ts";
import type { NoteSignature } from "./note.ts";
import type { SignerKey } from "./note-keys.ts";
import type { Bytes } from "./sha256.ts";

/** Bytes of the time in front of a cosignature. */
const TIME_BYTES = 8;

/** The latest time that a cosignature may have. */
const LATEST = 2n ** 63n - 1n;

/**
 * A witness's statement that, at `time`, the checkpoint with this text was the
 * latest it had seen of the log, and consistent with all before (C2SP
 * tlog-cosignature, Ed25519).
 *
 * @param time Seconds since 1970.
 * @throws {TypeError} for a key for notes.
 */
export async function cosign(
  text: string,
  { verifier, privateKey }: SignerKey,
  time: bigint,
): Promise<NoteSignature> {
  if (verifier.type !== "cosignature") {
    throw new TypeError("The key makes no cosignatures");
  }
  const bytes = new Uint8Array(TIME_BYTES + SIGNATURE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, time);
  bytes.set(await sign(toMessage(text, time), privateKey), TIME_BYTES);
  return { name: verifier.name, keyId: verifier.id, bytes };
}

/**
 * When a cosignature of a text was made, in seconds since 1970; null if the
 * public key's holder did not make it.
 */
export async function verifyCosignature(
  text: string,
  bytes: Bytes,
  publicKey: Bytes,
): Promise<bigint | null> {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return null;
  const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  if (time > LATEST) return null;
  const signature = bytes.slice(TIME_BYTES);
  const isGenuine = await verify(toMessage(text, time), signature, publicKey);
  return isGenuine ? time : null;
}

function toMessage(text: string, time: bigint): Bytes {
  return new TextEncoder().encode(`cosignature/v1\ntime ${time}\n${text}`);
}
