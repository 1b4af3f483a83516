import {
  type Checkpoint,
  parseCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import { type Note, parseNote } from "../../shared/tlog/note.ts";
import {
  createKeys,
  type KeyType,
  parseSignerKey,
  parseVerifierKey,
  type SignerKey,
  type VerifierKey,
} from "../../shared/tlog/keys.ts";
import { parsePolicy, type Policy } from "../../shared/tlog/policy.ts";
import {
  parseTlogProof,
  type TlogProof,
} from "../../shared/tlog/tlog-proof.ts";

/** Parses a note; throws when it is malformed, as every function here does. */
export function readNote(content: string): Note {
  return wellFormed(parseNote(content)).note;
}

/** Parses the checkpoint of a note. */
export function readCheckpoint(content: string): Checkpoint {
  return wellFormed(parseCheckpoint(readNote(content).text)).checkpoint;
}

/** Parses a verifier key. */
export function readKey(text: string): VerifierKey {
  return wellFormed(parseVerifierKey(text)).key;
}

/** Parses a signer key. */
export async function readSigner(text: string): Promise<SignerKey> {
  return wellFormed(await parseSignerKey(text)).key;
}

/** Parses a policy. */
export function readPolicy(content: string): Policy {
  return wellFormed(parsePolicy(content)).policy;
}

/** Parses the proof of a row. */
export function readProof(content: string): TlogProof {
  return wellFormed(parseTlogProof(content)).proof;
}

/** A new signer key, and the text of its verifier key. */
export async function makeSigner(
  name: string,
  type: KeyType,
): Promise<{ signer: SignerKey; vkey: string }> {
  const { signerKey, verifierKey } = await createKeys(name, type);
  return { signer: await readSigner(signerKey), vkey: verifierKey };
}

function wellFormed<T extends object>(parsed: T | { fault: string }): T {
  if ("fault" in parsed) throw new Error(parsed.fault);
  return parsed;
}
