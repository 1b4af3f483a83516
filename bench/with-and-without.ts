import { SERVICE, timeColumn } from "./callers.ts";
import { type Choice, listChoices } from "./choices.ts";
import { type Figure, printTable, ratio, show, toFigure } from "./measure.ts";
import { explain } from "./plans.ts";
import type { Session } from "./session.ts";

/** How often an index, or a setting, is taken away and put back. */
const TURNS = 3;

/** A query that takes longer than this is measured once per turn. */
const PATIENCE_MS = 1_000;

/** Batches of 1,000 that are recorded per turn, after one that does not count. */
const BATCHES = 5;

/** Events of a batch. */
const BATCH_ROWS = 1_000;

/** Measures reading, and for an index recording too, with and without each choice. */
export async function benchChoices(
  session: Session,
  rounds: number,
): Promise<void> {
  const reads: string[][] = [];
  const writes: string[][] = [];
  for (const choice of await listChoices(session)) {
    const figures = await measureReads(session, choice, rounds);
    for (const [index, { label, caller, text }] of choice.queries.entries()) {
      const read = async (before?: string) => {
        const { read, pages } = await explain(
          session,
          caller,
          text,
          choice.log,
          before,
        );
        return `${read} (${pages})`;
      };
      reads.push([
        choice.name,
        label,
        show(figures.without[index]),
        show(figures.with[index]),
        ratio(figures.without[index], figures.with[index]),
        await read(choice.without),
        await read(choice.with),
      ]);
    }
    if (choice.isIndex) writes.push(await measureWrites(session, choice));
  }
  printTable("Reading without and with", [
    "what",
    "for",
    "without: median [quartiles]",
    "with",
    "without/with",
    "rows read (pages touched) without",
    "with",
  ], reads);
  printTable(
    `Recording ${BATCH_ROWS} events without and with`,
    [
      "index",
      "size",
      "without: median [quartiles]",
      "with",
      "with/without",
      "write-ahead log",
    ],
    writes,
  );
}

async function measureReads(
  session: Session,
  choice: Choice,
  rounds: number,
): Promise<{ with: Figure[]; without: Figure[] }> {
  const times = { without: [] as number[][], with: [] as number[][] };
  for (let turn = 0; turn < TURNS; turn++) {
    for (const side of ["without", "with"] as const) {
      for (const [index, { caller, text }] of choice.queries.entries()) {
        const taken = times[side][index] ??= [];
        await session.as(caller, async () => {
          // The first run warms up; a query of seconds is not repeated as often.
          const deadline = performance.now() + PATIENCE_MS;
          for (let n = 0; n <= rounds / TURNS; n++) {
            const start = performance.now();
            await session.query(text);
            const end = performance.now();
            if (n > 0 || end > deadline) taken.push(end - start);
            if (end > deadline) break;
          }
        }, choice[side]);
      }
    }
  }
  return {
    without: times.without.map(toFigure),
    with: times.with.map(toFigure),
  };
}

async function measureWrites(
  session: Session,
  choice: Choice,
): Promise<string[]> {
  const { log } = choice;
  const [{ events }] = await session.query(
    `select jsonb_agg(jsonb_strip_nulls(to_jsonb(r)) - 'id' - '${
      timeColumn(log)
    }') as events
      from (select * from public.${log} order by id limit ${BATCH_ROWS}) r`,
  );
  const record = async () => {
    const batch = events.map((event: Record<string, unknown>) => ({
      ...event,
      id: crypto.randomUUID(),
    }));
    const [{ at }] = await session.query(
      "select pg_current_wal_insert_lsn() as at",
    );
    const start = performance.now();
    await session.query(`select length(public.record_${log}($1)::text)`, [
      batch,
    ]);
    const time = performance.now() - start;
    const [{ bytes }] = await session.query(
      `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '${at}')::int as bytes`,
    );
    return { time, bytes };
  };
  const times = { without: [] as number[], with: [] as number[] };
  const bytes = { without: [] as number[], with: [] as number[] };
  let size = "";
  for (let turn = 0; turn < TURNS; turn++) {
    for (const side of ["without", "with"] as const) {
      await session.as(SERVICE, async () => {
        if (side === "with") size = await indexSize(session, choice);
        await record();
        for (let batch = 0; batch < BATCHES; batch++) {
          const one = await record();
          times[side].push(one.time);
          bytes[side].push(one.bytes);
        }
      }, choice[side]);
    }
  }
  const [without, withIt] = [toFigure(times.without), toFigure(times.with)];
  const wal = [toFigure(bytes.without), toFigure(bytes.with)]
    .map(({ median }) => `${Math.round(median / 1024)} KiB`);
  return [
    choice.name,
    size,
    show(without),
    show(withIt),
    ratio(withIt, without),
    wal.join(" → "),
  ];
}

/** The index is its name in the migration, or the candidate. */
async function indexSize(session: Session, { name }: Choice): Promise<string> {
  const [{ size }] = await session.query(
    "select pg_size_pretty(pg_relation_size(to_regclass($1))) as size",
    [`public.${name.startsWith("idx_") ? name : "candidate"}`],
  );
  return size;
}
