/**
 * The cost of evidence: recording with capture, without it, and with a sealer that
 * runs every second; sealing; and storage. The databases are on one PostgreSQL 17
 * and take turns within each round.
 *
 *     deno run -A bench/evidence.ts [--rounds <n>]
 */
import { parseArgs } from "node:util";
import type postgres from "postgres";
import { createDatabase, startPostgres } from "../local/postgres.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import {
  alternate,
  type Figure,
  judge,
  printTable,
  ratio,
  ratioWithSpread,
  show,
  toFigure,
} from "./measure.ts";
import { BATCH, prepareInsert, prepareRecord } from "./prepare-writes.ts";
import { processorTime } from "./process-figures.ts";
import { sampleOf } from "./sample-events.ts";
import { connect, openSession } from "./session.ts";

const { values } = parseArgs({ options: { rounds: { type: "string" } } });
const ROUNDS = Number(values.rounds ?? 7);
const SEAL_ROUNDS = Math.min(ROUNDS, 5);

/** The log with the most columns that are committed to. */
const AUDIT = sampleOf("audit_log");
const CLIENTS = [1, 8, 16];
/** Calls of a run, shared by its clients; a run takes a second or so. */
const WRITES = [
  { name: "record_audit_log", way: prepareRecord, size: 1, calls: 1_600 },
  // The cheapest write, which capture slows most.
  { name: "INSERT", way: prepareInsert, size: 1, calls: 10_000 },
  { name: "record_audit_log", way: prepareRecord, size: BATCH, calls: 20 },
];
/** Leaves of one seal. */
const LEAVES = 100_000;
const SEAL_EVERY_MS = 1_000;
/** Rows that are there before the measurement: plans for an empty table would stay. */
const FILLED = 50_000;

const MIN_RATE = 0.7;
const MIN_LEAVES_PER_SECOND = 100_000;

const SETTINGS = { ...WITHOUT_DISK, shared_buffers: "512MB" };
const WITHOUT_CAPTURE = ["insert", "update", "delete"].map((operation) =>
  `drop trigger capture_${operation} on public.${AUDIT.table};`
).join("");

type World = { clients: postgres.Sql[]; sealer?: postgres.Sql };

const worlds: World[] = [];
const server = await startPostgres({ settings: SETTINGS });
try {
  const bare = await openWorld({ change: WITHOUT_CAPTURE });
  const captured = await openWorld();
  const sealed = await openWorld({ withSealer: true });
  console.log(await describeMachine(bare.clients[0], SETTINGS));
  await compareWrites([bare, captured, sealed]);
  for (const world of [captured, sealed]) await requireSealedOnce(world);
  await measureSealing(await openWorld());
} finally {
  const all = worlds.flatMap(({ clients, sealer }) => [...clients, sealer]);
  for (const sql of all) await sql?.end();
  await server.stop();
}

async function openWorld(
  options: { change?: string; withSealer?: boolean } = {},
): Promise<World> {
  const url = await createDatabase(server);
  const { sql } = await openSession(url);
  const others = Array.from({ length: Math.max(...CLIENTS) - 1 });
  const world: World = {
    clients: [sql, ...others.map(() => connect(url))],
    sealer: options.withSealer ? connect(url) : undefined,
  };
  worlds.push(world);
  await sql.unsafe(options.change ?? "").simple();
  await fill(sql, FILLED);
  await sql`select ledger.seal()`;
  await sql`vacuum analyze`;
  return world;
}

function fill(sql: postgres.Sql, rows: number): Promise<unknown> {
  const { firm_id, user_id } = AUDIT.make() as Record<string, string>;
  return sql`
    insert into audit_log (firm_id, user_id, action, entity_type, entity_id, metadata, ip_address)
    select ${firm_id}, ${user_id}, 'upload_file', 'cma_project', gen_random_uuid(),
      '{"file_count": 3, "source": "upload"}', '192.0.2.1' from generate_series(1, ${rows}::int)`;
}

async function compareWrites(worlds: World[]): Promise<void> {
  const rows: string[][] = [];
  for (const { name, way, size, calls } of WRITES) {
    for (const count of size === 1 ? CLIENTS : [1]) {
      const runs = worlds.map((world) => () =>
        besideSealer(world, () =>
          Promise.all(
            world.clients.slice(0, count).map(async (sql) => {
              for (let n = 0; n < calls / count; n++) {
                await way(sql, AUDIT, size)();
              }
            }),
          ))
      );
      const figures = await alternate(runs, ROUNDS);
      const [bare, captured, sealed] = figures;
      rows.push([
        name,
        String(size),
        String(count),
        ...figures.map((figure) => perSecond(calls * size, figure)),
        ratioWithSpread(bare, captured),
        ratioWithSpread(bare, sealed),
        judge(bare.median / captured.median >= MIN_RATE),
      ]);
    }
  }
  printTable(`Writing to ${AUDIT.table}, rows a second`, [
    "write",
    "rows",
    "clients",
    "without capture",
    "with capture",
    "with a sealer too",
    "with capture, to without [quartiles]",
    "with a sealer too, to without",
    `goal: with capture at least ×${MIN_RATE}`,
  ], rows);
}

/** Runs work while the world's sealer, if any, seals every second. */
async function besideSealer(
  { sealer }: World,
  work: () => Promise<unknown>,
): Promise<void> {
  let ended = false;
  const sealing = sealer && (async () => {
    for (let wait = SEAL_EVERY_MS / 2; !ended; wait += 10) {
      if (wait % SEAL_EVERY_MS === 0) await sealer`select ledger.seal()`;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  await work();
  ended = true;
  await sealing;
}

async function measureSealing(world: World): Promise<void> {
  const [sql] = world.clients;
  const [{ pid }] = await sql`select pg_backend_pid() as pid`;
  const inserts: number[] = [];
  const seals: number[] = [];
  const ownTimes: number[] = [];
  for (let round = 0; round <= SEAL_ROUNDS; round++) {
    const start = performance.now();
    await fill(sql, LEAVES);
    const between = performance.now();
    const used = processorTime(pid);
    const [{ sealed }] = await sql`select ledger.seal(${LEAVES}) as sealed`;
    const end = performance.now();
    if (sealed.sealed !== LEAVES) throw new Error(JSON.stringify(sealed));
    // The first round warms up.
    if (round > 0) {
      inserts.push(between - start);
      seals.push(end - between);
      ownTimes.push(processorTime(pid) - used);
    }
    await sql`vacuum ledger.pending_leaves`;
  }
  const [insert, seal, own] = [inserts, seals, ownTimes].map(toFigure);
  const describe = (name: string, figure: Figure, goal = "") => [
    name,
    show(figure),
    perSecond(LEAVES, figure),
    ratio(figure, insert),
    goal,
  ];
  const isFast = LEAVES / seal.median * 1_000 >= MIN_LEAVES_PER_SECOND;
  printTable(`Sealing ${LEAVES} leaves at once`, [
    "",
    "median [quartiles]",
    "leaves a second",
    "to the INSERT",
    `goal: at least ${MIN_LEAVES_PER_SECOND} a second`,
  ], [
    describe("INSERT of the rows, with capture", insert),
    describe("ledger.seal", seal, judge(isFast)),
    describe("… processor time of the server process", own),
  ]);
  await printStorage(sql);
  await requireSealedOnce(world);
}

async function printStorage(sql: postgres.Sql): Promise<void> {
  const count = FILLED + (SEAL_ROUNDS + 1) * LEAVES;
  const tables = ["public.audit_log", "ledger.salts", "ledger.leaves"];
  const rows = await sql`
    select t, pg_table_size(t::regclass) as table_bytes, pg_indexes_size(t::regclass) as index_bytes
    from unnest(${[...tables, "ledger.nodes"]}::text[]) t`;
  printTable(
    `Storage of ${count} rows`,
    ["table", "bytes per row", "and of indexes"],
    rows.map((row) => [
      row.t,
      (row.table_bytes / count).toFixed(1),
      (row.index_bytes / count).toFixed(1),
    ]),
  );
}

/** Every row must be in the tree once, without gaps, or the figures mean nothing. */
async function requireSealedOnce({ clients: [sql] }: World): Promise<void> {
  for (;;) {
    const [{ sealed }] = await sql`select ledger.seal() as sealed`;
    if (sealed.pending === 0) break;
  }
  const [{ right }] = await sql`
    select count(*) filter (where kind = 'row') = (select count(*) from audit_log)
      and count(distinct row_id) = (select count(*) from audit_log)
      and count(*) = max(index) + 1 as right
    from ledger.leaves`;
  if (!right) throw new Error("not every row was sealed once");
}

function perSecond(count: number, { median }: Figure): string {
  return (count / median * 1_000).toFixed(0);
}
