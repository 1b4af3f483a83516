/**
 * What the guards cost: inserts, which they must leave alone, and referential
 * actions, which they look at row by row. Two databases on one PostgreSQL 17,
 * with and without guards, take turns within each round.
 *
 *     deno run -A bench/guards.ts
 */
import postgres from "postgres";
import {
  createDatabase,
  installSupabaseRoles,
  startPostgres,
} from "../local/postgres.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";

const ROUNDS = 9;
/** Rows of a bulk insert, and children of a deleted parent. */
const ROWS = 20_000;
/** Events of one call of the record function. */
const BATCH = 1_000;
/** Inserts of one row and one commit each. */
const SINGLES = 500;

const FIRM = "10000000-0000-4000-8000-000000000001";
const USER = "20000000-0000-4000-8000-000000000001";

type Sql = ReturnType<typeof postgres>;
/** Milliseconds of each round, by what was measured. */
type Times = Record<string, number[]>;

const BULK =
  `insert into audit_log (firm_id, user_id, action, entity_type, metadata)
  select '${FIRM}', '${USER}', 'bench', 'row', '{"count": 1}' from generate_series(1, ${ROWS})`;

const server = await startPostgres({ settings: WITHOUT_DISK });
try {
  await installSupabaseRoles(server.url);
  const guarded = await openLogs(server.url, "guarded", "");
  const bare = await openLogs(
    server.url,
    "bare",
    `drop trigger guard_statement on audit_log; drop trigger guard_before on audit_log; drop trigger guard_after on audit_log`,
  );
  const times = { guarded: {} as Times, bare: {} as Times };
  for (let round = 0; round <= ROUNDS; round++) {
    // The first round warms up; later ones change who goes first.
    const turns = [
      [guarded, times.guarded],
      [bare, times.bare],
    ] as [Sql, Times][];
    if (round % 2) turns.reverse();
    for (const [sql, into] of turns) {
      await runRound(sql, round === 0 ? {} : into);
    }
  }
  await printReport(guarded, times.guarded, times.bare);
  await guarded.end();
  await bare.end();
} finally {
  await server.stop();
}

async function openLogs(url: string, name: string, change: string) {
  const sql = postgres(await createDatabase({ url }, name), {
    max: 1,
    onnotice: () => {},
  });
  const root = new URL("..", import.meta.url);
  const folder = new URL("supabase/migrations/", root);
  const files = [...Deno.readDirSync(folder)].map((file) => file.name).sort();
  const roles = await Deno.readTextFile(new URL("local/roles.sql", root));
  await sql.unsafe(roles).simple();
  for (const file of files) {
    await sql.unsafe(await Deno.readTextFile(new URL(file, folder))).simple();
  }
  await sql.unsafe(change).simple();
  await sql.unsafe(
    `insert into firms (id, name) values ('${FIRM}', 'bench'); insert into users (id, firm_id) values ('${USER}', '${FIRM}')`,
  ).simple();
  return sql;
}

async function runRound(sql: Sql, into: Times): Promise<void> {
  const measure = async (what: string, work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    (into[what] ??= []).push(performance.now() - start);
  };
  const thenForget = (work: () => Promise<unknown>) => async () => {
    await sql.unsafe("begin");
    await work();
    await sql.unsafe("rollback");
    await sql.unsafe("vacuum audit_log");
  };

  await thenForget(() =>
    measure(`INSERT of ${ROWS} rows in one statement`, () => sql.unsafe(BULK))
  )();

  const events = Array.from({ length: BATCH }, () => ({
    id: crypto.randomUUID(),
    firm_id: FIRM,
    user_id: USER,
    action: "bench",
    entity_type: "row",
  }));
  await thenForget(() =>
    measure(
      `record_audit_log of ${BATCH} events`,
      () => sql`select record_audit_log(${sql.json(events)})`,
    )
  )();

  // These commit; the firm's deletion at the end of the round takes them along.
  await measure(`${SINGLES} INSERTs of one row`, async () => {
    for (let n = 0; n < SINGLES; n++) {
      await sql`insert into audit_log (firm_id, user_id, action, entity_type)
        values (${FIRM}, ${USER}, 'bench', 'row')`;
    }
  });

  await thenForget(async () => {
    await sql.unsafe(BULK);
    await measure(
      `SET NULL of ${ROWS} children`,
      () => sql.unsafe(`delete from users where id = '${USER}'`),
    );
  })();
  await thenForget(async () => {
    await sql.unsafe(BULK);
    await sql.unsafe(`delete from users where id = '${USER}'`);
    await measure(
      `CASCADE to ${ROWS} children`,
      () => sql.unsafe(`delete from firms where id = '${FIRM}'`),
    );
  })();

  await sql.unsafe(`delete from firms where id = '${FIRM}'`);
  await sql.unsafe("vacuum audit_log");
  await sql.unsafe(`insert into firms (id, name) values ('${FIRM}', 'bench')`);
  await sql.unsafe(
    `insert into users (id, firm_id) values ('${USER}', '${FIRM}')`,
  );
}

async function printReport(sql: Sql, guarded: Times, bare: Times) {
  console.log(
    `${await describeMachine(
      sql,
      WITHOUT_DISK,
    )}; ${ROUNDS} rounds, median (least–most)\n`,
  );
  console.log("| | without guards, ms | with guards, ms | ratio |");
  console.log("| --- | --- | --- | --- |");
  for (const what of Object.keys(guarded)) {
    const ratios = guarded[what].map((ms, round) => ms / bare[what][round]);
    console.log(
      `| ${what} | ${spread(bare[what], 1)} | ${spread(guarded[what], 1)} | ${
        spread(ratios, 2)
      } |`,
    );
  }
}

function spread(values: number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, median, most] = [
    sorted[0],
    sorted[sorted.length >> 1],
    sorted[sorted.length - 1],
  ].map((value) => value.toFixed(digits));
  return `${median} (${least}–${most})`;
}
