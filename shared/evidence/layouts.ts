import {
  type ColumnType,
  erasable,
  type LeafColumn,
  type Member,
  plain,
  reference,
} from "../logs/leaf-columns.ts";

/**
 * The columns of every log, without `id`, in the order of the table. A column
 * is committed where its value may have to be forgotten: references that are
 * set to NULL, and what may hold personal data. A change of a layout needs new
 * kinds of leaves (`row/v2`).
 */
export const layouts = {
  llm_usage_log: [
    plain("firm_id", "uuid"),
    reference("cma_project_id"),
    plain("model", "text"),
    plain("task_type", "text"),
    plain("input_tokens", "integer"),
    plain("output_tokens", "integer"),
    plain("cost_usd", "numeric"),
    plain("latency_ms", "integer"),
    plain("success", "boolean"),
    erasable("error_message", "text"),
    plain("created_at", "timestamptz"),
  ],
  audit_log: [
    plain("firm_id", "uuid"),
    reference("user_id"),
    plain("action", "text"),
    plain("entity_type", "text"),
    erasable("entity_id", "uuid"),
    erasable("metadata", "jsonb"),
    erasable("ip_address", "text"),
    plain("created_at", "timestamptz"),
  ],
  tool_usage_ledger: [
    plain("agent_id", "uuid"),
    plain("venture_id", "uuid"),
    plain("tool_id", "uuid"),
    plain("tokens_consumed", "integer"),
    plain("cost_usd", "numeric"),
    plain("execution_ms", "integer"),
    plain("created_at", "timestamptz"),
  ],
  model_usage_log: [
    plain("session_id", "text"),
    plain("sd_id", "text"),
    plain("phase", "text"),
    plain("subagent_type", "text"),
    plain("subagent_configured_model", "text"),
    plain("reported_model_name", "text"),
    plain("reported_model_id", "text"),
    plain("config_matches_reported", "boolean"),
    plain("captured_at", "timestamptz"),
    erasable("metadata", "jsonb"),
  ],
} as const satisfies Record<string, readonly LeafColumn[]>;

/** A log by its table, in the schema public. */
export type LogName = keyof typeof layouts;

/** The columns of a log that its leaves commit to, in the order of the table. */
export const committedColumns: Record<LogName, readonly LeafColumn[]> = {
  llm_usage_log: layouts.llm_usage_log.filter(isCommitted),
  audit_log: layouts.audit_log.filter(isCommitted),
  tool_usage_ledger: layouts.tool_usage_ledger.filter(isCommitted),
  model_usage_log: layouts.model_usage_log.filter(isCommitted),
};

/** Whether a value names a log. */
export function isLogName(value: unknown): value is LogName {
  return typeof value === "string" && Object.hasOwn(layouts, value);
}

/** The forms of a member; text and jsonb may be anything. */
const FORMS: Record<ColumnType, RegExp | null> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  text: null,
  integer: /^(0|-?[1-9]\d*)$/,
  numeric: /^(-?\d+(\.\d+)?|NaN)$/,
  boolean: /^(true|false)$/,
  timestamptz: /^(0|-?[1-9]\d*|-?infinity)$/,
  jsonb: null,
};

/** Whether a value could be the member of a column of this type. */
export function isMember(type: ColumnType, value: unknown): value is Member {
  if (value === null) return true;
  return typeof value === "string" && (FORMS[type]?.test(value) ?? true);
}

function isCommitted({ committed }: LeafColumn): boolean {
  return committed;
}
