import {
  type Checkpoint,
  openCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import {
  type Bytes,
  equalBytes,
  HASH_BYTES,
  toHex,
} from "../../shared/tlog/encoding.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import {
  proveConsistency,
  verifyConsistency,
} from "../../shared/tlog/proofs.ts";
import {
  readRoot,
  TILE_WIDTH,
  type TileReader,
  toTilePath,
  widthOf,
} from "../../shared/tlog/tiles.ts";
import { appendLeaf, createFrontier, rootOf } from "../../shared/tlog/tree.ts";
import { checkReceipt, type LeafLocation, NOT_IN_TREE } from "./receipts.ts";
import {
  explainUntrusted,
  quote,
  type Report,
  reportOnly,
  type Trust,
} from "./report.ts";
import { VerifierError } from "./verifier-error.ts";

/**
 * Verifies the public endpoints of a project: its newest checkpoint, the root of its
 * tiles and of its leaves, consistency with held checkpoints, and the leaves of receipts.
 */
export async function verifyUrl(
  url: string,
  { policy, held, receipts }: Trust,
): Promise<Report> {
  // The address of the function or of its checkpoint names the same log.
  const project = url.replace(
    /\/+(functions\/v1\/ledger(\/checkpoint)?\/*)?$/,
    "",
  );
  const base = `${project}/functions/v1/ledger`;
  const note = new TextDecoder().decode(await get(`${base}/checkpoint`));
  const opened = await openCheckpoint(note, policy);
  if ("fault" in opened) {
    const remedy = explainUntrusted(note, policy);
    return reportOnly(`The checkpoint ${opened.fault}${remedy}`);
  }
  const findings: string[] = [];
  if (!opened.isQuorum) {
    findings.push("The checkpoint lacks the quorum of witnesses");
  }
  const { checkpoint } = opened;
  const read: TileReader = async (tile) =>
    await get(`${base}/${toTilePath(tile)}`);
  const located = new Map<string, LeafLocation>();
  const wanted = new Set(receipts.map(({ hash }) => hash));
  try {
    findings.push(
      ...await compareTree(read, checkpoint, (hash, index) => {
        const hex = wanted.size > 0 ? toHex(hash) : "";
        if (wanted.has(hex)) located.set(hex, { index });
      }),
    );
    for (const content of held) {
      const finding = await compareHeld(content, policy, read, checkpoint);
      if (finding) findings.push(finding);
    }
  } catch (error) {
    // Readers of tiles throw it for a tile of the wrong length.
    if (!(error instanceof RangeError)) throw error;
    findings.push(`A tile is incomplete: ${error.message}`);
  }
  const checked = receipts.map((receipt) =>
    checkReceipt(receipt, located.get(receipt.hash) ?? NOT_IN_TREE)
  );
  return {
    findings: [...findings, ...checked.flatMap(({ findings }) => findings)],
    summary: [
      `${checkpoint.size} leaves of ${quote(checkpoint.origin)}`,
      ...checked.map(({ summary }) => summary),
    ],
    notChecked: checked.flatMap(({ notChecked }) => notChecked),
  };
}

/** Compares a signed root with the root of the tiles, and with that of the leaves. */
async function compareTree(
  read: TileReader,
  { size, root }: Checkpoint,
  visit: (hash: Bytes, index: number) => void,
): Promise<string[]> {
  const findings: string[] = [];
  if (!equalBytes(await readRoot(read, size), root)) {
    findings.push("The tiles do not have the root of the checkpoint");
  }
  const frontier = createFrontier();
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = widthOf(0, index, size);
    const hashes = await read({ level: 0, index, width });
    for (let at = 0; at < width; at++) {
      const start = at * HASH_BYTES;
      const hash = hashes.slice(start, start + HASH_BYTES);
      visit(hash, index * TILE_WIDTH + at);
      appendLeaf(frontier, hash);
    }
  }
  if (!equalBytes(rootOf(frontier), root)) {
    findings.push("The leaves do not have the root of the checkpoint");
  }
  return findings;
}

async function compareHeld(
  content: string,
  policy: Policy,
  read: TileReader,
  newest: Checkpoint,
): Promise<string | null> {
  const opened = await openCheckpoint(content, policy);
  if ("fault" in opened) {
    const remedy = explainUntrusted(content, policy);
    return `A held checkpoint ${opened.fault}${remedy}`;
  }
  const { origin, size: oldSize, root: oldRoot } = opened.checkpoint;
  if (origin !== newest.origin) return "A held checkpoint is of another log";
  if (oldSize > newest.size) {
    return `The tree has ${newest.size} leaves, and a held checkpoint ${oldSize}`;
  }
  const proof = await proveConsistency(read, oldSize, newest.size);
  return verifyConsistency({ oldSize, oldRoot, ...newest }, proof)
    ? null
    : `The tree does not begin with that of a held checkpoint of ${oldSize} leaves`;
}

async function get(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const signal = AbortSignal.timeout(30_000);
  const response = await fetch(url, { signal }).catch((error) => {
    throw new VerifierError(
      Object(error).name === "NotCapable"
        ? `Cannot reach ${url}: Deno lacks the permission; run with --allow-net=${
          new URL(url).host
        }`
        : `Cannot reach ${url}: the connection failed; check the address and the network`,
    );
  });
  if (response.status === 404) {
    throw new VerifierError(
      `${url} answered 404: the log is not signed yet, or the project has no function ledger; check the address`,
    );
  }
  if (!response.ok) {
    throw new VerifierError(
      `${url} answered ${response.status}; try again later`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}
