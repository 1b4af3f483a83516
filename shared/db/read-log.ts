import { READ_TIMEOUT_MS } from "../limits.ts";
import type { Log, LogEvent } from "../logs/log.ts";
import {
  callFunction,
  requireMember,
  SERVICE_CALLER,
  type Session,
} from "./call-function.ts";
import type { Environment } from "./environment.ts";

/** The position after a page, opaque to the functions. */
export type Position = Record<string, unknown>;

/** A page of rows. */
export type Page = { rows: LogEvent[]; more: boolean; next: Position | null };

/** The keys and measures of a group, or the measures of the total. */
type Measures = Record<string, unknown>;

/** The result of `summarise_log`. */
type Summary = {
  totals: Measures;
  groups: Measures[];
  group_count: number;
};

/** A caller and the log to read, so that row-level security applies to a user. */
export type Reader = Session & { log: Log };

/** Reads one page of rows. */
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

/** Reads the row with an id, or null when none is visible to the caller. */
export async function fetchRow(
  reader: Reader,
  ids: readonly string[],
): Promise<LogEvent | null> {
  const selection = {
    filters: { id: [...ids] },
    minimums: {},
    from: null,
    to: null,
  };
  const page = { ascending: false, maxRows: ids.length, after: null };
  const { rows } = await listPage(reader, selection, page);
  return rows.find((row) => row.id === ids[0]) ?? rows[0] ?? null;
}

/** Reads counts and sums, per group and in total. */
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

/** A selection of rows of a log. */
export type Selection = {
  /** Column → values, any of which matches. */
  filters: Record<string, string[]>;
  /** Column → inclusive lower bound. */
  minimums: Record<string, string>;
  /** Inclusive; RFC 3339 or a date. */
  from: string | null;
  /** Exclusive. */
  to: string | null;
};

/** Ids by name; several where a name is not unique. */
type Ids = ReadonlyMap<string, readonly string[]>;

/** Looks up the ids of agents and tools by name, in one call. */
export async function lookUpRegistries(
  names: { agents: string[]; tools: string[] },
  env: Environment,
): Promise<{ agents: Ids; tools: Ids }> {
  if (names.agents.length + names.tools.length === 0) {
    return { agents: new Map(), tools: new Map() };
  }
  const found = await callFunction(
    { caller: SERVICE_CALLER, env },
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
