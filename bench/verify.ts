/**
 * The time to verify an evidence bundle, against reading its lines alone.
 *
 *     deno run -A bench/verify.ts [--rounds <n>]
 */
import { parseArgs } from "node:util";
import { parseBundleLine } from "../scripts/verify/bundle.ts";
import { verifyBundle } from "../scripts/verify/verify-bundle.ts";
import { SyntheticLedger } from "../tests/scripts/verify/synthetic-ledger.ts";
import { describeComputer, describeRuntime } from "./machine.ts";
import {
  alternate,
  type Figure,
  judge,
  printTable,
  ratioWithSpread,
  show,
} from "./measure.ts";

const { values } = parseArgs({ options: { rounds: { type: "string" } } });
const ROUNDS = Number(values.rounds ?? 5);
const ROWS = 100_000;
const MAX_MS = 2_000;

console.log(`${await describeComputer()}; ${describeRuntime()}`);
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
const describe = (name: string, figure: Figure, goal = "") => [
  name,
  show(figure),
  (ROWS / figure.median * 1_000).toFixed(0),
  ratioWithSpread(figure, reading),
  goal,
];
printTable(
  `An evidence bundle of ${ROWS} rows, ${(bytes / 1e6).toFixed(1)} MB`,
  [
    "",
    "median [quartiles]",
    "rows a second",
    "to reading [quartiles]",
    `goal: at most ${MAX_MS} ms`,
  ],
  [
    describe("reading", reading),
    describe("verifying", verifying, judge(verifying.median <= MAX_MS)),
  ],
);
