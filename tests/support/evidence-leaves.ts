import { decodeHex } from "@std/encoding/hex.js";
import { expect } from "vitest";
import { commitTo } from "../../scripts/verify/parse-leaf.ts";
import {
  committedColumns,
  type EventLeaf,
  formatLeaf,
  hideCommitted,
  layouts,
  type RowKind,
  type RowLeaf,
  toRowLeaf,
} from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import type { Member } from "../../shared/logs/log.ts";
import { toHex } from "../../shared/tlog/encoding.ts";
import { hashLeaf } from "../../shared/tlog/tree.ts";
import type { Query, TestDatabase } from "./databases.ts";
import { LOGS } from "./specification.ts";

/**
 * The evidence of a row, read from the database and computed in TypeScript.
 *
 * @module
 */

/** A leaf in the database, pending or sealed. Hashes are hex. */
export interface KeptLeaf {
  kind: string;
  log: LogName;
  row_id: string;
  data: string | null;
  hash: string;
  commitments: string[] | null;
}

const EVIDENCE = ["ledger.pending_leaves", "ledger.leaves", "ledger.salts"];

const FIELDS = `kind, log, row_id, data, encode(hash, 'hex') as hash,
  case when commitments is not null then
    array(select encode(c, 'hex') from unnest(commitments) with ordinality u (c, n) order by n) end as commitments`;

/** Every leaf of a row, oldest first. */
export async function readLeaves(
  query: Query,
  log: LogName,
  id: string,
): Promise<KeptLeaf[]> {
  const where = "where log = $1 and row_id = $2";
  return [
    ...await query<KeptLeaf>(
      `select ${FIELDS} from ledger.leaves ${where} order by index`,
      [log, id],
    ),
    ...await query<KeptLeaf>(
      `select ${FIELDS} from ledger.pending_leaves ${where} order by seq`,
      [log, id],
    ),
  ];
}

/** The salts of a row as hex, null where forgotten; undefined when there are none. */
export async function readSalts(
  query: Query,
  log: LogName,
  id: string,
): Promise<(string | null)[] | undefined> {
  const [row] = await query<{ salts: (string | null)[] }>(
    `select to_jsonb(array(select encode(s, 'hex') from unnest(
        ledger.salts_of(seed, salts, $3)) with ordinality u (s, n) order by n)) as salts
      from ledger.salts where log = $1 and row_id = $2`,
    [log, id, committedColumns[log].length],
  );
  return row?.salts;
}

/** The members of a row, read column by column. */
export async function readMembers(
  query: Query,
  log: LogName,
  id: string,
): Promise<Member[]> {
  const texts = layouts[log].map(({ name, type }) =>
    type === "timestamptz"
      ? `case when isfinite(${name}) then round(extract(epoch from ${name}) * 1000000)::text else ${name}::text end`
      : `${name}::text`
  );
  const [row] = await query<{ members: Member[] }>(
    `select to_jsonb(array[${texts}]) as members from public.${log} where id = $1`,
    [id],
  );
  return row.members;
}

/** The leaf and the commitments of a row with these members and salts. */
export function computeRowLeaf(
  log: LogName,
  id: string,
  row: Member[],
  salts: string[],
  kind: RowKind = "row/v1",
): { leaf: RowLeaf; commitments: string[] } {
  const committed = row.filter((_, at) => layouts[log][at].committed);
  const commitments = committed.map((member, at) =>
    commitTo(decodeHex(salts[at]), member)
  );
  const members = hideCommitted(log, row, commitments);
  return { leaf: toRowLeaf({ kind, log, id, members }), commitments };
}

/** The leaf of a row as it is now. */
export async function leafNow(
  { query }: Pick<TestDatabase, "query">,
  log: LogName,
  id: string,
): Promise<RowLeaf> {
  const salts = await readSalts(query, log, id) as string[];
  const members = await readMembers(query, log, id);
  return computeRowLeaf(log, id, members, salts ?? []).leaf;
}

/** The expected leaf of a row with these members and salts. */
export function expectedRowLeaf(
  log: LogName,
  id: string,
  members: Member[],
  salts: string[],
  kind: RowKind = "row/v1",
): KeptLeaf {
  const { leaf, commitments } = computeRowLeaf(log, id, members, salts, kind);
  return {
    kind: kind === "row/v1" ? "row" : "backfill",
    log,
    row_id: id,
    data: null,
    hash: toHex(hashLeaf(formatLeaf(leaf))),
    commitments,
  };
}

/** The expected leaf of an event of a row. */
export function expectedEventLeaf(leaf: EventLeaf): KeptLeaf {
  const data = formatLeaf(leaf);
  return {
    kind: leaf.kind.slice(0, leaf.kind.indexOf("/")),
    log: leaf.log,
    row_id: leaf.id,
    data,
    hash: toHex(hashLeaf(data)),
    commitments: null,
  };
}

/** Asserts that a row has exactly one leaf, which matches its current members. */
export async function expectOneLeaf(
  query: Query,
  log: LogName,
  id: string,
  kind: RowKind = "row/v1",
): Promise<void> {
  const salts = await readSalts(query, log, id) ?? [];
  expect(salts).toHaveLength(committedColumns[log].length);
  const members = await readMembers(query, log, id);
  expect(await readLeaves(query, log, id)).toEqual([
    expectedRowLeaf(log, id, members, salts as string[], kind),
  ]);
}

/** How many leaves and salts there are. */
export async function countEvidence(query: Query): Promise<unknown> {
  const [counts] = await query(
    `select (select count(*)::int from ledger.pending_leaves) as pending,
      (select count(*)::int from ledger.leaves) as sealed,
      (select count(*)::int from ledger.salts) as salts`,
  );
  return counts;
}

/** The answer of `ledger.seal`. */
export interface Sealed {
  busy?: boolean;
  size: number;
  sealed: number;
  cut: string;
  pending: number;
  held_back: number;
  oldest_pending_seconds: number | null;
}

/** Seals once. */
export async function seal(query: Query, maxLeaves = 100_000): Promise<Sealed> {
  const [{ sealed }] = await query<{ sealed: Sealed }>(
    "select ledger.seal($1) as sealed",
    [maxLeaves],
  );
  return sealed;
}

/**
 * Seals until nothing is pending. Another test file's transaction on the same
 * server may hold leaves back for a while.
 */
export async function sealAll({ query }: TestDatabase): Promise<Sealed> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const sealed = await seal(query);
    if (sealed.pending === 0) return sealed;
    if (Date.now() > deadline) {
      throw new Error(`leaves stay pending: ${JSON.stringify(sealed)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The logs and all evidence, down to the place of each row version. */
export async function readEverything(query: Query): Promise<unknown> {
  const contents: unknown[] = [];
  for (const table of [...LOGS.map((log) => `public.${log}`), ...EVIDENCE]) {
    contents.push(
      await query(
        `select ctid::text, to_jsonb(t)::text as row from ${table} t order by 1`,
      ),
    );
  }
  return contents;
}

/** Resolves once a session of this database waits for a lock of another. */
export async function untilWaiting({ query }: TestDatabase): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const waiting = await query(
      `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
  }
  throw new Error("no session waits for a lock");
}

/**
 * Inserts rows into each log without capture, then backfills their leaves. Returns
 * the results of `add`.
 */
export async function addBeforeCapture<Added>(
  { query, exec }: Pick<TestDatabase, "query" | "exec">,
  add: (log: LogName) => Promise<Added>,
): Promise<Record<LogName, Added>> {
  const added = {} as Record<LogName, Added>;
  for (const log of LOGS) {
    const capture = (change: string) =>
      exec(`alter table public.${log} ${change} trigger capture_insert`);
    await capture("disable");
    added[log] = await add(log);
    await capture("enable always");
    const [{ statement }] = await query<{ statement: string }>(
      "select ledger.capture_statement($1, $2, 'backfill') as statement",
      [
        log,
        `(select * from public.${log} where id not in (select row_id from ledger.salts))`,
      ],
    );
    await exec(statement);
  }
  return added;
}
