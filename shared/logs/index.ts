import { auditLog } from "./audit-log.ts";
import { llmUsageLog } from "./llm-usage-log.ts";
import { modelUsageLog } from "./model-usage-log.ts";
import { toolUsageLedger } from "./tool-usage-ledger.ts";

/** The registry of logs. Every other list of logs is derived from it. */
export const LOGS = [
  llmUsageLog,
  toolUsageLedger,
  modelUsageLog,
  auditLog,
] as const;

/** A log of the registry; its type has the slug and the table as literals. */
export type RegisteredLog = (typeof LOGS)[number];

/** A log by the slug of its endpoint. */
export type LogSlug = RegisteredLog["slug"];

/** A log by its table, in the schema public. */
export type LogName = RegisteredLog["table"];

/** Every log by its slug, in the registry's order. */
export const LOGS_BY_SLUG = Object.fromEntries(
  LOGS.map((log) => [log.slug, log]),
) as Record<LogSlug, RegisteredLog>;

/** Every log by its table, in the registry's order. */
export const LOGS_BY_NAME = Object.fromEntries(
  LOGS.map((log) => [log.table, log]),
) as Record<LogName, RegisteredLog>;

/** The slugs of all logs, in the registry's order. */
export const LOG_SLUGS: readonly LogSlug[] = LOGS.map(({ slug }) => slug);

/** The tables of all logs, in the registry's order. */
export const LOG_NAMES: readonly LogName[] = LOGS.map(({ table }) => table);

/** Whether a value is the slug of a log. */
export function isLogSlug(value: unknown): value is LogSlug {
  return typeof value === "string" && Object.hasOwn(LOGS_BY_SLUG, value);
}

/** Whether a value is the table of a log. */
export function isLogName(value: unknown): value is LogName {
  return typeof value === "string" && Object.hasOwn(LOGS_BY_NAME, value);
}
