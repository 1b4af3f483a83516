/**
 * The cost of the record functions in the database, against a bare INSERT and COPY
 * into the same table, with its indexes, foreign keys and triggers; and of a replay.
 *
 *     deno run -A bench/sql.ts [--rounds <n>]
 */
import { parseArgs } from "node:util";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import {
  alternate,
  judge,
  printTable,
  ratio,
  ratioWithSpread,
  show,
} from "./measure.ts";
import {
  BATCH,
  prepareCopy,
  prepareInsert,
  prepareInsertWithDetails,
  prepareRecord,
  type Run,
} from "./prepare-writes.ts";
import { type Sample, SAMPLES } from "./sample-events.ts";
import { startSession } from "./session.ts";

const { values } = parseArgs({ options: { rounds: { type: "string" } } });
const ROUNDS = Number(values.rounds ?? 25);
/** Batches that are there before anything is measured. */
const FILLED = 20;

/** Least share of the bare INSERT's rate. */
const MIN_RATE = 0.7;
/** Most that a replay may take, to recording the same. */
const MAX_REPLAY = 1.2;

const { sql, stop } = await startSession();
try {
  console.log(await describeMachine(sql, WITHOUT_DISK));
  const writes: string[][] = [];
  const replays: string[][] = [];
  for (const sample of SAMPLES) {
    for (let n = 0; n < FILLED; n++) await prepareRecord(sql, sample)();
    await sql`analyze`;
    writes.push(...await compareWrites(sample));
    replays.push(await compareReplay(sample));
  }
  printTable("Writing rows", [
    "log",
    "rows",
    "record function: median [quartiles]",
    "bare INSERT",
    "COPY",
    "rate, to INSERT [quartiles]",
    "to COPY",
    `goal: at least ×${MIN_RATE} of INSERT`,
  ], writes);
  printTable(`Recording ${BATCH} events again`, [
    "log",
    "first time: median [quartiles]",
    "again",
    "again/first [quartiles]",
    `goal: at most ×${MAX_REPLAY}`,
  ], replays);
} finally {
  await stop();
}

async function compareWrites(
  sample: Sample,
): Promise<string[][]> {
  const rows: string[][] = [];
  const compare = async (size: number, insert: typeof prepareInsert) => {
    const ways = [prepareRecord, insert, prepareCopy];
    const figures = await alternatePrepared(
      ways.map((way) => () => way(sql, sample, size)),
    );
    const [record, byInsert, copy] = figures;
    const withDetails = insert === prepareInsertWithDetails;
    rows.push([
      sample.table + (withDetails ? ", INSERT of the details as well" : ""),
      String(size),
      ...figures.map(show),
      ratioWithSpread(byInsert, record),
      ratio(copy, record),
      size === 1 ? "" : judge(byInsert.median / record.median >= MIN_RATE),
    ]);
  };
  await compare(1, prepareInsert);
  await compare(BATCH, prepareInsert);
  if (sample.table === "llm_usage_log") {
    await compare(BATCH, prepareInsertWithDetails);
  }
  return rows;
}

async function compareReplay(
  sample: Sample,
): Promise<string[]> {
  let again: Run;
  const [first, replay] = await alternatePrepared([
    () => again = prepareRecord(sql, sample),
    () => again,
  ]);
  return [
    sample.table,
    show(first),
    show(replay),
    ratioWithSpread(replay, first),
    judge(replay.median / first.median <= MAX_REPLAY),
  ];
}

/** {@linkcode alternate} over runs that are prepared before the clock starts. */
async function alternatePrepared(prepare: (() => Run)[]) {
  let next: Run[] = [];
  return await alternate(
    prepare.map((_, index) => () => next[index]()),
    ROUNDS,
    () => next = prepare.map((one) => one()),
  );
}
