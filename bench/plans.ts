import type { Caller, Session } from "./session.ts";

/** What reading a log's table took, summed over the statement that the function ran. */
export interface Reading {
  /** Rows that the scan fetched, those that it threw away included. */
  read: number;
  /** Rows that a filter threw away. */
  removed: number;
  /** 8 KiB pages touched, cached or not, by the whole statement. */
  pages: number;
  /** The scans, as EXPLAIN words them. */
  scans: string[];
}

type Node = Record<string, unknown> & { Plans?: Node[] };

const EXPLAIN = `
set local auto_explain.log_min_duration = 0;
set local auto_explain.log_analyze = on;
set local auto_explain.log_timing = off;
set local auto_explain.log_buffers = on;
set local auto_explain.log_nested_statements = on;
set local auto_explain.log_format = json;
set local auto_explain.log_level = notice;
`;

/**
 * Runs a statement under auto_explain, and says what it read of `log`: by itself,
 * or by the statements that a function in it executed.
 */
export async function explain(
  session: Session,
  caller: Caller,
  text: string,
  log: string,
  before = "",
): Promise<Reading> {
  session.notices.length = 0;
  await session.as(
    caller,
    () => session.query(text),
    `${before}; ${EXPLAIN}`,
  );
  const plans = session.notices
    .map((notice) => /plan:\n({[\s\S]*})/.exec(notice)?.[1])
    .filter((json) => json !== undefined)
    .map((json) => JSON.parse(json).Plan as Node);
  const reading: Reading = { read: 0, removed: 0, pages: 0, scans: [] };
  for (const plan of plans) {
    const scans = findScans(plan, log);
    if (scans.length === 0) continue;
    reading.pages += number(plan, "Shared Hit Blocks") +
      number(plan, "Shared Read Blocks");
    for (const scan of scans) addScan(reading, scan);
  }
  return reading;
}

function findScans(node: Node, log: string): Node[] {
  const below = (node.Plans ?? []).flatMap((child) => findScans(child, log));
  return node["Relation Name"] === log ? [node, ...below] : below;
}

function addScan(reading: Reading, scan: Node): void {
  const loops = number(scan, "Actual Loops");
  const removed = loops *
    (number(scan, "Rows Removed by Filter") +
      number(scan, "Rows Removed by Index Recheck"));
  const found = loops * number(scan, "Actual Rows");
  reading.read += found + removed;
  reading.removed += removed;
  const indexes = findIndexes(scan);
  const conditions = ["Index Cond", "Recheck Cond", "Filter"]
    .filter((name) => scan[name])
    .map((name) => `${name}: ${withoutCasts(String(scan[name]))}`);
  reading.scans.push(
    [
      scan["Node Type"] + (indexes.length > 0 ? ` (${indexes})` : ""),
      ...conditions,
      `rows ${found}, removed by filter ${removed}`,
    ].join("; "),
  );
}

function findIndexes(node: Node): string[] {
  const own = node["Index Name"] ? [String(node["Index Name"])] : [];
  return [...own, ...(node.Plans ?? []).flatMap(findIndexes)];
}

/** `created_at >= '2026-01-01 00:00:00+00'::timestamp with time zone` → `created_at >= '2026-01-01'` */
function withoutCasts(condition: string): string {
  return condition
    .replaceAll(/ 00:00:00\+00'/g, "'")
    .replaceAll(/'::(timestamp with time zone|uuid|text)/g, "'");
}

function number(node: Node, name: string): number {
  return Number(node[name] ?? 0);
}
