/**
 * Events of every log, and the ways in which they come.
 *
 * @module
 */
import type { LogName } from "../../shared/logs/index.ts";
import type { Query } from "../support/databases.ts";
import type { ParentRows } from "../support/log-rows.ts";

/** An event of a log, or the columns of an INSERT. */
export type Event = Record<string, unknown>;

/** An event of each log. */
export const events = (w: ParentRows): Record<LogName, Event> => ({
  llm_usage_log: {
    firm_id: w.firm1,
    cma_project_id: w.project1,
    model: "gemini-2.0-flash",
    task_type: "extraction",
    input_tokens: 1200,
    output_tokens: 80,
    cost_usd: "0.000124",
    success: false,
    error_message: 'Tab\t, "quotes" and 💶',
    created_at: "2026-10-05T09:30:00.123456+02:00",
  },
  audit_log: {
    firm_id: w.firm1,
    user_id: w.user1,
    action: "upload_file",
    entity_type: "cma_project",
    entity_id: w.project1,
    metadata: { zebra: 1, a: ["ä", null] },
    ip_address: "2001:db8::7",
  },
  tool_usage_ledger: {
    agent_id: w.agent,
    tool_id: w.tool,
    venture_id: w.venture,
    tokens_consumed: -70,
    cost_usd: "-0.5",
  },
  model_usage_log: {
    session_id: "line 1\nline 2",
    phase: "EXEC",
    reported_model_name: "Opus",
    reported_model_id: "opus-1",
    config_matches_reported: true,
    metadata: { share: 1.50 },
  },
});

/** Calls a log's record function; `options` are further arguments in SQL. */
export async function record(
  query: Query,
  log: LogName,
  list: Event[],
  options = "",
): Promise<{ id: string; outcome: string }[]> {
  const [{ results }] = await query<
    { results: { id: string; outcome: string }[] }
  >(`select public.record_${log}($1::text::jsonb${options}) as results`, [
    JSON.stringify(list),
  ]);
  return results;
}

/** The parts of `insert into log (names) values (places)`. */
export const columnsOf = (event: Event) => ({
  names: Object.keys(event).join(", "),
  values: Object.values(event),
  places: (first = 1) =>
    Object.keys(event).map((_, at) => `$${first + at}`).join(", "),
});
