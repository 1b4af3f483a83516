import type { LogName } from "../logs/index.ts";
import type { Member } from "../logs/leaf-columns.ts";
import type { RowKind } from "./leaf.ts";

/**
 * The evidence bundle, format `ledger-evidence/v1`: all of a log's tree and of
 * its rows in one NDJSON text (UTF-8, a JSON object and a newline per line), so
 * that it can be verified without the database, line by line:
 *
 * 1. `{"format":"ledger-evidence/v1","origin":"<origin of the log>"}`.
 * 2. `{"checkpoint":"<signed checkpoint>"}`, one or more, in any order. The one
 *    with the greatest size covers exactly the leaves that follow, and needs the
 *    quorum of witnesses.
 * 3. `{"leaf":{"index":<n>,…}}` for every leaf, by index from 0. A row's leaf:
 *    `kind` (`row/v1` or `backfill/v1`), `log` (table name), `id`, `hash` (the
 *    leaf hash, 64 hex digits) and, while the row is in its table, `row` (its
 *    members without `id`, committed ones in clear text), `commitments` (64 hex
 *    digits each, in the order of the committed columns) and `salts` (32 hex
 *    digits each, or null for one that is gone). `commitments` and `salts` are
 *    left out for logs without committed columns; salts that are still kept of a
 *    row that is gone are given too. Every other leaf: `data`, its text.
 * 4. `{"pending":{…}}` for what is recorded but not under the checkpoint yet, of
 *    the same shape without `index`: rows and events.
 * 5. `{"row":{"log":…,"id":…}}` for each row of a table that no leaf, pending or
 *    not, was recorded of. There should be none.
 * 6. `{"end":{"lines":<lines before this one>}}`.
 */
export type BundleLine =
  | { type: "header"; origin: string }
  | { type: "checkpoint"; content: string }
  | { type: "leaf"; index: number; evidence: LeafEvidence }
  | { type: "pending"; evidence: LeafEvidence }
  | { type: "row"; log: LogName; id: string }
  | { type: "end"; lines: number };

/** What a bundle has of a leaf: of a row's leaf its hash, of another its data. */
export type LeafEvidence = RowEvidence | { data: string };

/** What a bundle has of a row's leaf, and of the row. */
export type RowEvidence = {
  kind: RowKind;
  log: LogName;
  id: string;
  /** The leaf hash, in hex. */
  hash: string;
  /** The row's members without `id`; null if the row is gone. */
  row: readonly Member[] | null;
  /** One for each committed column, in hex. */
  commitments: readonly string[];
  /** One for each committed column, in hex; null for one that is gone. */
  salts: readonly (string | null)[];
};

/** The name of the format. */
export const BUNDLE_FORMAT = "ledger-evidence/v1";

/** A line of a bundle, without its newline. */
export function formatBundleLine(line: BundleLine): string {
  switch (line.type) {
    case "header":
      return JSON.stringify({ format: BUNDLE_FORMAT, origin: line.origin });
    case "checkpoint":
      return JSON.stringify({ checkpoint: line.content });
    case "leaf":
      return JSON.stringify({
        leaf: { index: line.index, ...toWire(line.evidence) },
      });
    case "pending":
      return JSON.stringify({ pending: toWire(line.evidence) });
    case "row":
      return JSON.stringify({ row: { log: line.log, id: line.id } });
    case "end":
      return JSON.stringify({ end: { lines: line.lines } });
  }
}

function toWire(evidence: LeafEvidence): Record<string, unknown> {
  if ("data" in evidence) return { data: evidence.data };
  const { kind, log, id, hash, row, commitments, salts } = evidence;
  const isOpen = row !== null || salts.some((salt) => salt !== null);
  return {
    kind,
    log,
    id,
    hash,
    ...row !== null && { row },
    ...row !== null && commitments.length > 0 && { commitments },
    ...isOpen && salts.length > 0 && { salts },
  };
}
