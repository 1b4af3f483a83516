import { layouts, type RecordedRow } from "../../shared/evidence/leaf.ts";
import type { LeafColumn, Member } from "../../shared/logs/log.ts";
import {
  openCheckpoint,
  type OpenedCheckpoint,
} from "../../shared/tlog/checkpoint.ts";
import { type Bytes, fromHex, toHex } from "../../shared/tlog/encoding.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import {
  parseTlogProof,
  type TlogProof,
  verifyTlogProof,
} from "../../shared/tlog/tlog-proof.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import { isRowLeaf, openLeaf, parseLeaf } from "./parse-leaf.ts";
import { listProofLimits } from "./not-checked.ts";
import { checkReceipt, type LeafLocation, type OpenedRow } from "./receipts.ts";
import {
  compareHeld,
  describeCheckpoint,
  escapeInvisible,
  explainUntrusted,
  formatMicroseconds,
  quote,
  type Report,
  reportOnly,
  type Trust,
} from "./report.ts";
import { VerifierError } from "./verifier-error.ts";

/** The beginning of every proof file, of any version. */
export const TLOG_PROOF_HEAD = "c2sp.org/tlog-proof@";

/**
 * Verifies the inclusion proof of a row's leaf (`GET ledger/proof/…`) and shows the
 * leaf. The proof of a deleted row lacks the leaf, whose hash is then in the row's
 * receipt.
 *
 * @throws {VerifierError} if neither has the leaf.
 */
export async function verifyProof(
  content: string,
  trust: Trust,
): Promise<Report> {
  const { policy, held, receipts } = trust;
  const parsed = parseTlogProof(content);
  if ("fault" in parsed) {
    return reportOnly(
      `The proof ${parsed.fault}: it is truncated, was changed or is of another version; download it again`,
    );
  }
  const { proof } = parsed;
  const extra = proof.extra === undefined ? null : decode(proof.extra);
  if (extra === undefined) {
    return reportOnly(
      "The proof has extra data that is not text: download it again",
    );
  }
  const [data = null, ...lines] = extra?.split("\n") ?? [];
  const candidates = data === null
    ? receipts.map(({ hash }) => fromHex(hash))
    : [hashLeaf(data)];
  const found = await findLeaf(proof, candidates, policy);
  if ("finding" in found) return reportOnly(found.finding);
  const { index } = proof;
  const read = data === null ? null : readRow(data, lines);
  const place = { index, log: read?.row?.log, id: read?.row?.id };
  const checked = receipts.map((receipt) =>
    checkReceipt(receipt, receipt.hash === found.hash ? place : OTHER_ROW)
  );
  // A receipt of another row is a finding, and opens nothing of this one.
  const opened =
    checked.find((result, at) =>
      receipts[at].hash === found.hash && result.opened !== null
    )?.opened ?? null;
  const shown = read ?? { row: opened?.row ?? null, findings: [] };
  const kept = await compareHeld(found.opened, held, policy);
  return {
    findings: [
      ...shown.findings,
      ...kept.findings,
      ...checked.flatMap(({ findings }) => findings),
    ],
    summary: [
      ...describeLeaf(index, data, shown.row, opened),
      ...describeCheckpoint(found.opened),
      ...checked.map(({ summary }) => summary),
    ],
    notChecked: [
      ...checked.flatMap(({ notChecked }) => notChecked),
      ...listProofLimits(found.opened, trust, kept, {
        isDeleted: data === null,
        isUnopened: isUnopened(shown.row, opened),
      }),
    ],
  };
}

const OTHER_ROW: LeafLocation = {
  missing: "is of another row than the proof: download the proof of its row",
};

/** The candidate that is the hash of the proof's leaf, or the finding. */
async function findLeaf(
  proof: TlogProof,
  candidates: readonly Bytes[],
  policy: Policy,
): Promise<{ hash: string; opened: OpenedCheckpoint } | { finding: string }> {
  let finding: string | null = null;
  for (const hash of candidates) {
    const opened = await verifyTlogProof(proof, hash, policy);
    if (!("fault" in opened)) return { hash: toHex(hash), opened };
    finding = `The proof ${opened.fault}${await explain(proof, policy)}`;
  }
  if (finding !== null) return { finding };
  throw new VerifierError(
    "The proof lacks its leaf, because the row no longer exists; pass the receipt of the row with --receipt",
  );
}

/** The remedy for a fault of a proof. */
async function explain(
  { checkpoint }: TlogProof,
  policy: Policy,
): Promise<string> {
  const opened = await openCheckpoint(checkpoint, policy);
  if ("fault" in opened) return explainUntrusted(checkpoint, policy);
  return opened.isQuorum
    ? ": the leaf, the index or a hash was changed; download the proof again"
    : "; download a proof under a checkpoint that they cosigned";
}

/** The row of a leaf's data and the lines after it, if the leaf is a row's. */
function readRow(
  data: string,
  lines: readonly string[],
): { row: RecordedRow | null; findings: string[] } {
  const parsed = parseLeaf(data);
  if ("fault" in parsed) {
    const finding =
      `The leaf ${parsed.fault}; use the verifier of the version that recorded it`;
    return { row: null, findings: [finding] };
  }
  const { leaf } = parsed;
  const isRow = isRowLeaf(leaf);
  if (!isRow && lines.length === 0) return { row: null, findings: [] };
  const row = isRow && lines.length === 1 ? openLeaf(leaf, lines[0]) : null;
  return {
    row,
    findings: row === null
      ? [
        "The proof has a row that does not have the digest of its leaf: it was changed; download the proof again",
      ]
      : [],
  };
}

function describeLeaf(
  index: number,
  data: string | null,
  row: RecordedRow | null,
  opened: OpenedRow | null,
): string[] {
  if (row === null) {
    return [data === null ? `Leaf ${index}` : `Leaf ${index}: ${quote(data)}`];
  }
  const columns: readonly LeafColumn[] = layouts[row.log];
  const width = Math.max(...columns.map(({ name }) => name.length));
  return [
    `Row ${row.id} of ${row.log}: leaf ${index}, ${
      row.kind === "row/v1"
        ? "recorded when it was written"
        : "recorded after it was written, when evidence was set up"
    } (${row.kind})`,
    ...columns.map((column, at) =>
      `  ${column.name.padEnd(width)}  ${
        describeMember(column, row.members[at], opened)
      }`
    ),
  ];
}

function describeMember(
  { name, type, committed }: LeafColumn,
  member: Member,
  opened: OpenedRow | null,
): string {
  if (committed) {
    const value = opened?.values.get(name);
    if (value === undefined) return `commitment ${member}`;
    const plain = { name, type, committed: false, setNull: false };
    return `${describeMember(plain, value, null)} (opened by the receipt)`;
  }
  if (member === null) return "null";
  if (type === "timestamptz") return formatMicroseconds(member);
  return type === "text" ? quote(member) : escapeInvisible(member);
}

/** Whether a row has a commitment that no receipt opens. */
function isUnopened(
  row: RecordedRow | null,
  opened: OpenedRow | null,
): boolean {
  const columns = row === null ? [] : layouts[row.log];
  return columns.some(({ committed, name }) =>
    committed && !opened?.values.has(name)
  );
}

/** The text of bytes; undefined if they are not UTF-8. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return undefined;
  }
}
