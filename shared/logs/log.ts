import type * as z from "zod";
import type { Issue } from "../issue.ts";

/** What a signed-in user may write into a log, and what the server decides. */
type UserWrites = {
  /** What an event must look like when a user sends it. */
  event: EventSchema;
  /** Whether the database attributes the row to the user and her firm. */
  attributed: boolean;
  /** The column that takes the address the request came from. */
  addressColumn?: string;
};

/** An event of a log: column names and values. */
export type LogEvent = Record<string, unknown>;

/**
 * What an event must look like. Its keys are columns. Where a log's `row` does
 * not say otherwise, the columns that it requires are NOT NULL in the table, and
 * of the optional ones only `id` and the time are never null in a row.
 */
export type EventSchema = z.ZodObject<z.ZodRawShape>;

/** Columns that the server adds to a valid event, or why it cannot. */
export type Derived = { stamped: LogEvent } | { issues: Issue[] };

/** One figure of a summary. */
export type Measure = {
  schema: z.ZodType;
  /** The figure of a single row. */
  singleRowValue: (row: LogEvent) => unknown;
};

/**
 * One of the logs, declared once. The endpoint, its limits and its documents
 * are derived from this. `shared/logs/index.ts` has all of them.
 */
export type Log<Slug extends string = string, Table extends string = string> = {
  /** What a row tells, in one phrase. */
  description: string;
  /** The table, in the schema public; `record_<table>` writes it. */
  table: Table;
  /** The Edge Function that serves it, and the last part of its URL. */
  slug: Slug;
  /**
   * Every column, in the documented order, then those of the details that belong
   * to each row, where the log has a side table for them; replies keep the order.
   */
  columns: readonly string[];
  /**
   * Every column of the table but `id`, in the table's order, as leaves hold it.
   * Commit to a column whose value may have to be forgotten: a reference that is set
   * to NULL, and personal data. The migration commits to the same columns. Leaves
   * that are recorded keep their layout: changing it needs new kinds (`row/v2`).
   */
  leaf: readonly LeafColumn[];
  /** Columns of a row that are not as the event sends them. */
  row?: Record<string, z.ZodType>;
  /** The column with the event's time. */
  timeColumn: string;
  /** What an event must look like when a service sends it. */
  event: EventSchema;
  /**
   * An event of the demo world (supabase/seed.sql) as the documents show it, with
   * an id and every column that has a default, written as a reply writes them.
   */
  example: LogEvent;
  /** What the server adds to the row that the example becomes. */
  exampleRow?: LogEvent;
  /** How a signed-in user may write; null when users may not. */
  userWrites: UserWrites | null;
  /** Columns that a list may be filtered by, and what a value must look like. */
  filters: Record<string, z.ZodType<string>>;
  /** Columns that a list may bound from below (`min_<column>`). */
  minimums: Record<string, z.ZodType<string>>;
  /** Columns that a summary may group by. */
  groups: readonly string[];
  /**
   * Columns that a summary tells in ways of their own, as the database's
   * `ledger.special_measures` does: column → name of the figure → the figure.
   */
  measures?: Record<string, Record<string, Measure>>;
  /** Whether a summary takes `as_of`: which ratings of the rows count. */
  rated?: boolean;
  /**
   * Columns that the URL of a webhook may set for events that leave them out: the
   * owner of an event and what the event is part of, never a measured value.
   */
  urlDefaults: readonly string[];
  /** Columns that the server computes from a valid event that left them out. */
  derive?: (event: LogEvent) => Derived | Promise<Derived>;
  /** What the answer to an event may warn of: the database's code → what it means. */
  warnings?: Record<string, string>;
};

/** Declares a log; the registry derives its types from the slug and the table. */
export function defineLog<
  const Slug extends string,
  const Table extends string,
>(
  log: Log<Slug, Table>,
): Log<Slug, Table> {
  return log;
}

/** How a column's value is written as the member of a leaf. */
export type ColumnType =
  | "uuid"
  | "text"
  | "integer"
  | "numeric"
  | "boolean"
  | "timestamptz"
  | "jsonb";

/** One column of a log, as the log's leaves hold it. */
export type LeafColumn = {
  name: string;
  type: ColumnType;
  /** Whether the leaf holds a salted commitment instead of the value. */
  committed: boolean;
  /** Whether deleting the row that it refers to sets it to NULL. */
  setNull: boolean;
};

/**
 * A value as a leaf holds it: text as it is, uuid in lower case, integer in
 * decimal, numeric as Postgres prints it, boolean `true` or `false`, timestamptz
 * as microseconds since 1970 in decimal, jsonb as Postgres prints it, NULL as null.
 */
export type Member = string | null;

/** A column whose value the leaf holds in clear text. */
export function plain(name: string, type: ColumnType): LeafColumn {
  return { name, type, committed: false, setNull: false };
}

/** A committed reference that is set to NULL when the row it refers to is deleted. */
export function reference(name: string): LeafColumn {
  return { name, type: "uuid", committed: true, setNull: true };
}

/** A committed column, whose value can be erased on request. */
export function erasable(name: string, type: ColumnType): LeafColumn {
  return { name, type, committed: true, setNull: false };
}

/** jsonb does not keep the order of keys; replies follow the documented one. */
export function orderRow(log: Log, row: LogEvent): LogEvent {
  return Object.fromEntries(log.columns.map((column) => [column, row[column]]));
}
