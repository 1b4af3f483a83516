import * as z from "zod";
import type { Log, Measure } from "../logs/log.ts";
import { columnSchema } from "./row-schema.ts";
import { toParameterSchema } from "./schemas.ts";

/** Figures of one column, by what follows the column's name. */
type ColumnMeasures = Record<string, {
  schema: z.ZodType;
  /** The figure of a single row with this value in the column. */
  ofOne: (value: unknown) => unknown;
}>;

const SHARE = z.number().nullable()
  .describe("From 0 to 1; null if no row has a value");

const PERCENTILE = z.int().nullable().describe("Null if no row has a value");

const COUNT = z.int();

const TRUTH: ColumnMeasures = {
  _true: { schema: COUNT, ofOne: (value) => Number(value === true) },
  _false: { schema: COUNT, ofOne: (value) => Number(value === false) },
  _true_rate: { schema: SHARE, ofOne: (value) => Number(value === true) },
  _false_rate: { schema: SHARE, ofOne: (value) => Number(value === false) },
};

const SUM: ColumnMeasures = {
  "": { schema: z.int().describe("The sum"), ofOne: (value) => value },
};

const PERCENTILES: ColumnMeasures = Object.fromEntries(
  ["_p50", "_p95", "_p99"].map((suffix) => [
    suffix,
    { schema: PERCENTILE, ofOne: (value) => value },
  ]),
);

const EXACT_SUM: ColumnMeasures = {
  "": {
    schema: z.string().meta({
      format: "decimal",
      description: "The exact sum",
    }),
    ofOne: (value) => value,
  },
};

/** What a summary tells besides the count, as `summarise_log` names it. */
export function measuresOf(log: Log): Record<string, Measure> {
  return Object.fromEntries(
    log.columns.flatMap((column) =>
      log.measures?.[column]
        ? Object.entries(log.measures[column])
        : measuresOfColumn(log, column)
    ),
  );
}

function measuresOfColumn(log: Log, column: string): [string, Measure][] {
  return Object.entries(measureOf(column, columnSchema(log, column)))
    .map(([suffix, { schema, ofOne }]) => [
      column + suffix,
      { schema, ofOne: (row) => ofOne(row[column]) },
    ]);
}

/** A column's type and name decide how it is measured. */
function measureOf(column: string, schema: z.ZodType): ColumnMeasures {
  const present = schema instanceof z.ZodNullable ? schema.unwrap() : schema;
  const { type, format } = toParameterSchema(present as z.ZodType);
  if (type === "boolean") return TRUTH;
  if (format === "decimal") return EXACT_SUM;
  if (type === "integer") return column.endsWith("_ms") ? PERCENTILES : SUM;
  return {};
}
