import { StackError } from "../../local/stack-error.ts";
import type { Checkpoint } from "../../shared/ledger/checkpoint.ts";
import { openCheckpoint } from "../../shared/ledger/open-checkpoint.ts";
import type { Policy } from "../../shared/ledger/policy.ts";
import {
  proveConsistency,
  verifyConsistency,
} from "../../shared/ledger/proofs.ts";
import { HASH_BYTES, sameBytes } from "../../shared/ledger/sha256.ts";
import { readRoot } from "../../shared/ledger/tile-hashes.ts";
import {
  TILE_WIDTH,
  type TileReader,
  toTilePath,
  widthOf,
} from "../../shared/ledger/tiles.ts";
import {
  appendLeaf,
  createFrontier,
  rootOf,
} from "../../shared/ledger/tree.ts";

/**
 * Checks what a project shows to everybody: its newest checkpoint, that the tiles
 * have its root, at the bottom as above, and that it goes on from those held.
 */
export async function verifyUrl(
  url: string,
  policy: Policy,
  held: string[],
): Promise<{ faults: string[]; summary: string }> {
  const base = `${url.replace(/\/+$/, "")}/functions/v1/ledger`;
  const note = new TextDecoder().decode(await get(`${base}/checkpoint`));
  const opened = await openCheckpoint(note, policy);
  if ("fault" in opened) {
    return { faults: [`The checkpoint ${opened.fault}`], summary: url };
  }
  const faults: string[] = [];
  if (!opened.isQuorum) {
    faults.push("The checkpoint has too few cosignatures of witnesses");
  }
  const { checkpoint } = opened;
  const read: TileReader = async (tile) =>
    await get(`${base}/${toTilePath(tile)}`);
  try {
    faults.push(...await compareTree(read, checkpoint));
    for (const content of held) {
      const fault = await compareHeld(content, policy, read, checkpoint);
      if (fault) faults.push(fault);
    }
  } catch (error) {
    // What the readers of tiles say of one that has another length.
    if (!(error instanceof RangeError)) throw error;
    faults.push(`A tile is not whole: ${error.message}`);
  }
  return {
    faults,
    summary: `${checkpoint.size} leaves of ${checkpoint.origin}`,
  };
}

/** Compares a signed root with those of the tiles, and of the leaves alone. */
async function compareTree(
  read: TileReader,
  { size, root }: Checkpoint,
): Promise<string[]> {
  const faults: string[] = [];
  if (!sameBytes(await readRoot(read, size), root)) {
    faults.push("The tiles do not have the root of the checkpoint");
  }
  const frontier = createFrontier();
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = widthOf(0, index, size);
    const hashes = await read({ level: 0, index, width });
    for (let at = 0; at < width; at++) {
      const start = at * HASH_BYTES;
      appendLeaf(frontier, hashes.slice(start, start + HASH_BYTES));
    }
  }
  if (!sameBytes(rootOf(frontier), root)) {
    faults.push("The leaves do not have the root of the checkpoint");
  }
  return faults;
}

async function compareHeld(
  content: string,
  policy: Policy,
  read: TileReader,
  now: Checkpoint,
): Promise<string | null> {
  const opened = await openCheckpoint(content, policy);
  if ("fault" in opened) return `A held checkpoint ${opened.fault}`;
  const { origin, size: oldSize, root: oldRoot } = opened.checkpoint;
  if (origin !== now.origin) return "A held checkpoint is of another log";
  if (oldSize > now.size) {
    return `The tree has ${now.size} leaves, and a held checkpoint ${oldSize}`;
  }
  const proof = await proveConsistency(read, oldSize, now.size);
  return verifyConsistency({ oldSize, oldRoot, ...now }, proof)
    ? null
    : `The tree does not begin with that of a held checkpoint of ${oldSize} leaves`;
}

async function get(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    .catch(() => {
      throw new StackError(`Cannot reach ${url}`);
    });
  if (!response.ok) {
    throw new StackError(`${url} answered ${response.status}`);
  }
  return await response.bytes();
}
