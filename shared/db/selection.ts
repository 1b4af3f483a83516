/** Which rows of a log are meant. */
export type Selection = {
  /** Column → values, one of which it must equal. */
  filters: Record<string, string[]>;
  /** Column → what it must be at least. */
  minimums: Record<string, string>;
  /** Inclusive; RFC 3339 or a date. */
  from: string | null;
  /** Exclusive. */
  to: string | null;
};
