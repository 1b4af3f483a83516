/**
 * Ways to write rows of a log, each with its events made and serialised before the
 * clock starts.
 *
 * @module
 */
import type postgres from "postgres";
import { makeBatch, type Sample, toDetails } from "./sample-events.ts";

/** Writes once. */
export type Run = () => Promise<unknown>;

/** Events of a batch. */
export const BATCH = 1_000;

const copyFile = Deno.makeTempFileSync();
// The server may run as another user.
Deno.chmodSync(copyFile, 0o644);
globalThis.addEventListener("unload", () => Deno.removeSync(copyFile));

/** A call of the record function. */
export function prepareRecord(
  sql: postgres.Sql,
  sample: Sample,
  size = BATCH,
): Run {
  const batch = JSON.stringify(makeBatch(sample, size));
  return async () => {
    const [{ results }] = await sql.unsafe(
      `select public.record_${sample.table}($1::text::jsonb)::text as results`,
      [batch],
      { prepare: true },
    );
    if (/"(conflict|rejected)"/.test(results)) throw new Error(results);
  };
}

/** One INSERT, prepared, into the log alone. */
export function prepareInsert(
  sql: postgres.Sql,
  sample: Sample,
  size: number,
): Run {
  const { text, parameters } = writeInsert(
    sample.table,
    makeBatch(sample, size),
  );
  return () => sql.unsafe(text, parameters, { prepare: true });
}

/** The same, with the details of each call of a model. */
export function prepareInsertWithDetails(
  sql: postgres.Sql,
  sample: Sample,
): Run {
  const batch = makeBatch(sample, BATCH);
  const log = writeInsert(sample.table, batch);
  const details = writeInsert(
    "llm_usage_details",
    batch.map(toDetails),
    log.parameters.length,
  );
  const text = `with log as (${log.text}) ${details.text}`;
  const parameters = [...log.parameters, ...details.parameters];
  return () => sql.unsafe(text, parameters, { prepare: true });
}

function writeInsert(
  table: string,
  events: Record<string, unknown>[],
  taken = 0,
): { text: string; parameters: never[] } {
  const rows = events.map(Object.values);
  const tuples = rows.map((row, index) =>
    `(${row.map((_, column) => `$${taken + index * row.length + column + 1}`)})`
  );
  const names = Object.keys(events[0]);
  return {
    text: `insert into public.${table} (${names}) values ${tuples}`,
    parameters: rows.flat() as never[],
  };
}

/** COPY from a file on the server, the fastest way. */
export function prepareCopy(
  sql: postgres.Sql,
  sample: Sample,
  size: number,
): Run {
  const lines = makeBatch(sample, size).map((event) =>
    Object.values(event).map((value) =>
      typeof value === "object" ? JSON.stringify(value) : String(value)
    ).join("\t") + "\n"
  );
  Deno.writeTextFileSync(copyFile, lines.join(""));
  const names = Object.keys(sample.make());
  const text = `copy public.${sample.table} (${names}) from '${copyFile}'`;
  return () => sql.unsafe(text);
}
