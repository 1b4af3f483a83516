/**
 * What evidence costs: recording with capture, without it, and with a sealer that
 * runs every second; sealing; and storage. One PostgreSQL 17, whose databases take
 * turns within each round.
 *
 *     deno run -A bench/evidence.ts
 */
import postgres from "postgres";
import {
  createDatabase,
  installSupabaseRoles,
  startPostgres,
} from "../local/postgres.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import { alternate, printTable, ratio, show, toFigure } from "./measure.ts";
import { processorTime } from "./process-figures.ts";

const ROUNDS = 7;
/** Calls of a run, shared by its clients; a run should take a second or more. */
const RECORDS = 1_600;
const INSERTS = 10_000;
const CLIENTS = [1, 8, 16];
const BATCH = 1_000;
const BATCHES = 20;
/** Leaves that one seal takes. */
const LEAVES = 100_000;
const SEAL_ROUNDS = 5;
const SEAL_EVERY_MS = 1_000;

/** Rows that are there before anything is measured. */
const FILLED = 50_000;

const FIRM = "10000000-0000-4000-8000-000000000001";
const USER = "20000000-0000-4000-8000-000000000001";

const SETTINGS = { ...WITHOUT_DISK, shared_buffers: "512MB" };

/** The log with the most columns that are committed to. */
const LOG = "audit_log";
const WITHOUT = ["insert", "update", "delete"].map((operation) =>
  `drop trigger capture_${operation} on public.${LOG};`
).join("");

type Sql = ReturnType<typeof postgres>;
type World = { name: string; clients: Sql[]; sealer?: Sql };

const server = await startPostgres({ settings: SETTINGS });
try {
  await installSupabaseRoles(server.url);
  const bare = await openWorld("without capture", WITHOUT, false);
  const captured = await openWorld("with capture", "", false);
  const sealed = await openWorld("… and a sealer", "", true);
  const worlds = [bare, captured, sealed];

  console.log(await describeMachine(bare.clients[0], SETTINGS));
  for (const clients of CLIENTS) {
    await benchCalls(
      "record_audit_log of one event",
      record,
      RECORDS,
      worlds,
      clients,
    );
  }
  for (const clients of CLIENTS) {
    await benchCalls("INSERT of one row", insert, INSERTS, worlds, clients);
  }
  await benchBatches(worlds);
  await benchSealing();
  for (const world of [captured, sealed]) await requireSealedOnce(world);
  for (const { clients, sealer } of worlds) {
    for (const sql of clients) await sql.end();
    await sealer?.end();
  }
} finally {
  await server.stop();
}

async function openWorld(
  name: string,
  change: string,
  withSealer: boolean,
): Promise<World> {
  const url = await createDatabase(server);
  const connect = () => postgres(url, { max: 1, onnotice: () => {} });
  const sql = connect();
  const folder = new URL("../supabase/migrations/", import.meta.url);
  for (const file of [...Deno.readDirSync(folder)].map((f) => f.name).sort()) {
    await sql.unsafe(await Deno.readTextFile(new URL(file, folder))).simple();
  }
  await sql.unsafe(
    `${change} insert into firms (id, name) values ('${FIRM}', 'bench');
     insert into users (id, firm_id) values ('${USER}', '${FIRM}')`,
  ).simple();
  // Plans that are made for an empty table stay those of an empty table.
  await fill(sql, FILLED);
  await sql`select ledger.seal()`;
  await sql.unsafe("vacuum analyze");
  const others = Array.from({ length: Math.max(...CLIENTS) - 1 }, connect);
  return {
    name,
    clients: [sql, ...others],
    sealer: withSealer ? connect() : undefined,
  };
}

function makeEvent() {
  return {
    id: crypto.randomUUID(),
    firm_id: FIRM,
    user_id: USER,
    action: "upload_file",
    entity_type: "cma_project",
    entity_id: crypto.randomUUID(),
    metadata: { file_count: 3, source: "bench" },
    ip_address: "192.0.2.1",
  };
}

function fill(sql: Sql, rows: number): Promise<unknown> {
  return sql.unsafe(
    `insert into ${LOG} (firm_id, user_id, action, entity_type, entity_id, metadata, ip_address)
      select '${FIRM}', '${USER}', 'upload_file', 'cma_project', gen_random_uuid(),
        '{"file_count": 3, "source": "bench"}', '192.0.2.1' from generate_series(1, ${rows})`,
  );
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

function record(sql: Sql): Promise<unknown> {
  return sql`select record_audit_log(${sql.json([makeEvent()])})`;
}

/** What is left when nothing is checked, and capture weighs most. */
function insert(sql: Sql): Promise<unknown> {
  return sql`insert into audit_log ${sql([makeEvent()])}`;
}

async function benchCalls(
  what: string,
  call: (sql: Sql) => Promise<unknown>,
  calls: number,
  worlds: World[],
  count: number,
): Promise<void> {
  const latencies = worlds.map(() => [] as number[]);
  const runs = worlds.map((world, index) => () =>
    besideSealer(world, () =>
      Promise.all(
        world.clients.slice(0, count).map(async (sql) => {
          for (let n = 0; n < calls / count; n++) {
            const start = performance.now();
            await call(sql);
            latencies[index].push(performance.now() - start);
          }
        }),
      ))
  );
  const figures = await alternate(runs, ROUNDS);
  printTable(
    `${what}, ${count} ${count === 1 ? "client" : "clients"}`,
    ["", "calls/s", "of the first", "latency: median [quartiles]", "99 %"],
    figures.map((figure, index) => {
      const sorted = latencies[index].sort((a, b) => a - b);
      return [
        worlds[index].name,
        (calls / figure.median * 1_000).toFixed(0),
        `${(figures[0].median / figure.median * 100).toFixed(0)} %`,
        show(toFigure(sorted)),
        `${sorted[Math.floor(sorted.length * 0.99)].toFixed(2)} ms`,
      ];
    }),
  );
}

async function benchBatches(worlds: World[]): Promise<void> {
  const runs = worlds.map((world) => {
    const [sql] = world.clients;
    return () =>
      besideSealer(world, async () => {
        for (let n = 0; n < BATCHES; n++) {
          const events = Array.from({ length: BATCH }, makeEvent);
          await sql`select record_audit_log(${sql.json(events)})`;
        }
      });
  });
  const figures = await alternate(runs, ROUNDS);
  printTable(
    `${BATCHES} calls of record_audit_log with ${BATCH} events`,
    ["", "median [quartiles]", "events/s", "to the first"],
    figures.map((figure, index) => [
      worlds[index].name,
      show(figure),
      (BATCHES * BATCH / figure.median * 1_000).toFixed(0),
      ratio(figure, figures[0]),
    ]),
  );
}

async function benchSealing(): Promise<void> {
  const world = await openWorld("sealing", "", false);
  const [sql] = world.clients;
  const inserts: number[] = [];
  const seals: number[] = [];
  const ownTimes: number[] = [];
  const [{ pid }] = await sql`select pg_backend_pid() as pid`;
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
    await sql.unsafe("vacuum ledger.pending_leaves");
  }
  await printStorage(sql, FILLED + (SEAL_ROUNDS + 1) * LEAVES);
  const rate = (times: number[]) =>
    (LEAVES / toFigure(times).median * 1_000).toFixed(0);
  printTable(`${LEAVES} leaves at once`, ["", "median [quartiles]", "per s"], [
    [
      "INSERT of the rows, with capture",
      show(toFigure(inserts)),
      rate(inserts),
    ],
    ["ledger.seal", show(toFigure(seals)), rate(seals)],
    [
      "… of the server process's own time",
      show(toFigure(ownTimes)),
      rate(ownTimes),
    ],
  ]);
  await requireSealedOnce(world);
  for (const sql of world.clients) await sql.end();
}

async function printStorage(sql: Sql, count: number): Promise<void> {
  const tables = [
    `public.${LOG}`,
    "ledger.salts",
    "ledger.leaves",
    "ledger.nodes",
  ];
  const rows = await sql`
    select t, pg_table_size(t::regclass) as table_bytes, pg_indexes_size(t::regclass) as index_bytes
    from unnest(${tables}::text[]) t`;
  printTable(
    `Storage per row of ${LOG}, of ${count}`,
    ["table", "bytes", "and of indexes"],
    rows.map((row) => [
      row.t,
      (row.table_bytes / count).toFixed(1),
      (row.index_bytes / count).toFixed(1),
    ]),
  );
}

/** What is measured must be right: every row is in the tree once, without gaps. */
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
