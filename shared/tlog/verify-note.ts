import { verifyCosignature } from "./cosignature.ts";
import { verify } from "./ed25519.ts";
import type { Note, NoteSignature } from "./note.ts";
import type { VerifierKey } from "./note-keys.ts";

/** A key that signed a note; a cosignature tells when, in seconds since 1970. */
export type VerifiedSignature = { key: VerifierKey; time?: bigint };

/**
 * The signatures of known keys under a note, or why the note is not to be
 * trusted (C2SP signed-note): a known key's signature is wrong, or no known key
 * signed. Signatures of other keys are passed over.
 */
export async function verifyNote(
  { text, signatures }: Note,
  keys: readonly VerifierKey[],
): Promise<{ verified: VerifiedSignature[] } | { fault: string }> {
  const verified: VerifiedSignature[] = [];
  for (const signature of signatures) {
    for (const key of keys) {
      if (key.name !== signature.name || key.id !== signature.keyId) continue;
      const one = await verifySignature(text, signature, key);
      if (one === null) {
        return { fault: `has a wrong signature of the key ${key.name}` };
      }
      verified.push(one);
    }
  }
  return verified.length === 0
    ? { fault: "is signed by no known key" }
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
