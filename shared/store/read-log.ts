import { createAdminClient, createContextClient } from "@supabase/server/core";
import type { Caller } from "./caller.ts";
import type { Environment } from "./environment.ts";
import { READ_TIMEOUT_MS } from "../limits.ts";
import type { Selection } from "./selection.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import type { Database } from "../database.types.ts";
import { StoreError } from "./store-error.ts";

/** Where a page ended, as `list_log` says it; its content is the database's. */
export type Position = Record<string, unknown>;

/** A page of rows. */
export type Page = { rows: LogEvent[]; more: boolean; next: Position | null };

/** A group's keys and measures, or the measures of all. */
export type Measures = Record<string, unknown>;

/** What `summarise_log` says. */
export type Summary = {
  totals: Measures;
  groups: Measures[];
  group_count: number;
};

/** Reads a log as one caller: a user through her own token, so that row security decides. */
export type Reader = { log: Log; caller: Caller; env: Environment };

/** Reads one page. */
export async function listPage(
  reader: Reader,
  selection: Selection,
  page: { ascending: boolean; maxRows: number; after: Position | null },
): Promise<Page> {
  return await call(reader, "list_log", {
    ...toArguments(selection),
    ascending: page.ascending,
    max_rows: page.maxRows,
    after: page.after ?? undefined,
  }) as Page;
}

/** The row with an id, or null when there is none that the caller may see. */
export async function fetchRow(
  reader: Reader,
  id: string,
): Promise<LogEvent | null> {
  const selection = {
    filters: { id: [id] },
    minimums: {},
    from: null,
    to: null,
  };
  const page = { ascending: false, maxRows: 1, after: null };
  const { rows } = await listPage(reader, selection, page);
  return rows[0] ?? null;
}

/** Counts and sums. */
export async function summarise(
  reader: Reader,
  selection: Selection,
  by: {
    groups: string[];
    bucket: string | null;
    zone: string;
    maxGroups: number;
  },
): Promise<Summary> {
  return await call(reader, "summarise_log", {
    ...toArguments(selection),
    groups: by.groups,
    bucket: by.bucket ?? undefined,
    zone: by.zone,
    max_groups: by.maxGroups,
  }) as Summary;
}

function toArguments({ filters, minimums, from, to }: Selection) {
  return {
    filters,
    minimums,
    since: from ?? undefined,
    until: to ?? undefined,
  };
}

async function call(
  { log, caller, env }: Reader,
  name: "list_log" | "summarise_log",
  parameters: Record<string, unknown>,
): Promise<unknown> {
  const client = caller.kind === "service"
    ? createAdminClient<Database>({ env })
    : createContextClient<Database>({ env, auth: { token: caller.token } });
  const { data, error, status } = await client
    .rpc(
      name,
      { log: log.table, time_column: log.timeColumn, ...parameters } as never,
    )
    .abortSignal(AbortSignal.timeout(READ_TIMEOUT_MS));
  if (error) throw new StoreError(error, status);
  if (typeof data !== "object" || data === null) {
    throw new StoreError({ message: "the answer is not an object" }, 0);
  }
  return data;
}
