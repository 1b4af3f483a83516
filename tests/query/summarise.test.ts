import { beforeAll, describe, expect, test } from "vitest";
import {
  ENGINES,
  EVENTS,
  NOBODY,
  PROJECT,
  TOOL,
  useStack,
} from "../support/running-stack.ts";

const LLM = EVENTS["llm-usage"];
const YEAR = "from=2026-01-01&to=2027-01-01";

describe.each(ENGINES)("summaries on %s", (engine) => {
  const ledger = useStack(engine);
  const get = (path: string, headers = {}) =>
    ledger.post(path, undefined, { method: "GET", headers });
  const summarise = (query: string) => get(`llm-usage/summary?${query}`);

  beforeAll(async () => {
    const at = (created_at: string, more = {}) => ({
      ...LLM,
      created_at,
      ...more,
    });
    await ledger.post("llm-usage", [
      // Berlin: 25 October 2026 has 25 hours, 29 March has 23.
      ...Array.from(
        { length: 48 },
        (_, hour) =>
          at(new Date(Date.UTC(2026, 9, 24, 12 + hour)).toISOString(), {
            model: "hourly",
            cost_usd: "0.000001",
          }),
      ),
      at("2026-03-28T22:59:59.999999Z", { model: "spring" }),
      at("2026-03-28T23:00:00Z", { model: "spring" }),
      at("2026-03-29T21:59:59Z", { model: "spring" }),
      at("2026-03-29T22:00:00Z", { model: "spring" }),
      ...Array.from({ length: 10 }, (_, index) =>
        at("2026-05-04T12:00:00Z", {
          model: "mixed",
          task_type: index % 2 ? "fallback" : "extraction",
          latency_ms: (index + 1) * 10,
          cost_usd: "0.1",
          success: index !== 0,
          cma_project_id: index < 3 ? PROJECT : null,
        })),
    ]);
  });

  test("sums costs exactly, with percentiles and rates, per group and in total", async () => {
    const { status, body } = await summarise(
      `${YEAR}&model=mixed&group_by=task_type`,
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      group_by: ["task_type"],
      tz: "UTC",
      group_count: 2,
      truncated: false,
      totals: {
        count: 10,
        input_tokens: 12_000,
        output_tokens: 800,
        cost_usd: "1.000000",
        latency_ms_p50: 50,
        latency_ms_p95: 100,
        latency_ms_p99: 100,
        success_true: 9,
        success_false: 1,
        success_true_rate: 0.9,
        success_false_rate: 0.1,
      },
    });
    expect(body.groups).toHaveLength(2);
    for (const group of body.groups) {
      expect(group).toMatchObject({ count: 5, cost_usd: "0.500000" });
    }
    expect(Object.keys(body.groups[0]).slice(0, 2)).toEqual([
      "task_type",
      "count",
    ]);
  });

  test("groups by several columns, the largest group first and null as a group", async () => {
    const { body } = await summarise(
      `${YEAR}&model=mixed&group_by=cma_project_id,success&group_by=month`,
    );
    expect(body.groups.map((group: Record<string, unknown>) => [
      group.month,
      group.cma_project_id,
      group.success,
      group.count,
    ])).toEqual([
      ["2026-05-01T00:00:00+00:00", null, expect.anything(), 7],
      ["2026-05-01T00:00:00+00:00", PROJECT, expect.anything(), 2],
      ["2026-05-01T00:00:00+00:00", PROJECT, expect.anything(), 1],
    ]);
  });

  test("groups by a column that is also a measure", async () => {
    const { body } = await summarise(`${YEAR}&model=mixed&group_by=success`);
    expect(body.groups).toMatchObject([
      { success: true, count: 9, success_true: 9, success_false: 0 },
      { success: false, count: 1, success_true: 0, success_false: 1 },
    ]);
    expect(body.totals).toMatchObject({ success_true: 9, success_false: 1 });
  });

  test("a day in the caller's time zone has 23, 24 or 25 hours", async () => {
    const days = await summarise(
      `${YEAR}&model=hourly&group_by=day&tz=Europe/Berlin`,
    );
    expect(
      days.body.groups.map((g: Record<string, unknown>) => [g.day, g.count]),
    ).toEqual([
      ["2026-10-24T00:00:00+02:00", 10],
      ["2026-10-25T00:00:00+02:00", 25],
      ["2026-10-26T00:00:00+01:00", 13],
    ]);
    const hours = await summarise(
      `from=2026-10-25&to=2026-10-26&model=hourly&group_by=hour&tz=Europe/Berlin`,
    );
    expect(hours.body.group_count).toBe(25);
    expect(hours.body.groups.slice(2, 4).map((g: { hour: string }) => g.hour))
      .toEqual(["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]);
    const spring = await summarise(
      `from=2026-03-29&to=2026-03-30&model=spring&tz=Europe/Berlin`,
    );
    expect(spring.body.totals.count).toBe(2);
  });

  test("a week starts on Monday", async () => {
    const { body } = await summarise(`${YEAR}&model=spring&group_by=week`);
    expect(body.groups.map((g: Record<string, unknown>) => [g.week, g.count]))
      .toEqual([["2026-03-23T00:00:00+00:00", 4]]);
  });

  test("reports truncated groups and counts all of them", async () => {
    await ledger.post(
      "audit",
      Array.from({ length: 1000 }, (_, index) => ({
        ...EVENTS.audit,
        action: `action-${index}`,
        created_at: "2026-05-04T12:00:00Z",
      })),
    );
    await ledger.post(
      "audit",
      Array.from({ length: 5 }, () => ({
        ...EVENTS.audit,
        action: "frequent",
        created_at: "2026-05-04T12:00:00Z",
      })),
    );
    const { body } = await get(`audit/summary?${YEAR}&group_by=action`);
    expect(body).toMatchObject({
      group_count: 1001,
      truncated: true,
      totals: { count: 1005 },
    });
    expect(body.groups).toHaveLength(1000);
    expect(body.groups[0]).toMatchObject({ action: "frequent", count: 5 });
    const csv = await get(`audit/summary?${YEAR}&group_by=action`, {
      accept: "text/csv",
    });
    expect(csv.headers.get("x-truncated")).toBe("true");
  });

  test("has the measures of each log", async () => {
    const time = "2026-07-01T00:00:00Z";
    await ledger.post("tool-usage", [
      {
        ...EVENTS["tool-usage"],
        tokens_consumed: 10,
        cost_usd: "0.5",
        execution_ms: 7,
        created_at: time,
      },
      {
        ...EVENTS["tool-usage"],
        tokens_consumed: -10,
        cost_usd: "-0.5",
        created_at: time,
      },
    ]);
    const tool = await get(`tool-usage/summary?${YEAR}&group_by=tool_id`);
    expect(tool.body.groups).toEqual([{
      tool_id: TOOL,
      count: 2,
      tokens_consumed: 0,
      cost_usd: "0.000000",
      execution_ms_p50: 7,
      execution_ms_p95: 7,
      execution_ms_p99: 7,
    }]);
    await ledger.post(
      "model-usage",
      [true, false, false, null].map((matches) => ({
        ...EVENTS["model-usage"],
        phase: "PLAN",
        config_matches_reported: matches,
        captured_at: time,
      })),
    );
    const model = await get(`model-usage/summary?${YEAR}&group_by=phase`);
    expect(model.body.groups).toMatchObject([{
      phase: "PLAN",
      count: 4,
      config_matches_reported_true: 1,
      config_matches_reported_false: 2,
      config_matches_reported_false_rate: 0.666667,
    }]);
  });

  test("an empty result has totals of zero", async () => {
    const { body } = await summarise(`${YEAR}&firm_id=${NOBODY}&group_by=day`);
    expect(body).toMatchObject({
      groups: [],
      totals: { count: 0, cost_usd: "0.000000", success_true_rate: null },
    });
  });

  test("returns CSV and NDJSON with the total in the last line", async () => {
    const path = `llm-usage/summary?${YEAR}&model=mixed&group_by=task_type`;
    const csv = await get(path, { accept: "text/csv" });
    const lines = csv.body.trim().split("\r\n");
    const total = {
      kind: "total",
      task_type: "",
      count: "10",
      input_tokens: "12000",
      output_tokens: "800",
      cost_usd: "1.000000",
      latency_ms_p50: "50",
      latency_ms_p95: "100",
      latency_ms_p99: "100",
      success_true: "9",
      success_false: "1",
      success_true_rate: "0.9",
      success_false_rate: "0.1",
      uncached_input_tokens: "12000",
      cache_read_tokens: "0",
      cache_write_5m_tokens: "0",
      cache_write_1h_tokens: "0",
      visible_output_tokens: "800",
      reasoning_tokens: "0",
      priced_count: "10",
      unpriced_count: "0",
      unpriced_input_tokens: "0",
      unpriced_output_tokens: "0",
      cost_usd_exact: "1",
      reported_cost_usd: "1",
      computed_cost_usd: "0",
      is_floor: "false",
      differing_count: "0",
    };
    expect(lines[0]).toBe(Object.keys(total).join(","));
    expect(lines).toHaveLength(4);
    expect(lines[3]).toBe(Object.values(total).join(","));
    const ndjson = await get(path, { accept: "application/x-ndjson" });
    const rows = ndjson.body.trim().split("\n").map((line: string) =>
      JSON.parse(line)
    );
    expect(rows.map((row: { kind: string }) => row.kind)).toEqual([
      "group",
      "group",
      "total",
    ]);
  });

  test.each([
    ["", "from"],
    ["from=2026-01-01", "to"],
    ["from=2025-01-01&to=2026-12-31", "to"],
    [`${YEAR}&group_by=colour`, "group_by"],
    [`${YEAR}&group_by=day,week`, "group_by"],
    [`${YEAR}&group_by=model,model`, "group_by"],
    [`${YEAR}&group_by=model,day,task_type,firm_id`, "group_by"],
    [`${YEAR}&tz=Mars/Olympus`, "tz"],
    [`${YEAR}&tz=%2B02:00`, "tz"],
    [`${YEAR}&limit=3`, "limit"],
  ])("answers 400 to ?%s and names %s", async (query, name) => {
    const { status, body } = await summarise(`${query}`);
    expect(status).toBe(400);
    expect(body.detail).toContain(`query parameter ${name} `);
  });
});
