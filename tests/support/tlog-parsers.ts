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

/** What a text stands for; a test fails on one that is malformed. */
export function readNote(content: string): Note {
  return wellFormed(parseNote(content)).note;
}

/** The checkpoint that a note holds. */
export function readCheckpoint(content: string): Checkpoint {
  return wellFormed(parseCheckpoint(readNote(content).text)).checkpoint;
}

/** The key of a text. */
export function readKey(text: string): VerifierKey {
  return wellFormed(parseVerifierKey(text)).key;
}

/** The key of a text. */
export async function readSigner(text: string): Promise<SignerKey> {
  return wellFormed(await parseSignerKey(text)).key;
}

/** The policy of a text. */
export function readPolicy(content: string): Policy {
  return wellFormed(parsePolicy(content)).policy;
}

/** A new key, and the text of its public side. */
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
