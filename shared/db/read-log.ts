import { READ_TIMEOUT_MS } from "../limits.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import { callFunction, requireMember, type Session } from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** Where a page ended, as `list_log` says it; its content is the database's. */
export type Position = Record<string, unknown>;

/** A page of rows. */
export type Page = { rows: LogEvent[]; more: boolean; next: Position | null };

/** A group's keys and measures, or the measures of all. */
type Measures = Record<string, unknown>;

/** What `summarise_log` says. */
type Summary = {
  totals: Measures;
  groups: Measures[];
  group_count: number;
};

/** Reads a log as one caller: a user through her own token, so that row security decides. */
export type Reader = Session & { log: Log };

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
export async function readSummary(
  reader: Reader,
  selection: Selection,
  by: {
    groups: string[];
    bucket: string | null;
    zone: string;
    maxGroups: number;
    /** Which ratings count, for a log that is rated. */
    asOf: string;
  },
): Promise<Summary> {
  return await call(reader, "summarise_log", {
    ...toArguments(selection),
    groups: by.groups,
    bucket: by.bucket ?? undefined,
    zone: by.zone,
    max_groups: by.maxGroups,
    as_of: by.asOf,
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
  reader: Reader,
  name: "list_log" | "summarise_log",
  parameters: Record<string, unknown>,
): Promise<unknown> {
  const { table, timeColumn } = reader.log;
  const answer = await callFunction(reader, name, {
    log: table,
    time_column: timeColumn,
    ...parameters,
  }, READ_TIMEOUT_MS);
  requireMember(answer, name === "list_log" ? "rows" : "totals");
  return answer;
}

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

/** Ids by name; several where a name is not unique. */
type Ids = ReadonlyMap<string, readonly string[]>;

/** Looks agents and tools up by name, in one call. */
export async function lookUpRegistries(
  names: { agents: string[]; tools: string[] },
  env: Environment,
): Promise<{ agents: Ids; tools: Ids }> {
  if (names.agents.length + names.tools.length === 0) {
    return { agents: new Map(), tools: new Map() };
  }
  const caller = { kind: "service", keyName: "default" } as const;
  const found = await callFunction(
    { caller, env },
    "look_up_registries",
    names,
    READ_TIMEOUT_MS,
  );
  requireMember(found, "agents");
  const { agents, tools } = found as Record<
    "agents" | "tools",
    Record<string, string[]>
  >;
  return {
    agents: new Map(Object.entries(agents)),
    tools: new Map(Object.entries(tools)),
  };
}
