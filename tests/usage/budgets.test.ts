import { describe, expect, test } from "vitest";
import {
  ENGINES,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  OTHER_PROJECT,
  OTHER_USER,
  PROJECT,
  USER,
  useStack,
} from "../support/running-stack.ts";
import { makeEvent, type Members } from "../support/stack-prices.ts";

describe.each(ENGINES)("budgets on %s", (engine) => {
  const ledger = useStack(engine);
  const month = new Date().toISOString().slice(0, 7);

  const set = (budget: Members) =>
    ledger.post("llm-usage/budget", { firm_id: FIRM, ...budget });
  const read = async (firm = FIRM) => {
    const path = `llm-usage/budget?firm_id=${firm}`;
    return (await ledger.post(path, undefined, { method: "GET" })).body.budgets;
  };
  /** A call of the current month at a cost. */
  const spend = (cost_usd: string, event: Members = {}) =>
    makeEvent({
      input_tokens: 1,
      output_tokens: 1,
      cost_usd,
      created_at: undefined,
      ...event,
    });
  const codesOf = ({ warnings }: { warnings?: { code: string }[] }) =>
    warnings?.map(({ code }) => code);
  const crossings = (budget: string) =>
    ledger.rows("audit_log", { entity_id: budget });

  /** A firm without calls and a budget for it. */
  async function makeBudget(budget: Members): Promise<[string, string]> {
    const firm_id = newId();
    await ledger.admin().from("firms").insert({ id: firm_id, name: "Firm" });
    const { body } = await set({ firm_id, ...budget });
    return [firm_id, body.id];
  }

  test("an event of a firm without a budget has no warning and creates no budget", async () => {
    const { body } = await ledger.post("llm-usage", spend("0.001"));
    expect(body.warnings).toBeUndefined();
    expect(await read()).toEqual([]);
    expect(await ledger.count("llm_budgets")).toBe(0);
  });

  test("a budget that is set in mid-month counts existing calls", async () => {
    const { status, body } = await set({ limit_usd: 0.004 });
    expect([status, body]).toEqual([201, {
      firm_id: FIRM,
      id: expect.any(String),
      cma_project_id: null,
      month,
      time_zone: "UTC",
      limit_usd: "0.004",
      spent_usd: "0.001",
      reserved_usd: "0",
      left_usd: "0.003",
      thresholds: [50, 80, 100],
      crossed: [],
      call_count: 1,
      floor_count: 0,
      floor_share: 0,
      is_floor: false,
    }]);
    expect(await read()).toEqual([
      expect.objectContaining({ id: body.id, spent_usd: "0.001" }),
    ]);
  });

  test("an event that crosses a threshold gets a warning and makes one audit event", async () => {
    const [firm_id, id] = await makeBudget({
      limit_usd: "10",
      thresholds: [100, 50, 50],
    });
    const post = async (cost: string) =>
      (await ledger.post("llm-usage", spend(cost, { firm_id }))).body;
    expect(codesOf(await post("4.999999"))).toBeUndefined();
    const crossing = await post("0.000001");
    expect(codesOf(crossing)).toEqual(["budget_threshold_crossed"]);
    expect(codesOf(await post("1"))).toBeUndefined();
    expect(await crossings(id)).toMatchObject([{
      firm_id,
      user_id: null,
      action: "budget_threshold_crossed",
      entity_type: "llm_budget",
      metadata: { threshold_percent: 50, month, usage_id: crossing.id },
    }]);
    expect(await read(firm_id)).toMatchObject([{
      spent_usd: "6",
      left_usd: "4",
      thresholds: [50, 100],
      crossed: [50],
      call_count: 3,
    }]);
    // It warns, and never refuses.
    expect(codesOf(await post("9"))).toEqual(["budget_threshold_crossed"]);
    expect(await read(firm_id))
      .toMatchObject([{ left_usd: "-5", crossed: [50, 100] }]);
    expect(await crossings(id)).toHaveLength(2);
  });

  test("a batch that crosses two thresholds warns on each crossing event and audits both", async () => {
    const [firm_id, id] = await makeBudget({
      limit_usd: "10",
      thresholds: [50, 80, 100],
    });
    const batch = ["3", "3", "1", "2"].map((cost) => spend(cost, { firm_id }));
    const { body } = await ledger.post("llm-usage", batch);
    expect(body.results.map(codesOf)).toEqual([
      undefined,
      ["budget_threshold_crossed"],
      undefined,
      ["budget_threshold_crossed"],
    ]);
    const audited = await crossings(id);
    expect(
      new Map(audited.map(({ metadata }) => [
        metadata.threshold_percent,
        metadata.usage_id,
      ])),
    )
      .toEqual(new Map([[50, body.results[1].id], [80, body.results[3].id]]));
  });

  test("an event that crosses two thresholds gets one warning and two audit events", async () => {
    const [firm_id, id] = await makeBudget({ limit_usd: "1" });
    const { body } = await ledger.post("llm-usage", spend("0.9", { firm_id }));
    expect(codesOf(body)).toEqual(["budget_threshold_crossed"]);
    expect(await crossings(id)).toHaveLength(2);
  });

  test("a retry and a failed atomic batch are not charged", async () => {
    const [firm_id, id] = await makeBudget({ limit_usd: "10" });
    const event = spend("4", { firm_id, id: newId() });
    await ledger.post("llm-usage", event);
    expect((await ledger.post("llm-usage", event)).status).toBe(200);
    const failed = await ledger.post("llm-usage", [spend("5", { firm_id }), {
      ...event,
      cost_usd: "3",
    }], { query: "?atomic=true" });
    expect(failed.status).toBe(409);
    expect(await read(firm_id))
      .toMatchObject([{ spent_usd: "4", call_count: 1, crossed: [] }]);
    expect(await crossings(id)).toEqual([]);
  });

  test("a call of unknown cost makes the month's spending a floor", async () => {
    const [firm_id] = await makeBudget({ limit_usd: "10" });
    const { cost_usd: _, ...unpriced } = spend("0", { firm_id });
    const calls = [spend("1", { firm_id }), unpriced, unpriced];
    await ledger.post("llm-usage", calls);
    expect(await read(firm_id)).toMatchObject([{
      spent_usd: "1",
      call_count: 3,
      floor_count: 2,
      floor_share: 0.666667,
      is_floor: true,
    }]);
  });

  test("a project's budget counts its calls in addition to the firm's", async () => {
    await set({ firm_id: OTHER_FIRM, limit_usd: "100" });
    const project = await set({
      firm_id: OTHER_FIRM,
      cma_project_id: OTHER_PROJECT,
      limit_usd: "1",
    });
    const { body } = await ledger.post("llm-usage", [
      spend("5", { firm_id: OTHER_FIRM }),
      spend("0.6", { firm_id: OTHER_FIRM, cma_project_id: OTHER_PROJECT }),
    ]);
    expect(body.results.map(codesOf))
      .toEqual([undefined, ["budget_threshold_crossed"]]);
    expect(await read(OTHER_FIRM)).toMatchObject([
      { cma_project_id: null, spent_usd: "5.6", crossed: [] },
      { cma_project_id: OTHER_PROJECT, spent_usd: "0.6", crossed: [50] },
    ]);
    expect(await crossings(project.body.id)).toHaveLength(1);
  });

  test("a replaced budget stops counting, and the new one starts with existing calls", async () => {
    const [firm_id, old] = await makeBudget({ limit_usd: "10" });
    await ledger.post("llm-usage", spend("4", { firm_id }));
    const { body } = await set({ firm_id, limit_usd: "5", thresholds: [100] });
    expect(body).toMatchObject({ spent_usd: "4", left_usd: "1", crossed: [] });
    await ledger.post("llm-usage", spend("3", { firm_id }));
    expect(await read(firm_id))
      .toMatchObject([{ id: body.id, spent_usd: "7", crossed: [100] }]);
    expect(await crossings(body.id)).toHaveLength(1);
    expect(await crossings(old)).toHaveLength(0);
  });

  test("users see their own firm's budgets and set none", async () => {
    const readAs = async (user: string) => {
      const path = `llm-usage/budget?firm_id=${OTHER_FIRM}`;
      const get = { method: "GET" };
      const answer = await ledger.postAs(user, path, undefined, get);
      expect(answer.status).toBe(200);
      return answer.body.budgets;
    };
    expect(await readAs(OTHER_USER)).toEqual(await read(OTHER_FIRM));
    expect(await readAs(USER)).toEqual([]);
    const refused = await ledger.postAs(USER, "llm-usage/budget", {
      firm_id: FIRM,
      limit_usd: "1",
    });
    expect([refused.status, refused.body.code]).toEqual([403, "not_allowed"]);
  });

  const another = { firm_id: OTHER_FIRM, cma_project_id: PROJECT };
  test.each<[string, Members, string]>([
    ["an unknown firm", { firm_id: NOBODY }, "/firm_id"],
    ["an unknown project", { cma_project_id: NOBODY }, "/cma_project_id"],
    ["another firm's project", another, "/cma_project_id"],
    ["a missing limit", { limit_usd: undefined }, "/limit_usd"],
    ["a limit of zero", { limit_usd: "0.00" }, "/limit_usd"],
    ["a limit with seven decimals", { limit_usd: "1.0000001" }, "/limit_usd"],
    ["a negative limit", { limit_usd: -1 }, "/limit_usd"],
    ["a threshold of zero", { thresholds: [0] }, "/thresholds/0"],
    ["a fractional threshold", { thresholds: [50, 0.5] }, "/thresholds/1"],
    ["an empty list of thresholds", { thresholds: [] }, "/thresholds"],
    ["an unknown time zone", { time_zone: "Mars/Olympus" }, "/time_zone"],
    ["an unknown member", { color: "red" }, "/color"],
  ])("%s gets 422 with its pointer", async (_, budget, pointer) => {
    const before = await ledger.count("llm_budgets");
    const { status, body } = await set({ limit_usd: "1", ...budget });
    expect(status).toBe(422);
    expect(body.code).toBe("invalid_request");
    expect(body.errors).toMatchObject([{ pointer }]);
    expect(await ledger.count("llm_budgets")).toBe(before);
  });

  test("reading budgets without firm_id gets 400", async () => {
    const get = { method: "GET" };
    const { status, body } = await ledger
      .post("llm-usage/budget", undefined, get);
    expect(status).toBe(400);
    expect(body.detail).toContain("query parameter firm_id ");
  });
});
