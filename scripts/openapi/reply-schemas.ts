import * as z from "zod";
import type { Issue } from "../../shared/issue.ts";
import { BUCKETS, PARAMETERS } from "../../shared/http/parameters.ts";
import {
  type Problem,
  type ProblemCode,
  PROBLEMS,
} from "../../shared/http/problem.ts";
import type { Outcome, Warning } from "../../shared/ingest/results.ts";
import { MAX_FAULTS } from "../../shared/limits.ts";
import type { Log, Measure } from "../../shared/logs/log.ts";
import {
  columnSchema,
  nameOf,
  rowSchema,
  toParameterSchema,
} from "./schemas.ts";

const fault = z.object({
  pointer: z.string().describe(
    'JSON Pointer into the event; "" is the event itself',
  ),
  code: z.string().describe("Stable and machine-readable"),
  detail: z.string().describe("The issue and the remedy"),
}) satisfies z.ZodType<Issue>;

const problem = z.object({
  type: z.string().meta({ format: "uri" }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(PROBLEMS) as ProblemCode[])
    .describe("Stable and machine-readable"),
  errors: z.array(fault).max(MAX_FAULTS).optional()
    .describe("All issues of an event"),
  fields: z.array(z.string()).optional()
    .describe("For a conflict: the columns whose content differs"),
}).describe("A problem document (RFC 9457)") satisfies z.ZodType<Problem>;

const outcome: z.ZodType<Outcome> = z.enum([
  "recorded",
  "duplicate",
  "conflict",
  "rejected",
]);

const count = z.int().describe("Events with this outcome");

const warning = z.object({
  code: z.string().describe("Stable and machine-readable"),
  detail: z.string(),
}).describe(
  "A notice about a recorded event",
) satisfies z.ZodType<Warning>;

const batchResult = z.object({
  recorded: count,
  duplicate: count,
  conflict: count,
  rejected: count,
  results: z.array(z.object({
    index: z.int().describe("Place in the request, from 0"),
    id: z.guid().nullable()
      .describe(
        "The row's id; null for an event that came without one and was rejected",
      ),
    outcome,
    problem: problem.optional(),
    warnings: z.array(warning).optional(),
  })).describe("One per event, in the order of the request"),
});

/** The response schemas of every log. */
export const SHARED_REPLIES: Record<string, z.ZodType> = {
  Fault: fault,
  Problem: problem,
  Warning: warning,
  BatchResult: batchResult,
};

/** The name of the schema of a recorded row with its warnings. */
export function recordedName(log: Log): string {
  return nameOf(log) + (log.warnings ? "RecordedRow" : "Row");
}

/** The response schemas of one log, by name. */
export function replySchemas(log: Log): Record<string, z.ZodType> {
  const name = nameOf(log);
  const row = rowSchema(log);
  const page = z.object({
    rows: z.array(row),
    has_more: z.boolean(),
    next_cursor: z.string().nullable()
      .describe("For the next page; in ascending order also for later rows"),
  });
  const totals = z.object({
    count: z.int().describe("Rows"),
    ...Object.fromEntries(
      Object.entries(measuresOf(log)).map((
        [column, { schema }],
      ) => [column, schema]),
    ),
  });
  const group = z.object({ ...groupKeys(log), ...totals.shape })
    .describe("The values of group_by with the measures of their rows");
  const summary = z.object({
    from: PARAMETERS.time,
    to: PARAMETERS.time,
    tz: z.string(),
    ...log.rated && { as_of: PARAMETERS.as_of },
    group_by: z.array(z.enum([...BUCKETS, ...log.groups])),
    totals,
    groups: z.array(group),
    group_count: z.int().describe("The number of all groups"),
    truncated: z.boolean().describe("Whether groups are missing"),
  });
  const recorded = row.extend({
    warnings: z.array(warning).optional()
      .describe(`Their codes: ${Object.keys(log.warnings ?? {}).join(", ")}`),
  });
  return {
    [`${name}Row`]: row,
    ...log.warnings && { [recordedName(log)]: recorded },
    [`${name}Page`]: page,
    [`${name}Totals`]: totals,
    [`${name}Group`]: group,
    [`${name}Summary`]: summary,
  };
}

function groupKeys(log: Log): Record<string, z.ZodType> {
  const start = z.iso.datetime({ offset: true }).optional();
  return Object.fromEntries([
    ...BUCKETS.map((bucket) => [bucket, start]),
    ...log.groups.map((
      column,
    ) => [column, columnSchema(log, column).optional()]),
  ]);
}

/** The measures of one column, by the suffix of their name. */
type ColumnMeasures = Record<string, {
  schema: z.ZodType;
  /** The measure of a single row with this value. */
  singleRowValue: (value: unknown) => unknown;
}>;

const SHARE = z.number().nullable()
  .describe("From 0 to 1; null if no row has a value");

const PERCENTILE = z.int().nullable().describe("Null if no row has a value");

const COUNT = z.int();

const TRUTH: ColumnMeasures = {
  _true: { schema: COUNT, singleRowValue: (value) => Number(value === true) },
  _false: { schema: COUNT, singleRowValue: (value) => Number(value === false) },
  _true_rate: {
    schema: SHARE,
    singleRowValue: (value) => Number(value === true),
  },
  _false_rate: {
    schema: SHARE,
    singleRowValue: (value) => Number(value === false),
  },
};

const SUM: ColumnMeasures = {
  "": { schema: z.int().describe("The sum"), singleRowValue: (value) => value },
};

const PERCENTILES: ColumnMeasures = Object.fromEntries(
  ["_p50", "_p95", "_p99"].map((suffix) => [
    suffix,
    { schema: PERCENTILE, singleRowValue: (value) => value },
  ]),
);

const EXACT_SUM: ColumnMeasures = {
  "": {
    schema: z.string().meta({
      format: "decimal",
      description: "The exact sum",
    }),
    singleRowValue: (value) => value,
  },
};

/** The measures of a summary besides the count, as `summarise_log` names them. */
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
    .map(([suffix, { schema, singleRowValue }]) => [
      column + suffix,
      { schema, singleRowValue: (row) => singleRowValue(row[column]) },
    ]);
}

/** The measures of a column, by its type and name. */
function measureOf(column: string, schema: z.ZodType): ColumnMeasures {
  const present = schema instanceof z.ZodNullable ? schema.unwrap() : schema;
  const { type, format } = toParameterSchema(present as z.ZodType);
  if (type === "boolean") return TRUTH;
  if (format === "decimal") return EXACT_SUM;
  if (type === "integer") return column.endsWith("_ms") ? PERCENTILES : SUM;
  return {};
}
