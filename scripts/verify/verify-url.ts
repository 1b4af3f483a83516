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
import { MAX_NOTE_LENGTH } from "../../shared/tlog/note.ts";
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
import { listTreeLimits } from "./not-checked.ts";
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
  trust: Trust,
): Promise<Report> {
  const { policy, held, receipts } = trust;
  // The address of the function or of its checkpoint names the same log.
  const project = url.replace(
    /\/+(functions\/v1\/ledger(\/checkpoint)?\/*)?$/,
    "",
  );
  const base = `${project}/functions/v1/ledger`;
  const note = new TextDecoder().decode(
    await get(`${base}/checkpoint`, MAX_NOTE_LENGTH),
  );
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
    await get(`${base}/${toTilePath(tile)}`, TILE_WIDTH * HASH_BYTES);
  let covered: number | null = null;
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
      const compared = await compareHeld(content, policy, read, checkpoint);
      if ("finding" in compared) findings.push(compared.finding);
      else covered = Math.max(compared.size, covered ?? 0);
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
    notChecked: [
      ...checked.flatMap(({ notChecked }) => notChecked),
      ...listTreeLimits(opened, trust, { covered }),
    ],
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

/** The size of a held checkpoint whose tree the newest one begins with, or the finding. */
async function compareHeld(
  content: string,
  policy: Policy,
  read: TileReader,
  newest: Checkpoint,
): Promise<{ size: number } | { finding: string }> {
  const opened = await openCheckpoint(content, policy);
  if ("fault" in opened) {
    const remedy = explainUntrusted(content, policy);
    return { finding: `A held checkpoint ${opened.fault}${remedy}` };
  }
  const { origin, size: oldSize, root: oldRoot } = opened.checkpoint;
  if (origin !== newest.origin) {
    return { finding: "A held checkpoint is of another log" };
  }
  if (oldSize > newest.size) {
    const finding =
      `The tree has ${newest.size} leaves, and a held checkpoint ${oldSize}`;
    return { finding };
  }
  const proof = await proveConsistency(read, oldSize, newest.size);
  return verifyConsistency({ oldSize, oldRoot, ...newest }, proof)
    ? { size: oldSize }
    : {
      finding:
        `The tree does not begin with that of a held checkpoint of ${oldSize} leaves`,
    };
}

/** @throws {VerifierError} for an answer that is an error, a redirect or too long. */
async function get(url: string, maxBytes: number): Promise<Bytes> {
  const signal = AbortSignal.timeout(30_000);
  // The operator must not choose an address inside the auditor's network.
  const options: RequestInit = { signal, redirect: "manual" };
  const response = await fetch(url, options).catch((error) => {
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
    const isRedirect = response.status >= 300 && response.status < 400;
    const remedy = isRedirect
      ? "name the address that it redirects to"
      : "try again later";
    throw new VerifierError(`${url} answered ${response.status}; ${remedy}`);
  }
  return await readBody(url, response, maxBytes);
}

async function readBody(
  url: string,
  { body }: Response,
  maxBytes: number,
): Promise<Bytes> {
  const chunks: Bytes[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
  } catch {
    throw new VerifierError(
      `Cannot read ${url}: the connection was lost; try again later`,
    );
  }
  if (length > maxBytes) {
    throw new VerifierError(
      `${url} answered more than ${maxBytes} bytes; check the address`,
    );
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
