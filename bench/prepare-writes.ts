/**
 * Ways to write rows of a log, each with its events made and serialised before the
 * clock starts.
 *
 * @module
 */
import { makeBatch, type Sample } from "./sample-events.ts";
import type { Session } from "./session.ts";

/** Writes once. */
export type Run = () => Promise<unknown>;

/** Events of a batch. */
export const BATCH = 1_000;

const copyFile = Deno.makeTempFileSync();
// The server may run as another user.
Deno.chmodSync(copyFile, 0o644);
globalThis.addEventListener("unload", () => Deno.removeSync(copyFile));

/** A call of the record function; a thousand events when `size` does not say. */
export function prepareRecord(
  session: Session,
  sample: Sample,
  size = BATCH,
): Run {
  const batch = JSON.stringify(makeBatch(sample, size));
  return async () => {
    const [{ results }] = await session.sql.unsafe(
      `select public.record_${sample.table}($1::text::jsonb)::text as results`,
      [batch],
      { prepare: true },
    );
    if (/"(conflict|rejected)"/.test(results)) throw new Error(results);
  };
}

/** One INSERT, prepared, into the log alone. */
export function prepareInsert(
  session: Session,
  sample: Sample,
  size: number,
): Run {
  const { text, parameters } = writeInsert(
    sample.table,
    makeBatch(sample, size),
  );
  return () => session.sql.unsafe(text, parameters, { prepare: true });
}

/** The same, with what a call of a model consists of beyond its row in the log. */
export function prepareInsertWithDetails(
  session: Session,
  sample: Sample,
): Run {
  const batch = makeBatch(sample, BATCH);
  const log = writeInsert(sample.table, batch);
  const details = writeInsert(
    "llm_usage_details",
    batch.map((event) => ({
      id: event.id,
      firm_id: event.firm_id,
      provider: "anthropic",
      service_tier: "standard",
      uncached_input_tokens: event.input_tokens,
      cache_read_tokens: 0,
      cache_write_5m_tokens: 0,
      cache_write_1h_tokens: 0,
      visible_output_tokens: event.output_tokens,
      reasoning_tokens: 0,
      other_units: {},
      cost_source: "reported",
      cost_usd_exact: event.cost_usd,
      reported_cost_usd: event.cost_usd,
      computed_cost_usd: event.cost_usd,
      cost_is_floor: false,
      cost_differs: false,
    })),
    log.parameters.length,
  );
  const text = `with log as (${log.text}) ${details.text}`;
  const parameters = [...log.parameters, ...details.parameters];
  return () => session.sql.unsafe(text, parameters, { prepare: true });
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

/** From a file on the server, which is the fastest that there is. */
export function prepareCopy(
  session: Session,
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
  return () => session.query(text);
}
