/**
 * What reading costs on a large log, on PostgreSQL 17: `deno run -A bench/read.ts`.
 * Times are only good against the other times of the same run.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { benchFeed } from "./feed.ts";
import { fillLogs, LOG_NAMES, ROWS_STEP } from "./fill.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import { benchPages } from "./pages.ts";
import { startSession } from "./session.ts";
import { benchSummaries } from "./summaries.ts";
import { benchChoices } from "./with-and-without.ts";

const USAGE = `deno run -A bench/read.ts [--rows <n>] [--rounds <n>]

  --rows    Rows in each log, a multiple of ${ROWS_STEP}; 1000000 by default.
  --rounds  How often each figure is measured; 15 by default.`;

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    rows: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "15" },
    help: { type: "boolean" },
  },
});
const rows = Number(options.rows);
const rounds = Number(options.rounds);
if (options.help || !(rows > 0 && rows % ROWS_STEP === 0 && rounds > 0)) {
  console.log(USAGE);
  Deno.exit(options.help ? 0 : 2);
}

const session = await startSession();
try {
  const start = performance.now();
  await fillLogs(session.sql, rows);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(await describeMachine(session.sql, WITHOUT_DISK));
  console.log(
    `${rows} rows in each of ${LOG_NAMES.length} logs, filled in ${seconds} s; ${rounds} rounds.`,
  );
  await benchPages(session, rounds);
  await benchSummaries(session, rounds);
  await benchFeed(session, rounds);
  await benchChoices(session, rounds);
} finally {
  await session.stop();
}
