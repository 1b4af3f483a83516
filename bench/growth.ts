/**
 * The cost of a write, a page and a summary as a log grows: databases of each size
 * on one PostgreSQL 17 take turns within each round.
 *
 *     deno run -A bench/growth.ts [--full] [--rounds <n>]
 *
 * `--full` goes up to ten million rows, which takes five minutes and 10 GB of disk.
 */
import { parseArgs } from "node:util";
import { createDatabase, startPostgres } from "../local/postgres.ts";
import { fillUsageLog } from "./fill-usage-log.ts";
import { drawGrowth } from "./growth-picture.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import { type Figure, printTable, ratio, show, toFigure } from "./measure.ts";
import { prepareRecord } from "./prepare-writes.ts";
import { sampleOf } from "./sample-events.ts";
import { openSession, type Session } from "./session.ts";

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
  const { sql } = session;
  for (let rows = 0; rows < size; rows += CHUNK) {
    await fillUsageLog(sql, Math.min(CHUNK, size));
  }
  await sql`vacuum analyze`;
  // The last whole month; the position where about half of the rows are newer; a firm.
  const [{ since, until, next_day, firm }] = await sql`
    select (date_trunc('month', now()) - interval '1 month')::date::text as since,
      (date_trunc('month', now()) - interval '1 month' + interval '1 day')::date::text as next_day,
      date_trunc('month', now())::date::text as until, md5('firm 5')::uuid as firm`;
  const [half] = await sql`
    select to_json(created_at) as time, id from ${sql(LOG)}
    where created_at < now() - interval '6 months'
    order by created_at desc, id desc limit 1`;
  const ofFirm = { firm_id: [firm] };
  const read = (name: string, call: string) => ({
    name,
    run: () => sql.unsafe(`select public.${call}`),
    asService: true,
  });
  const write = (name: string, events: number) => ({
    name,
    // Serialising the batch is a small part of the time.
    run: () => prepareRecord(sql, sampleOf(LOG), events)(),
    asService: false,
  });
  return {
    size,
    session,
    tasks: [
      read("the newest page", listCall({}, null)),
      read("a page in the middle", listCall({}, half)),
      read("the newest page of a firm", listCall(ofFirm, null)),
      read("a day of a firm, by model", summaryCall(ofFirm, since, next_day)),
      read("a month of all, by model", summaryCall({}, since, until)),
      write("recording one event", 1),
      write("recording 1,000 events", 1_000),
    ],
  };
}

/** The endpoint's call for a page; `after` is the position of the previous one. */
function listCall(filters: object, after: unknown): string {
  return `list_log('${LOG}', 'created_at', filters => ${literal(filters)},
    ascending => false, after => ${after === null ? "null" : literal(after)})`;
}

/** The endpoint's call for a summary by model. */
function summaryCall(filters: object, since: string, until: string): string {
  return `summarise_log('${LOG}', 'created_at', filters => ${literal(filters)},
    since => '${since}', until => '${until}', groups => '{model}')`;
}

function literal(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`;
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
      await (asService ? runAsService(session, timed) : timed());
    }
  }
  return times.map(toFigure);
}

/** Runs `work` in a transaction of a service, as PostgREST sets it up. */
async function runAsService(
  { sql }: Session,
  work: () => Promise<void>,
): Promise<void> {
  await sql.unsafe("begin");
  try {
    await sql`select set_config('request.jwt.claims', '{"role": "service_role"}', true)`;
    await sql`set local role service_role`;
    await work();
  } finally {
    await sql.unsafe("rollback");
  }
}
