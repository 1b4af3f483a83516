import { BUNDLE_FORMAT, parseBundleLine } from "./bundle.ts";
import { listBundleLimits } from "./not-checked.ts";
import { EvidenceFile, nameInput } from "./read-evidence.ts";
import { parseExact } from "./receipt-row.ts";
import {
  checkReceipt,
  holdsReceipt,
  type LeafLocation,
  NOT_IN_TREE,
} from "./receipts.ts";
import { listTrusted, type Report, type Trust } from "./report.ts";
import { VerifierError } from "./verifier-error.ts";
import { verifyBundle } from "./verify-bundle.ts";
import {
  isCheckpoint,
  parseConsistencyProof,
  verifyCheckpoint,
  verifyConsistencyProof,
} from "./verify-checkpoint.ts";
import { TLOG_PROOF_HEAD, verifyProof } from "./verify-proof.ts";

/**
 * Verifies a file, or standard input, by its content: a bundle, the proof of a row, a
 * checkpoint or a consistency proof.
 *
 * @throws {VerifierError} for any other file.
 */
export async function verifyFile(path: string, trust: Trust): Promise<Report> {
  const file = new EvidenceFile(path);
  const line = await file.peekLine();
  const format = readFormat(line);
  if (format === BUNDLE_FORMAT) return await reportBundle(file.lines(), trust);
  if (format.startsWith(`${BUNDLE_FORMAT.split("/")[0]}/`)) {
    throw new VerifierError(
      `${
        nameInput(path)
      } is a bundle of another version than ${BUNDLE_FORMAT}; use the verifier of the version that wrote it`,
    );
  }
  const text = await file.text();
  if (line.startsWith(TLOG_PROOF_HEAD)) return await verifyProof(text, trust);
  const consistency = parseConsistencyProof(text);
  if (consistency !== null) {
    return await verifyConsistencyProof(consistency, trust);
  }
  if (isCheckpoint(text)) return await verifyCheckpoint(text, trust);
  throw new VerifierError(
    holdsReceipt(parseExact(text))
      ? `${
        nameInput(path)
      } is a receipt, which has no signature; pass it with --receipt beside a bundle, the proof of its row or the project's URL`
      : `${
        nameInput(path)
      } is neither a bundle nor a proof nor a checkpoint, or its beginning is truncated; name an unchanged file of the log or of npm run export-evidence`,
  );
}

/** The format in the header of a bundle; empty for any other line. */
function readFormat(line: string): string {
  const { format } = Object(parseExact(line));
  return typeof format === "string" ? format : "";
}

async function reportBundle(
  lines: AsyncIterable<string>,
  trust: Trust,
): Promise<Report> {
  const { policy, held, receipts } = trust;
  const locations = new Map<string, LeafLocation>();
  const wanted = new Set(receipts.map(({ hash }) => hash));
  const verdict = await verifyBundle(
    wanted.size === 0 ? lines : findLeaves(lines, wanted, locations),
    policy,
    { heldCheckpoints: held },
  );
  const { counts, faults } = verdict;
  const checked = receipts.map((receipt) =>
    checkReceipt(receipt, locations.get(receipt.hash) ?? NOT_IN_TREE)
  );
  const isUntrusted = faults.some(({ code }) =>
    code === "checkpoint_untrusted"
  );
  return {
    findings: [
      ...faults.map(({ code, detail }) => `${code}: ${detail}`),
      ...checked.flatMap(({ findings }) =>
        findings.map((finding) => `receipt_differs: ${finding}`)
      ),
    ],
    summary: [
      Object.entries(counts).map(([name, count]) => `${name} ${count}`)
        .join(", "),
      ...checked.map(({ summary }) => summary),
      ...isUntrusted
        ? [
          `Trusted is ${
            listTrusted(policy)
          }: after a rotation of keys, repeat --key for each key that has signed`,
        ]
        : [],
    ],
    notChecked: [
      ...checked.flatMap(({ notChecked }) => notChecked),
      ...listBundleLimits(verdict, trust),
    ],
  };
}

/** Passes the lines through, and adds the locations of wanted leaves, by hash. */
async function* findLeaves(
  lines: AsyncIterable<string>,
  wanted: ReadonlySet<string>,
  locations: Map<string, LeafLocation>,
): AsyncGenerator<string> {
  for await (const text of lines) {
    const [, hash] = /"hash":\s*"([0-9a-f]{64})"/.exec(text) ?? [];
    const line = hash && wanted.has(hash) ? parseBundleLine(text) : null;
    if (line?.type === "leaf" || line?.type === "pending") {
      const { evidence } = line;
      const index = line.type === "leaf" ? line.index : null;
      if ("hash" in evidence && !locations.has(evidence.hash)) {
        locations.set(evidence.hash, {
          index,
          log: evidence.log,
          id: evidence.id,
        });
      }
    }
    yield text;
  }
}
