import {
  idOf,
  lastMonth,
  memberOf,
  type Month,
  SERVICE,
  summaryCall,
  timeColumn,
} from "./callers.ts";
import { alternate, printTable, ratio, show } from "./measure.ts";
import { explain } from "./plans.ts";
import type { Caller, Session } from "./session.ts";

/** What somebody would write who wants the same figures of a log. */
const BY_HAND: Record<string, string> = {
  llm_usage_log: `count(*), sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd,
    percentile_disc(array[0.5, 0.95, 0.99]) within group (order by latency_ms) as latency_ms,
    count(*) filter (where success) as successes, count(*) filter (where not success) as failures,
    round(avg(success::int), 6) as success_rate, round(avg((not success)::int), 6) as failure_rate`,
  audit_log: "count(*)",
  tool_usage_ledger: `count(*), sum(tokens_consumed) as tokens_consumed,
    sum(cost_usd) as cost_usd,
    percentile_disc(array[0.5, 0.95, 0.99]) within group (order by execution_ms) as execution_ms`,
  model_usage_log:
    `count(*), count(*) filter (where config_matches_reported) as matches,
    count(*) filter (where not config_matches_reported) as mismatches,
    round(avg(config_matches_reported::int), 6) as match_rate,
    round(avg((not config_matches_reported)::int), 6) as mismatch_rate`,
};

/** A summary of a month that a user may ask for. */
interface SummaryCase {
  log: string;
  caller: Caller;
  /** The firm's id where a service asks for one. */
  firm?: string;
  label: string;
  group?: string;
  bucket?: string;
}

/** Measures summaries of a month against the same SQL by hand. */
export async function benchSummaries(
  session: Session,
  rounds: number,
): Promise<void> {
  const month = await lastMonth(session);
  const rows: string[][] = [];
  const scans: string[] = [];
  for (const summary of await summaryCases(session)) {
    const { log, caller, firm, label, group, bucket } = summary;
    const filters = firm ? { firm_id: [firm] } : undefined;
    const groups = group ? [group] : [];
    const call = summaryCall(log, month, { filters, groups, bucket });
    const hand = writeByHand(summary, month);
    const count = await requireSame(session, caller, call, hand);
    const [byFunction, byHand] = await session.as(
      caller,
      () =>
        alternate(
          [() => session.query(call), () => session.query(hand)],
          rounds,
        ),
    );
    const reading = await explain(session, caller, call, log);
    const handReading = await explain(session, caller, hand, log);
    rows.push([
      log,
      caller.name,
      label,
      group ?? bucket ?? "",
      show(byFunction),
      show(byHand),
      ratio(byFunction, byHand),
      String(count),
      `${reading.read} (${reading.removed})`,
      `${handReading.read} (${handReading.removed})`,
      `${reading.pages}, ${handReading.pages}`,
    ]);
    scans.push(
      `${log}, ${caller.name}${label ? `, ${label}` : ""}: ${reading.scans}`,
    );
  }
  printTable(`Summaries of ${month.from} to ${month.to}`, [
    "log",
    "caller",
    "filter",
    "by",
    "function: median [quartiles]",
    "by hand",
    "ratio",
    "rows of the answer",
    "rows read (thrown away)",
    "by hand",
    "pages touched",
  ], rows);
  console.log("\nWhat the function's statement read:\n");
  for (const scan of new Set(scans)) console.log(`- ${scan}`);
}

async function summaryCases(session: Session): Promise<SummaryCase[]> {
  const llm = "llm_usage_log";
  const firm = async (number: number) => ({
    firm: await idOf(session, `firm ${number}`),
    label: `firm ${number}`,
  });
  const chairman = await memberOf(session, 1, { chairman: true });
  const cases: SummaryCase[] = [];
  for (const number of [1, 5, 40]) {
    const service = { log: llm, caller: SERVICE, ...await firm(number) };
    const caller = await memberOf(session, number);
    cases.push(
      { ...service, group: "model" },
      { ...service, bucket: "day" },
      { log: llm, caller, label: "", group: "model" },
      { log: "audit_log", caller, label: "", group: "action" },
      { log: "audit_log", caller, label: "", bucket: "day" },
    );
  }
  return [
    ...cases,
    { log: llm, caller: SERVICE, label: "", group: "firm_id" },
    {
      log: "tool_usage_ledger",
      caller: SERVICE,
      label: "",
      group: "tool_id",
    },
    {
      log: "tool_usage_ledger",
      caller: chairman,
      label: "",
      group: "tool_id",
    },
    {
      log: "model_usage_log",
      caller: chairman,
      label: "",
      group: "subagent_type",
    },
  ];
}

function writeByHand(summary: SummaryCase, month: Month): string {
  const { log, firm, group, bucket } = summary;
  const time = timeColumn(log);
  const key = group ?? `date_trunc('${bucket}', ${time})`;
  return `select ${key} as key, grouping(${key}) as is_total, ${BY_HAND[log]}
    from public.${log}
    where ${firm ? `firm_id = '${firm}' and ` : ""}${time} >= '${month.from}'
      and ${time} < '${month.to}'
    group by grouping sets ((${key}), ())
    order by ${bucket ? "key" : "count(*) desc, key"}`;
}

/** Two ways to the same figures are only worth comparing when the figures are the same. */
async function requireSame(
  session: Session,
  caller: Caller,
  call: string,
  hand: string,
): Promise<number> {
  const [[{ answer }], rows] = await session.as(
    caller,
    async () => [
      await session.query(`${call} as answer`),
      await session.query(hand),
    ],
  );
  const groups = rows.filter((row) => row.is_total === 0);
  const [total] = rows.filter((row) => row.is_total === 1);
  // The function tells more of what was charged than the log's own columns say.
  const sums = Object.keys(answer.totals).filter((name) =>
    name in total && (name === "count" || /tokens|cost/.test(name))
  );
  const same = answer.group_count === groups.length &&
    sums.every((name) =>
      Number(answer.totals[name]) === Number(total[name] ?? 0) &&
      answer.groups.every((one: typeof total, index: number) =>
        Number(one[name]) === Number(groups[index][name])
      )
    );
  if (!same) throw new Error(`The figures differ: ${call}`);
  return Number(total.count);
}
