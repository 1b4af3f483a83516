import * as z from "zod";
import type { Log } from "../logs/log.ts";

/**
 * A row as replies write it, derived from what an event must look like: what the
 * event requires is never null, nor are the id and the time.
 */
export function rowSchema(log: Log): z.ZodObject<Record<string, z.ZodType>> {
  return z.object(Object.fromEntries(
    log.columns.map((column) => [column, columnSchema(log, column)]),
  )).describe(`A row of ${log.table}. ${log.description}`);
}

/** One column of a row. */
export function columnSchema(log: Log, column: string): z.ZodType {
  if (log.row?.[column]) return log.row[column];
  const schema = log.event.shape[column] as z.ZodType;
  if (!(schema instanceof z.ZodOptional)) return schema;
  const present = schema.unwrap() as z.ZodType;
  return column === "id" || column === log.timeColumn
    ? present
    : z.nullable(present);
}
