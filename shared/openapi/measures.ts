import * as z from "zod";
import type { Log } from "../logs/log.ts";
import { toParameterSchema } from "./schemas.ts";

/** How `summarise_log` measures a column; its type and name decide. */
export type Measure = {
  schema: z.ZodType;
  /** What is measured of a single row with this value. */
  ofOne: (value: unknown) => unknown;
};

const SHARE = z.number().nullable()
  .describe("From 0 to 1; null when there is no value");

const PERCENTILE = z.int().nullable().describe("Null when there is no value");

const TRUTH: Measure = {
  schema: z.object({
    true: z.int(),
    false: z.int(),
    true_rate: SHARE,
    false_rate: SHARE,
  }),
  ofOne: (value) => ({
    true: Number(value === true),
    false: Number(value === false),
    true_rate: Number(value === true),
    false_rate: Number(value === false),
  }),
};

const SUM: Measure = {
  schema: z.int().describe("The sum"),
  ofOne: (value) => value,
};

const PERCENTILES: Measure = {
  schema: z.object({ p50: PERCENTILE, p95: PERCENTILE, p99: PERCENTILE }),
  ofOne: (value) => ({ p50: value, p95: value, p99: value }),
};

const EXACT_SUM: Measure = {
  schema: z.string().meta({ format: "decimal", description: "The exact sum" }),
  ofOne: (value) => value,
};

/** What a summary tells besides the count, column by column. */
export function measuresOf(log: Log): Record<string, Measure> {
  const measures: Record<string, Measure> = {};
  for (const column of log.columns) {
    const measure = measureOf(column, log.event.shape[column] as z.ZodType);
    if (measure !== null) measures[column] = measure;
  }
  return measures;
}

function measureOf(column: string, schema: z.ZodType): Measure | null {
  const { type, format } = toParameterSchema(schema);
  if (type === "boolean") return TRUTH;
  if (format === "decimal") return EXACT_SUM;
  if (type === "integer") return column.endsWith("_ms") ? PERCENTILES : SUM;
  return null;
}
