import { createHash } from "node:crypto";
import { parseBundleLine } from "../scripts/verify/bundle.ts";
import { sha256 } from "../shared/tlog/encoding.ts";
import { verifyBundle } from "../scripts/verify/verify-bundle.ts";
import { SyntheticLedger } from "../tests/scripts/verify/synthetic-ledger.ts";
import { alternate, printTable, show } from "./measure.ts";

/**
 * Measures how long it takes to verify an evidence bundle, against reading its
 * lines alone, and the SHA-256 that is used against the platform's own.
 *
 *     deno run -A bench/verify.ts [rows] [rounds]
 */
const ROWS = Number(Deno.args[0] ?? 100_000);
const ROUNDS = Number(Deno.args[1] ?? 5);

const ledger = await SyntheticLedger.create();
for (let row = 0; row < ROWS; row++) {
  if (row % 2 === 0) ledger.recordCall();
  else ledger.recordAudit();
}
await ledger.publish();
const lines = [...ledger.lines()];
const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);

const [reading, verifying] = await alternate([
  () => {
    for (const line of lines) parseBundleLine(line);
    return Promise.resolve();
  },
  async () => {
    const { ok } = await verifyBundle(lines, ledger.policy);
    if (!ok) throw new Error("The bundle must be in order");
  },
], ROUNDS);
printTable(
  `An evidence bundle of ${ROWS} rows, ${(bytes / 1e6).toFixed(1)} MB`,
  ["", "time", "rows a second"],
  [["read", reading], ["verified", verifying]].map(([name, figure]) => [
    name as string,
    show(figure as typeof reading),
    Math.round(ROWS / (figure as typeof reading).median * 1_000)
      .toLocaleString("en"),
  ]),
);

const HASHES = 100_000;
const rows = [];
for (
  const [what, length] of [["commitment", 53], ["node", 65], [
    "leaf",
    400,
  ]] as const
) {
  const input = crypto.getRandomValues(new Uint8Array(length));
  const repeat = (hash: () => unknown) => () => {
    for (let count = 0; count < HASHES; count++) hash();
    return Promise.resolve();
  };
  const [ours, platform] = await alternate([
    repeat(() => sha256(input)),
    repeat(() => createHash("sha256").update(input).digest()),
  ], ROUNDS);
  rows.push([what, String(length), show(ours), show(platform)]);
}
printTable(
  `${HASHES} hashes`,
  ["of a", "bytes", "@noble/hashes", "node:crypto"],
  rows,
);
