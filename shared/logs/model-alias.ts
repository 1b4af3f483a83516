/** `-20250929`, `-2025-09-29`, `@20250929` or `-latest` at a name's end. */
const SNAPSHOT = /[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/;

/**
 * Whether two model names mean the same model: equal after trimming and
 * lower-casing, or one is the other plus a date (`claude-sonnet-4-5` and
 * `claude-sonnet-4-5-20250929`). Two different dates are two models.
 */
export function namesSameModel(one: string, other: string): boolean {
  const [a, b] = [one, other].map((name) => name.trim().toLowerCase());
  return a === b || a === b.replace(SNAPSHOT, "") ||
    a.replace(SNAPSHOT, "") === b;
}
