/**
 * What a write, a page and a summary cost as a log grows: databases of each size
 * on one PostgreSQL 17 take turns within each round.
 *
 *     deno run -A bench/growth.ts [--full] [--rounds <n>]
 *
 * `--full` goes up to ten million rows, which takes five minutes and 10 GB of disk.
 */
import { parseArgs } from "node:util";
import { createDatabase, startPostgres } from "../local/postgres.ts";
import { idOf, lastMonth, listCall, SERVICE, summaryCall } from "./callers.ts";
import { fillLogs } from "./fill.ts";
import { drawGrowth } from "./growth-picture.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import { type Figure, printTable, ratio, show, toFigure } from "./measure.ts";
import { prepareRecord } from "./prepare-writes.ts";
import { sampleOf } from "./sample-events.ts";
import { loadSeeds, openSession, type Session } from "./session.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string" }, full: { type: "boolean" } },
});
const ROUNDS = Number(values.rounds ?? 25);
const SIZES = [10_000, 100_000, 1_000_000, ...values.full ? [10_000_000] : []];
const LOG = "llm_usage_log";
/** Rows that are filled in at once. */
const CHUNK = 1_000_000;
/** Runs of a round: the median of few short ones would be that of the clock. */
const REPEATS = 3;
const PICTURE = new URL(
  `results/growth${values.full ? "-full" : ""}.svg`,
  import.meta.url,
);

type World = { size: number; session: Session; tasks: Task[] };
type Task = { name: string; run: () => Promise<unknown>; asService: boolean };

const server = await startPostgres({
  settings: { ...WITHOUT_DISK, shared_buffers: "512MB" },
});
const worlds: World[] = [];
try {
  for (const size of SIZES) worlds.push(await openWorld(size));
  console.log(await describeMachine(worlds[0].session.sql, WITHOUT_DISK));
  const names = worlds[0].tasks.map(({ name }) => name);
  const figures: Figure[][] = [];
  for (const index of names.keys()) figures.push(await measureTask(index));
  printTable(
    `${LOG} as it grows`,
    ["", ...SIZES.flatMap((size) => [`${size} rows`, `to ${SIZES[0]}`])],
    names.map((name, index) => [
      name,
      ...figures[index].flatMap((figure) => [
        show(figure),
        ratio(figure, figures[index][0]),
      ]),
    ]),
  );
  await Deno.writeTextFile(PICTURE, drawGrowth(SIZES, names, figures));
} finally {
  for (const { session } of worlds) await session.stop();
  await server.stop();
}

async function openWorld(size: number): Promise<World> {
  const session = await openSession(await createDatabase(server));
  await loadSeeds(session);
  for (let rows = 0; rows < size; rows += CHUNK) {
    await fillLogs(session.sql, Math.min(CHUNK, size), [LOG]);
  }
  await session.query("vacuum analyze");
  const month = await lastMonth(session);
  const firm = { firm_id: [await idOf(session, "firm 5")] };
  const half = await findHalf(session);
  const ask = (text: string) => () => session.query(text);
  const read = (name: string, run: Task["run"]) => ({
    name,
    run,
    asService: true,
  });
  const write = (name: string, events: number) => ({
    name,
    // Serialising the batch is a small part of what is timed.
    run: () => prepareRecord(session, sampleOf(LOG), events)(),
    asService: false,
  });
  return {
    size,
    session,
    tasks: [
      read("the newest page", ask(listCall(LOG))),
      read("a page in the middle", ask(listCall(LOG, { after: half }))),
      read("the newest page of a firm", ask(listCall(LOG, { filters: firm }))),
      read(
        "a day of a firm, by model",
        ask(summaryCall(LOG, dayOf(month.from), {
          filters: firm,
          groups: ["model"],
        })),
      ),
      read(
        "a month of all, by model",
        ask(summaryCall(LOG, month, { groups: ["model"] })),
      ),
      write("recording one event", 1),
      write("recording 1,000 events", 1_000),
    ],
  };
}

function dayOf(date: string) {
  return { from: date, to: date.replace(/01$/, "02") };
}

/** The position half a year ago, where about half of the rows are newer. */
async function findHalf({ query }: Session): Promise<unknown> {
  const [row] = await query(
    `select to_json(created_at) as time, id from public.${LOG}
      where created_at < now() - interval '6 months'
      order by created_at desc, id desc limit 1`,
  );
  return row;
}

/** One task in every world, by turns; the first round does not count. */
async function measureTask(index: number): Promise<Figure[]> {
  const times = worlds.map(() => [] as number[]);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [world, { session, tasks }] of worlds.entries()) {
      const { run, asService } = tasks[index];
      const timed = async () => {
        for (let n = 0; n < REPEATS; n++) {
          const start = performance.now();
          await run();
          if (round > 0) times[world].push(performance.now() - start);
        }
      };
      await (asService ? session.as(SERVICE, timed) : timed());
    }
  }
  return times.map(toFigure);
}
