import { formatAddCheckpoint } from "../tlog/add-checkpoint.ts";
import { formatNote, type Note, type NoteSignature } from "../tlog/note.ts";
import { proveConsistency } from "../tlog/proofs.ts";
import type { TileReader } from "../tlog/tiles.ts";
import { readWitnessAnswer } from "../tlog/witness-answer.ts";
import type { Witness } from "./ledger-keys.ts";

/** How long a witness may take; without it the checkpoint has one cosignature less. */
const TIMEOUT_MS = 5_000;

/**
 * Asks every witness to cosign a checkpoint of this log. A witness that refuses or
 * does not answer is left out: the verifier's policy sets the required quorum.
 */
export async function askWitnesses(
  read: TileReader,
  note: Note,
  size: number,
  witnesses: readonly Witness[],
): Promise<NoteSignature[]> {
  const answers = await Promise.all(witnesses.map(async (witness) => {
    try {
      return await askWitness(read, note, size, witness);
    } catch (error) {
      console.error(`the witness ${witness.key.name} did not cosign: ${error}`);
      return [];
    }
  }));
  return answers.flat();
}

/** A witness that is at another size says so, and is asked again from there. */
async function askWitness(
  read: TileReader,
  note: Note,
  size: number,
  { key, url }: Witness,
): Promise<NoteSignature[]> {
  let oldSize = 0;
  for (let attempt = 1; attempt <= 2; attempt++) {
    const proof = await proveConsistency(read, oldSize, size);
    const response = await fetch(`${url}/add-checkpoint`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: formatAddCheckpoint(oldSize, proof, formatNote(note)),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const outcome = await readWitnessAnswer(
      {
        status: response.status,
        contentType: response.headers.get("content-type"),
        body: await response.text(),
      },
      note,
      [key],
    );
    if ("cosignatures" in outcome) return outcome.cosignatures;
    if ("fault" in outcome) throw new Error(`it ${outcome.fault}`);
    if (outcome.size > size) throw new Error("it has seen a larger tree");
    oldSize = outcome.size;
  }
  throw new Error("it moves while it is asked");
}
