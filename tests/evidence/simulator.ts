/**
 * Several sessions of one PostgreSQL take steps in an order that a seed decides:
 * begin, insert, savepoint, rollback, commit, seal, crash. What the tree has to
 * hold follows from the steps alone, and is compared with what it holds.
 *
 * @module
 */
import postgres from "postgres";
import { createRandom } from "../support/seeded-random.ts";

/** Steps of one seed, before what is open is ended. */
const STEPS = 60;

interface Row {
  id: string;
  xid: bigint;
}

/** Rows written since a savepoint; the first part is the transaction's own. */
interface Part {
  name: string;
  rows: Row[];
}

interface Leaf {
  index: number;
  kind: string;
  row_id: string | null;
  data: string | null;
}

/** One connection, and the transaction that is open on it. */
interface Session {
  name: string;
  sql: postgres.Sql;
  pid: number;
  open: Part[] | null;
}

/** What a seed did, and what was wrong with the tree; null when nothing was. */
export interface Outcome {
  steps: string[];
  fault: string | null;
}

/** A server's sessions, for any number of seeds one after the other. */
export interface Simulator {
  run(seed: number): Promise<Outcome>;
  close(): Promise<void>;
}

/** Opens `count` sessions that seal with the function `sealer`, and one that looks. */
export async function openSimulator(
  url: string,
  sealer: string,
  count: number,
): Promise<Simulator> {
  const observer = connect(url);
  const sessions = await Promise.all(
    Array.from({ length: count }, (_, n) => openSession(url, `S${n + 1}`)),
  );
  return {
    run: (seed) => runSeed(seed, url, sealer, sessions, observer),
    async close() {
      for (const { sql } of sessions) await sql.end();
      await observer.end();
    },
  };
}

async function runSeed(
  seed: number,
  url: string,
  sealer: string,
  sessions: Session[],
  observer: postgres.Sql,
): Promise<Outcome> {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const steps: string[] = [];
  const committed: Row[] = [];
  const [{ first }] = await observer`
    select coalesce(max(index) + 1, 0)::int as first from ledger.leaves`;
  const check = async (isEnd: boolean) => {
    const tree = await observer<Leaf[]>`
      select index::int, kind, row_id, data from ledger.leaves
      where index >= ${first} order by index`;
    return findFault(tree, first, committed, isEnd);
  };

  const begin = async (session: Session) => {
    await session.sql.unsafe("begin");
    session.open = [{ name: "", rows: [] }];
  };
  const insert = async (session: Session) => {
    const rows = (await session.sql.unsafe(
      `insert into public.model_usage_log (reported_model_name, reported_model_id)
        select 'a', 'b' from generate_series(1, ${1 + below(3)})
        returning id, pg_current_xact_id()::text as xid`,
    )).map(({ id, xid }) => ({ id, xid: BigInt(xid) }));
    (session.open?.at(-1)?.rows ?? committed).push(...rows);
  };
  const savepoint = async (session: Session) => {
    const name = `s${session.open!.length}`;
    await session.sql.unsafe(`savepoint ${name}`);
    session.open!.push({ name, rows: [] });
  };
  const rollbackTo = async (session: Session) => {
    const to = 1 + below(session.open!.length - 1);
    await session.sql.unsafe(`rollback to ${session.open![to].name}`);
    session.open!.splice(to + 1);
    session.open![to].rows = [];
  };
  const release = async (session: Session) => {
    const last = session.open!.pop()!;
    await session.sql.unsafe(`release ${last.name}`);
    session.open!.at(-1)!.rows.push(...last.rows);
  };
  const commit = async (session: Session) => {
    await session.sql.unsafe("commit");
    committed.push(...session.open!.flatMap(({ rows }) => rows));
    session.open = null;
  };
  const rollback = async (session: Session) => {
    await session.sql.unsafe("rollback");
    session.open = null;
  };
  const seal = async (session: Session) => {
    const most = [1, 2, 5, 1000][below(4)];
    await session.sql.unsafe(`select ${sealer}(${most})`);
  };
  const crash = async (session: Session) => {
    await observer`select pg_terminate_backend(${session.pid}, 10000)`;
    await session.sql.end({ timeout: 0 });
    Object.assign(session, await openSession(url, session.name));
  };

  const take = async (
    session: Session,
    step: (session: Session) => Promise<void>,
  ) => {
    steps.push(`${session.name} ${step.name}`);
    await step(session);
    return step === seal || step === commit ? await check(false) : null;
  };
  for (let n = 0; n < STEPS; n++) {
    const session = sessions[below(sessions.length)];
    const choices = !session.open
      ? [begin, begin, begin, insert, insert, seal, seal]
      : [insert, insert, insert, savepoint, seal, commit, commit, rollback]
        .concat(session.open.length > 1 ? [rollbackTo, release] : [])
        .concat(below(2) === 0 ? [crash] : []);
    const fault = await take(session, choices[below(choices.length)]);
    if (fault) return await giveUp(fault);
  }
  for (const session of sessions) {
    const fault = session.open &&
      await take(session, [commit, rollback][below(2)]);
    if (fault) return await giveUp(fault);
  }
  await sessions[0].sql.unsafe(`select ${sealer}(1000)`);
  return { steps, fault: await check(true) };

  async function giveUp(fault: string): Promise<Outcome> {
    for (const session of sessions) if (session.open) await rollback(session);
    return { steps, fault };
  }
}

/** What is wrong with the leaves from `first` on, given the rows that were committed. */
function findFault(
  tree: readonly Leaf[],
  first: number,
  committed: readonly Row[],
  isEnd: boolean,
): string | null {
  const xids = new Map(committed.map(({ id, xid }) => [id, xid]));
  const places = new Map<string, number>();
  let newest = 0n;
  let sinceSeal = 0;
  for (const [n, { index, kind, row_id, data }] of tree.entries()) {
    if (index !== first + n) {
      return `index ${index} stands where ${first + n} should`;
    }
    if (kind === "seal") {
      const [, cut, count] = JSON.parse(data!);
      if (Number(count) !== sinceSeal) {
        return `leaf ${index} miscounts its leaves`;
      }
      const missing = committed.find(({ id, xid }) =>
        xid < BigInt(cut) && !places.has(id)
      );
      if (missing) {
        return `leaf ${index} claims to be complete below ${cut}, without a row of ${missing.xid}`;
      }
      sinceSeal = 0;
      continue;
    }
    const xid = xids.get(row_id!);
    if (xid === undefined) {
      return `leaf ${index} is of a row that was not committed`;
    }
    if (places.has(row_id!)) {
      return `leaf ${index} is of a row that has one already`;
    }
    if (xid < newest) {
      return `leaf ${index} of ${xid} comes after one of ${newest}`;
    }
    newest = xid;
    places.set(row_id!, index);
    sinceSeal++;
  }
  if (sinceSeal > 0) return "the last leaf is not a seal's";
  return isEnd && places.size !== committed.length
    ? `${committed.length - places.size} committed rows were never sealed`
    : null;
}

async function openSession(url: string, name: string): Promise<Session> {
  const sql = connect(url);
  const [{ pid }] = await sql`select pg_backend_pid() as pid`;
  return { name, sql, pid, open: null };
}

function connect(url: string): postgres.Sql {
  return postgres(url, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    onnotice: () => {},
  });
}
