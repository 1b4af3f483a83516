import type { Log, LogEvent } from "./log.ts";

/** jsonb does not keep the order of keys; replies follow the documented one. */
export function orderRow(log: Log, row: LogEvent): LogEvent {
  return Object.fromEntries(log.columns.map((column) => [column, row[column]]));
}
