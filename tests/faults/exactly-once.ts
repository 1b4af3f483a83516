/**
 * The check at the end of every run: the log has each sent event once. It is the
 * same for the simulated store and for PostgreSQL.
 *
 * @module
 */
import type postgres from "postgres";
import type { EventOutcome } from "./retrying-client.ts";

/** An event as it was sent. */
export interface Sent {
  /** Null when the endpoint makes the id. */
  id: string | null;
  /** What tells events apart that have no id: `input_tokens`. */
  mark: number;
  /** Six decimals. */
  cost: string;
}

/** A row of llm_usage_log, as text. */
export interface Recorded {
  id: string;
  mark: number;
  cost: string;
}

/** The first fault of the rows, given the sent events; null when there is none. */
export function findFault(
  sent: readonly Sent[],
  rows: readonly Recorded[],
): string | null {
  const wanted = new Map(sent.map((event) => [event.mark, event]));
  const found = new Set<number>();
  const ids = new Set<string>();
  for (const { id, mark, cost } of rows) {
    const event = wanted.get(mark);
    if (!event) return `event ${mark} is recorded, but was not sent`;
    if (found.has(mark)) return `event ${mark} is recorded twice`;
    if (ids.has(id)) return `the id of event ${mark} is there twice`;
    if (event.id !== null && event.id !== id) {
      return `event ${mark} is recorded under another id`;
    }
    if (event.cost !== cost) return `event ${mark} costs ${cost}`;
    found.add(mark);
    ids.add(id);
  }
  const lost = sent.find(({ mark }) => !found.has(mark));
  return lost ? `event ${lost.mark} is lost` : null;
}

/** The first wrong outcome; null when all are correct. */
export function findFalseOutcome(
  outcomes: readonly EventOutcome[],
  rows: readonly Recorded[],
): string | null {
  const stored = new Set(rows.map(({ id }) => id));
  const first = new Set<string>();
  for (const { id, outcome } of outcomes) {
    if (outcome !== "recorded" && outcome !== "duplicate") {
      return `an event has the outcome ${outcome}`;
    }
    if (!stored.has(id!)) return `an acknowledged event is lost`;
    if (outcome === "recorded" && first.has(id!)) {
      return `the same event has two recorded outcomes`;
    }
    if (outcome === "recorded") first.add(id!);
  }
  return null;
}

/** The rows of llm_usage_log whose events have marks from `from` on and below `to`. */
export async function readRecorded(
  sql: postgres.Sql,
  from = 0,
  to = 2 ** 31 - 1,
): Promise<Recorded[]> {
  return [
    ...await sql<Recorded[]>`
      select id, input_tokens as mark, cost_usd::text as cost
      from public.llm_usage_log
      where input_tokens >= ${from} and input_tokens < ${to}`,
  ];
}

/**
 * The first fault of a log in SQL: ids, sum, details, and evidence, of which each
 * row has exactly one leaf, pending or sealed.
 */
export async function findFaultInLog(
  sql: postgres.Sql,
  table: string,
  sent: readonly { id: string; cost?: string }[],
): Promise<string | null> {
  // As JSON, because a new connection has not loaded the array types.
  const list = JSON.stringify(sent.map(({ id, cost = "0" }) => ({ id, cost })));
  const log = sql(`public.${table}`);
  const cost = COST_COLUMNS[table] ? sql(COST_COLUMNS[table]) : sql`0`;
  const [found] = await sql`
    with sent as materialized (
      select s.id, s.cost
      from json_to_recordset(${list}::text::json) s (id uuid, cost numeric)
    ), leaf as materialized (
      select l.row_id, count(*) as leaves
      from (
        select p.row_id, p.log, p.kind from ledger.pending_leaves p
        union all
        select s.row_id, s.log, s.kind from ledger.leaves s
      ) l
      where l.kind = 'row' and l.log = ${table}
      group by l.row_id
    )
    select
      (select count(*)::int from (select id from sent except select id from ${log}) x) as lost,
      (select count(*)::int from (select id from ${log} except select id from sent) x) as not_sent,
      (select count(*)::int from ${log}) - (select count(distinct id)::int from sent) as surplus,
      (select trim_scale(coalesce(sum(${cost}), 0))::text from ${log}) as recorded_sum,
      (select trim_scale(coalesce(sum(s.cost), 0))::text from sent s) as sent_sum,
      (select count(*)::int from ${log} r full join leaf l on l.row_id = r.id
        where l.leaves is distinct from 1 or r.id is null) as without_evidence`;
  const { lost, not_sent, surplus, recorded_sum, sent_sum, without_evidence } =
    found;
  if (lost > 0) return `${lost} events are lost`;
  if (not_sent > 0) return `${not_sent} rows were not sent`;
  if (surplus !== 0) return `${surplus} rows too many`;
  if (recorded_sum !== sent_sum) {
    return `the sum is ${recorded_sum}, of what was sent ${sent_sum}`;
  }
  if (without_evidence > 0) {
    return `${without_evidence} rows or leaves without their counterpart`;
  }
  if (table !== "llm_usage_log") return null;
  const [{ bare }] = await sql`
    select count(*)::int as bare from public.llm_usage_log l
    full join public.llm_usage_details d on d.id = l.id
    where l.id is null or d.id is null`;
  return bare > 0 ? `${bare} rows or details without their counterpart` : null;
}

const COST_COLUMNS: Record<string, string> = {
  llm_usage_log: "cost_usd",
  tool_usage_ledger: "cost_usd",
};
