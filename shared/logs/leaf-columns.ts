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
