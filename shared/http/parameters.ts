import * as z from "zod";
import type { Selection } from "../db/read-log.ts";
import {
  DEFAULT_PAGE_ROWS,
  MAX_FILTER_VALUES,
  MAX_GROUP_BY,
  MAX_PAGE_ROWS,
  MAX_SUMMARY_DAYS,
} from "../limits.ts";
import { booleanParameter } from "../logs/fields.ts";
import type { Log } from "../logs/log.ts";
import { createProblem, ProblemError } from "./problem.ts";

/** The query parameters of a list. */
export type ListParameters = {
  selection: Selection;
  ascending: boolean;
  /** Null without the parameter. */
  limit: number | null;
  cursor: string | null;
};

/** The query parameters of a summary. */
type SummaryParameters = {
  selection: Selection & { from: string; to: string };
  /** Columns to group by. */
  groups: string[];
  /** A time bucket to group by. */
  bucket: string | null;
  zone: string;
  /** Which ratings count: `charged` (none), `latest`, or those until a timestamp. */
  asOf: string;
};

/** The time buckets of a summary. */
export const BUCKETS = ["hour", "day", "week", "month"];

/** Schemas of the parameters of every log; the OpenAPI documents show them. */
export const PARAMETERS = {
  atomic: booleanParameter(),
  limit: z.string().regex(
    /^[1-9]\d{0,8}$/,
    `Expected an integer from 1 to ${MAX_PAGE_ROWS}`,
  ),
  order: z.enum(["asc", "desc"], "Expected asc or desc"),
  cursor: z.string().max(1024, "Expected the next_cursor of a page"),
  time: z.union(
    [
      z.iso.datetime({ offset: true }),
      z.iso.date(),
    ],
    "Expected a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z",
  ),
  as_of: z.union(
    [z.enum(["charged", "latest"]), z.iso.datetime({ offset: true })],
    "Expected charged, latest, or a time such as 2026-01-31T12:00:00Z",
  ),
  tz: z.string().regex(/^[A-Za-z_]+(?:\/[\w+-]+){0,2}$/).refine(
    isTimeZone,
    "Expected an IANA time zone such as Europe/Berlin",
  ),
};

/**
 * Reads the query of a POST of events.
 *
 * @throws {ProblemError} 400 that names an unknown or malformed parameter.
 */
export function readRecordParameters(
  query: URLSearchParams,
): { atomic: boolean } {
  requireKnown(query, ["atomic"]);
  return { atomic: readOne(query, "atomic", PARAMETERS.atomic) === "true" };
}

/**
 * Reads the query of a list or an export.
 *
 * @throws {ProblemError} 400 that names an unknown or malformed parameter.
 */
export function readListParameters(
  log: Log,
  query: URLSearchParams,
): ListParameters {
  requireKnown(query, [...selectionNames(log), "limit", "order", "cursor"]);
  const limit = readOne(query, "limit", PARAMETERS.limit);
  return {
    selection: readSelection(log, query),
    ascending: readOne(query, "order", PARAMETERS.order) === "asc",
    limit: limit === null ? null : Number(limit),
    cursor: readOne(query, "cursor", PARAMETERS.cursor),
  };
}

/**
 * Rows of a JSON page: `limit`, or the default.
 *
 * @throws {ProblemError} 400 above `MAX_PAGE_ROWS`.
 */
export function pageRows(limit: number | null): number {
  if (limit === null) return DEFAULT_PAGE_ROWS;
  if (limit <= MAX_PAGE_ROWS) return limit;
  throw refuseParameter(
    "limit",
    `exceeds ${MAX_PAGE_ROWS}; export all rows as text/csv or application/x-ndjson instead`,
  );
}

/**
 * Reads the query of a summary, which requires `from` and `to`.
 *
 * @throws {ProblemError} 400 that names an unknown or malformed parameter.
 */
export function readSummaryParameters(
  log: Log,
  query: URLSearchParams,
): SummaryParameters {
  requireKnown(query, [
    ...selectionNames(log),
    "group_by",
    "tz",
    ...log.rated ? ["as_of"] : [],
  ]);
  return {
    selection: readRange(log, query, "a summary"),
    ...readGroups(log, query),
    zone: readOne(query, "tz", PARAMETERS.tz) ?? "UTC",
    asOf: readOne(query, "as_of", PARAMETERS.as_of) ?? "charged",
  };
}

/**
 * Reads the query of a rating, which requires `from` and `to`.
 *
 * @throws {ProblemError} 400 that names an unknown or malformed parameter.
 */
export function readRatingParameters(
  log: Log,
  query: URLSearchParams,
): Selection & { from: string; to: string } {
  const names = selectionNames(log).filter((name) => !name.startsWith("min_"));
  requireKnown(query, names);
  return readRange(log, query, "a rating");
}

/** A selection with the required `from` and `to`, at most `MAX_SUMMARY_DAYS` apart. */
function readRange(
  log: Log,
  query: URLSearchParams,
  operation: string,
): Selection & { from: string; to: string } {
  const { from, to, ...selection } = readSelection(log, query);
  if (from === null) {
    throw refuseParameter("from", `is required in ${operation}`);
  }
  if (to === null) throw refuseParameter("to", `is required in ${operation}`);
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  if (days > MAX_SUMMARY_DAYS) {
    throw refuseParameter(
      "to",
      `is more than ${MAX_SUMMARY_DAYS} days after from; narrow the range`,
    );
  }
  return { ...selection, from, to };
}

function selectionNames(log: Log): string[] {
  const minimums = Object.keys(log.minimums).map((column) => `min_${column}`);
  return [...Object.keys(log.filters), ...minimums, "from", "to"];
}

function readSelection(log: Log, query: URLSearchParams): Selection {
  const filters: Selection["filters"] = {};
  for (const [column, schema] of Object.entries(log.filters)) {
    const values = readAll(query, column, schema);
    if (values.length > MAX_FILTER_VALUES) {
      throw refuseParameter(
        column,
        `has more than ${MAX_FILTER_VALUES} values; split the request`,
      );
    }
    if (values.length > 0) filters[column] = values;
  }
  const minimums: Selection["minimums"] = {};
  for (const [column, schema] of Object.entries(log.minimums)) {
    const value = readOne(query, `min_${column}`, schema);
    if (value !== null) minimums[column] = value;
  }
  const from = readOne(query, "from", PARAMETERS.time);
  const to = readOne(query, "to", PARAMETERS.time);
  if (from !== null && to !== null && Date.parse(from) >= Date.parse(to)) {
    throw refuseParameter("to", "must be later than from");
  }
  return { filters, minimums, from, to };
}

function readGroups(
  log: Log,
  query: URLSearchParams,
): Pick<SummaryParameters, "groups" | "bucket"> {
  const names = query.getAll("group_by").flatMap((value) => value.split(","));
  const known = [...log.groups, ...BUCKETS];
  if (names.some((name) => !known.includes(name))) {
    throw refuseParameter("group_by", `takes only ${known.join(", ")}`);
  }
  if (new Set(names).size !== names.length || names.length > MAX_GROUP_BY) {
    throw refuseParameter(
      "group_by",
      `takes at most ${MAX_GROUP_BY} values, all different`,
    );
  }
  const buckets = names.filter((name) => BUCKETS.includes(name));
  if (buckets.length > 1) {
    throw refuseParameter(
      "group_by",
      `takes only one of ${BUCKETS.join(", ")}`,
    );
  }
  const groups = names.filter((name) => !BUCKETS.includes(name));
  return { groups, bucket: buckets[0] ?? null };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Parameters that the platform reads from a function's URL. */
const PLATFORM = new Set(["forceFunctionRegion"]);

/** A 400 that names a query parameter, never its value; `issue` completes the sentence. */
export function refuseParameter(name: string, issue: string): ProblemError {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return new ProblemError(
    createProblem("invalid_parameter", `The query parameter ${shown} ${issue}`),
  );
}

/**
 * Refuses parameters that are not in `known`.
 *
 * @throws {ProblemError} 400 that names the first of them.
 */
export function requireKnown(query: URLSearchParams, known: string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name) && !PLATFORM.has(name)) {
      throw refuseParameter(
        name,
        known.length === 0
          ? "is unknown; this path takes none"
          : `is unknown; this path takes ${known.join(", ")}`,
      );
    }
  }
}

/**
 * The value of a parameter that may occur once, or null without it.
 *
 * @throws {ProblemError} 400 when it is repeated, or fails `schema`.
 */
export function readOne<Value>(
  query: URLSearchParams,
  name: string,
  schema: z.ZodType<Value>,
): Value | null {
  const values = query.getAll(name);
  if (values.length === 0) return null;
  if (values.length > 1) {
    throw refuseParameter(name, "is given more than once; give it once");
  }
  return parse(name, values[0], schema);
}

/**
 * The values of a parameter that may be repeated.
 *
 * @throws {ProblemError} 400 when a value fails `schema`.
 */
function readAll<Value>(
  query: URLSearchParams,
  name: string,
  schema: z.ZodType<Value>,
): Value[] {
  return query.getAll(name).map((value) => parse(name, value, schema));
}

function parse<Value>(
  name: string,
  value: string,
  schema: z.ZodType<Value>,
): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refuseParameter(
    name,
    `is malformed: ${result.error.issues[0].message}`,
  );
}
