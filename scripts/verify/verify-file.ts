import { parseCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import { BUNDLE_FORMAT, parseBundleLine } from "./bundle.ts";
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
  parseConsistencyProof,
  verifyCheckpoint,
  verifyConsistencyProof,
} from "./verify-checkpoint.ts";
import { TLOG_PROOF_HEAD, verifyProof } from "./verify-proof.ts";

/**
 * Verifies a file, or standard input, by what is in it: a bundle, the proof of a
 * row, a checkpoint or a consistency proof.
 *
 * @throws {VerifierError} for a file that is none of them.
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
      } is neither a bundle nor a proof nor a checkpoint, or its beginning is cut off; name a file as the log or npm run export-evidence wrote it`,
  );
}

/** The format that the first line of a bundle names; empty for any other line. */
function readFormat(line: string): string {
  const { format } = Object(parseExact(line));
  return typeof format === "string" ? format : "";
}

function isCheckpoint(text: string): boolean {
  const parsed = parseNote(text);
  return "note" in parsed && "checkpoint" in parseCheckpoint(parsed.note.text);
}

async function reportBundle(
  lines: AsyncIterable<string>,
  { policy, held, receipts }: Trust,
): Promise<Report> {
  const places = new Map<string, LeafLocation>();
  const wanted = new Set(receipts.map(({ hash }) => hash));
  const { counts, faults } = await verifyBundle(
    wanted.size === 0 ? lines : findLeaves(lines, wanted, places),
    policy,
    { heldCheckpoints: held },
  );
  const checked = receipts.map((receipt) =>
    checkReceipt(receipt, places.get(receipt.hash) ?? NOT_IN_TREE)
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
    notChecked: checked.flatMap(({ notChecked }) => notChecked),
  };
}

/** The lines as they are; notes where the wanted leaves are, by their hash. */
async function* findLeaves(
  lines: AsyncIterable<string>,
  wanted: ReadonlySet<string>,
  places: Map<string, LeafLocation>,
): AsyncGenerator<string> {
  for await (const text of lines) {
    const [, hash] = /"hash":\s*"([0-9a-f]{64})"/.exec(text) ?? [];
    const line = hash && wanted.has(hash) ? parseBundleLine(text) : null;
    if (line?.type === "leaf" || line?.type === "pending") {
      const { evidence } = line;
      const index = line.type === "leaf" ? line.index : null;
      if ("hash" in evidence && !places.has(evidence.hash)) {
        places.set(evidence.hash, {
          index,
          log: evidence.log,
          id: evidence.id,
        });
      }
    }
    yield text;
  }
}
