import type * as z from "zod";
import type { Issue } from "../issue.ts";

/** How users may write into a log. */
type UserWrites = {
  /** The schema of an event from a user. */
  event: EventSchema;
  /** Whether the database attributes the row to the user and their firm. */
  attributed: boolean;
  /** The column for the IP address of the client. */
  addressColumn?: string;
};

/** An event or row of a log: column → value. */
export type LogEvent = Record<string, unknown>;

/**
 * The schema of an event, whose keys are columns. Except as a log's `row` declares,
 * required columns are NOT NULL in the table, and of the optional ones only `id` and
 * the time are never null in a row.
 */
export type EventSchema = z.ZodObject<z.ZodRawShape>;

/** Columns that the server derives from a valid event, or the issues that prevent it. */
export type Derived = { stamped: LogEvent } | { issues: Issue[] };

/** One measure of a summary. */
export type Measure = {
  schema: z.ZodType;
  /** The value of a summary of a single row. */
  singleRowValue: (row: LogEvent) => unknown;
};

/**
 * The declaration of a log, from which its endpoint, limits and documents are derived.
 * `shared/logs/index.ts` is the registry.
 */
export type Log<Slug extends string = string, Table extends string = string> = {
  /** The content of a row, in one phrase. */
  description: string;
  /** The table, in the schema public; `record_<table>` writes it. */
  table: Table;
  /** The Edge Function that serves it, and the last part of its URL. */
  slug: Slug;
  /**
   * All columns of a row in the documented order, those of a side table last. Responses
   * keep the order.
   */
  columns: readonly string[];
  /**
   * The layout of leaves: every column of the table but `id`, in the order of the
   * table. Commit to columns whose values may have to be erased: references that are
   * set to NULL, and personal data. The migration commits to the same columns. Recorded
   * leaves keep their layout; a change needs new kinds (`row/v2`).
   */
  leaf: readonly LeafColumn[];
  /** Columns of a row whose schema differs from the event's. */
  row?: Record<string, z.ZodType>;
  /** The column with the event's time. */
  timeColumn: string;
  /** The schema of an event from a service. */
  event: EventSchema;
  /**
   * The example of the documents: an event of the demo data (supabase/seed.sql) with an
   * id and every column that has a default, in the format of responses.
   */
  example: LogEvent;
  /** The columns that the server adds to the row of the example. */
  exampleRow?: LogEvent;
  /** How users may write; null for services only. */
  userWrites: UserWrites | null;
  /** Columns that filter a list → the schema of a value. */
  filters: Record<string, z.ZodType<string>>;
  /** Columns with a lower bound in a list (`min_<column>`) → the schema of the bound. */
  minimums: Record<string, z.ZodType<string>>;
  /** Columns that group a summary. */
  groups: readonly string[];
  /**
   * Columns with special measures in a summary, as in `ledger.special_measures` of the
   * database: column → name of the measure → the measure.
   */
  measures?: Record<string, Record<string, Measure>>;
  /** Whether a summary takes `as_of`: which ratings of the rows count. */
  rated?: boolean;
  /**
   * Columns that the URL of a webhook may set for events that leave them out: the
   * owner of an event and what the event is part of, never a measured value.
   */
  urlDefaults: readonly string[];
  /** Derives columns of a valid event that omits them. */
  derive?: (event: LogEvent) => Derived | Promise<Derived>;
  /** Warnings about a recorded event: the database's code → detail. */
  warnings?: Record<string, string>;
};

/** Declares a log, keeping the slug and the table as literal types for the registry. */
export function defineLog<
  const Slug extends string,
  const Table extends string,
>(
  log: Log<Slug, Table>,
): Log<Slug, Table> {
  return log;
}

/** The type of a column, which determines the format of its member of a leaf. */
export type ColumnType =
  | "uuid"
  | "text"
  | "integer"
  | "numeric"
  | "boolean"
  | "timestamptz"
  | "jsonb";

/** One column in the layout of leaves. */
export type LeafColumn = {
  name: string;
  type: ColumnType;
  /** Whether the leaf holds a salted commitment instead of the value. */
  committed: boolean;
  /** Whether the deletion of the referenced row sets it to NULL. */
  setNull: boolean;
};

/**
 * A member of a leaf: text unchanged, uuid in lower case, integer in decimal, numeric
 * and jsonb as Postgres prints them, boolean `true` or `false`, timestamptz as
 * microseconds since 1970 in decimal, NULL as null.
 */
export type Member = string | null;

/** A column in clear text. */
export function plain(name: string, type: ColumnType): LeafColumn {
  return { name, type, committed: false, setNull: false };
}

/** A committed reference that becomes NULL when the referenced row is deleted. */
export function reference(name: string): LeafColumn {
  return { name, type: "uuid", committed: true, setNull: true };
}

/** A committed column whose value can be erased. */
export function erasable(name: string, type: ColumnType): LeafColumn {
  return { name, type, committed: true, setNull: false };
}

/** A row with its columns in the documented order, which jsonb does not keep. */
export function orderRow(log: Log, row: LogEvent): LogEvent {
  return Object.fromEntries(log.columns.map((column) => [column, row[column]]));
}
