import {
  type Filters,
  idOf,
  listCall,
  memberOf,
  SERVICE,
  timeColumn,
} from "./callers.ts";
import { alternate, printTable, ratio, show } from "./measure.ts";
import { explain } from "./plans.ts";
import type { Caller, Session } from "./session.ts";

/** How deep into the matching rows the deeper pages lie. */
const DEPTHS = [0.5, 0.999];

/** A page after the last of these would not be full. */
const PAGE_ROWS = 101;

/** A list that a user may ask for. */
interface PageCase {
  log: string;
  caller: Caller;
  filters: Filters;
  /** What selects the same rows for a superuser. */
  firm?: string;
  label: string;
}

/** Measures the page at the top of lists against pages deep in them, both ways. */
export async function benchPages(
  session: Session,
  rounds: number,
): Promise<void> {
  const rows: string[][] = [];
  for (const list of await pageCases(session)) {
    for (const ascending of [false, true]) {
      rows.push(await measureDepth(session, list, ascending, rounds));
    }
  }
  printTable(
    "Pages of 100 rows: at the top, after half of the rows and after 99.9% of them (or before the last page)",
    [
      "log",
      "caller",
      "filter",
      "order",
      "matching",
      "top: median [quartiles]",
      "half/top",
      "end/top",
      "rows read: top, half, end",
      "pages touched",
    ],
    rows,
  );
}

async function pageCases(session: Session): Promise<PageCase[]> {
  const id = (name: string) => idOf(session, name);
  const service = async (log: string, column = "", value = "") => ({
    log,
    caller: SERVICE,
    filters: column
      ? {
        [column]: [
          column.endsWith("_id") && value.includes(" ")
            ? await id(value)
            : value,
        ],
      }
      : {} as Filters,
    label: column ? `${column} = ${value}` : "",
  });
  const member = async (
    log: string,
    firm: number,
    filters: Filters = {},
  ) => ({
    log,
    caller: await memberOf(session, firm),
    filters,
    firm: await id(`firm ${firm}`),
    label: Object.entries(filters).map((entry) => entry.join(" = ")).join(),
  });
  const chairman = await memberOf(session, 1, { chairman: true });
  const anyone = await memberOf(session, 1);
  return [
    await service("llm_usage_log"),
    await service("llm_usage_log", "firm_id", "firm 1"),
    await service("llm_usage_log", "firm_id", "firm 40"),
    await service("llm_usage_log", "model", "model-1"),
    await service("llm_usage_log", "model", "model-12"),
    await service("llm_usage_log", "cma_project_id", "project 3 2"),
    await member("llm_usage_log", 1),
    await member("llm_usage_log", 20),
    await member("llm_usage_log", 40),
    await member("llm_usage_log", 40, { model: ["model-12"] }),
    await service("audit_log"),
    await service("audit_log", "action", "action_1"),
    await service("audit_log", "action", "action_15"),
    await service("audit_log", "entity_id", "entity 3 77"),
    await member("audit_log", 1),
    await member("audit_log", 40, { action: ["action_3"] }),
    await service("tool_usage_ledger"),
    await service("tool_usage_ledger", "agent_id", "agent 1"),
    await service("tool_usage_ledger", "agent_id", "agent 40"),
    await service("tool_usage_ledger", "tool_id", "tool 30"),
    await service("tool_usage_ledger", "venture_id", "venture 5"),
    { ...await service("tool_usage_ledger"), caller: chairman },
    await service("model_usage_log"),
    { ...await service("model_usage_log", "phase", "LEAD"), caller: anyone },
    {
      ...await service("model_usage_log", "subagent_type", "subagent-20"),
      caller: anyone,
    },
    { ...await service("model_usage_log", "sd_id", "SD-7"), caller: anyone },
  ];
}

async function measureDepth(
  session: Session,
  list: PageCase,
  ascending: boolean,
  rounds: number,
): Promise<string[]> {
  const { log, caller, filters, label } = list;
  const { matching, positions } = await findPositions(session, list, ascending);
  const calls = [null, ...positions].map((after) =>
    listCall(log, { filters, ascending, after })
  );
  const figures = await session.as(
    caller,
    () => alternate(calls.map((call) => () => session.query(call)), rounds),
  );
  const readings = [];
  for (const call of calls) {
    readings.push(await explain(session, caller, call, log));
  }
  return [
    log,
    caller.name,
    label,
    ascending ? "asc" : "desc",
    String(matching),
    show(figures[0]),
    ...[1, 2].map((depth) =>
      figures[depth] ? ratio(figures[depth], figures[0]) : "-"
    ),
    readings.map(({ read }) => read).join(", "),
    readings.map(({ pages }) => pages).join(", "),
  ];
}

/** The positions of the pages at each depth, taken from the rows that lie there. */
async function findPositions(
  session: Session,
  { log, caller, filters, firm }: PageCase,
  ascending: boolean,
): Promise<{ matching: number; positions: unknown[] }> {
  const time = timeColumn(log);
  const conditions = Object.entries(
    firm ? { ...filters, firm_id: [firm] } : filters,
  )
    .map(([column, [value]]) => `${column} = '${value}'`);
  const from = `from public.${log} where ${
    ["true", ...conditions].join(" and ")
  }`;
  const [{ matching }] = await session.query(
    `select count(*)::int as matching ${from}`,
  );
  // Oldest first, a position also says where the round of pages began.
  const [{ page }] = await session.as(
    caller,
    () => session.query(`${listCall(log, { filters, ascending })} as page`),
  );
  const direction = ascending ? "asc" : "desc";
  const positions = [];
  for (const depth of DEPTHS) {
    const offset = Math.min(
      Math.floor(matching * depth),
      matching - PAGE_ROWS - 1,
    );
    if (offset <= PAGE_ROWS) continue;
    const [row] = await session.query(
      `select to_json(${time}) as time, id ${from}
        order by ${time} ${direction}, id ${direction}
        offset ${offset} limit 1`,
    );
    positions.push({ ...page.next, ...row });
  }
  return { matching, positions };
}
