import { describe, expect, test } from "vitest";
import { ENGINES } from "../support/databases.ts";
import {
  type Members,
  newModel,
  usePricedDatabase,
} from "../support/priced-database.ts";

describe.each(ENGINES)("the months of a budget on $name", (engine) => {
  const priced = usePricedDatabase(engine);

  /** A firm of its own, whose budget of 10 dollars was set in a past month. */
  async function makeBudget(
    { since, time_zone = "UTC" }: { since: string; time_zone?: string },
  ): Promise<{ firm: string; budget: string }> {
    const [{ firm }] = await priced.db.query<{ firm: string }>(
      "insert into firms (name) values ('Firm') returning id as firm",
    );
    const [{ budget }] = await priced.db.query<{ budget: string }>(
      `insert into llm_budgets (firm_id, limit_usd, thresholds, time_zone, first_month)
       values ($1, 10, '{100}', $2, date_trunc('month', $3::text::timestamptz, $2)) returning id as budget`,
      [firm, time_zone, since],
    );
    return { firm, budget };
  }

  /** The firm's budget at a time. */
  const at = async (firm: string, time: string): Promise<Members> => {
    const [budget] = await priced.value<Members[]>(
      "select public.read_llm_budgets($1, $2::text::timestamptz)",
      [firm, time],
    );
    return budget;
  };
  const spend = (firm_id: string, cost_usd: string, created_at: string) => ({
    firm_id,
    cost_usd,
    created_at,
    model: newModel(),
  });

  test("follow its time zone, also across a change of the clocks", async () => {
    const { firm } = await makeBudget({
      since: "2026-03-15T00:00:00Z",
      time_zone: "Europe/Berlin",
    });
    // April begins two hours before it does in UTC.
    await priced.record([
      spend(firm, "1", "2026-02-28T22:59:59.999999Z"),
      spend(firm, "2", "2026-02-28T23:00:00Z"),
      spend(firm, "3", "2026-03-31T21:59:59.999999Z"),
      spend(firm, "4", "2026-03-31T22:00:00Z"),
      spend(firm, "0.5", "2026-04-30T21:59:59Z"),
    ]);
    expect(await at(firm, "2026-03-31T21:00:00Z")).toMatchObject({
      month: "2026-03",
      time_zone: "Europe/Berlin",
      spent_usd: "5",
      call_count: 2,
    });
    expect(await at(firm, "2026-03-31T22:00:00Z"))
      .toMatchObject({ month: "2026-04", spent_usd: "4.5" });
    expect(await at(firm, "2026-05-01T12:00:00Z"))
      .toMatchObject({ month: "2026-05", spent_usd: "0", left_usd: "10" });
  });

  test("count late events in their own month, and none before the first month", async () => {
    const { firm, budget } = await makeBudget({
      since: "2026-04-01T00:00:00Z",
    });
    const results = await priced.record([
      spend(firm, "7", "2026-05-10T00:00:00Z"),
      spend(firm, "10", "2026-04-10T00:00:00Z"),
      spend(firm, "50", "2026-03-31T23:59:59.999999Z"),
    ]);
    expect(results.map(({ warnings }) => warnings))
      .toEqual([undefined, ["budget_threshold_crossed"], undefined]);
    expect(await at(firm, "2026-05-31T00:00:00Z"))
      .toMatchObject({ spent_usd: "7", crossed: [] });
    expect(await at(firm, "2026-04-30T00:00:00Z"))
      .toMatchObject({ spent_usd: "10", crossed: [100] });
    expect(await at(firm, "2026-03-31T00:00:00Z"))
      .toMatchObject({ spent_usd: "0" });
    const audited = await priced.db.query(
      "select metadata ->> 'month' as month from audit_log where entity_id = $1",
      [budget],
    );
    expect(audited).toEqual([{ month: "2026-04" }]);
    await priced.record([spend(firm, "3", "2026-05-11T00:00:00Z")]);
    expect(await at(firm, "2026-05-31T00:00:00Z"))
      .toMatchObject({ spent_usd: "10", crossed: [100] });
  });

  test("count costs below the precision of cost_usd", async () => {
    const { firm } = await makeBudget({ since: "2026-06-01T00:00:00Z" });
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "0.0025" });
    const call = { firm_id: firm, model, input_tokens: 1 };
    await priced.record([call, call, call, call]);
    expect(await at(firm, "2026-06-30T00:00:00Z"))
      .toMatchObject({ spent_usd: "0.00000001", is_floor: false });
  });

  test("start with all existing rows, however they were written", async () => {
    const { firm1, project1 } = priced.world;
    const model = newModel();
    await priced.enter({
      match_value: model,
      input_usd_per_mtok: "0.0025",
      effective_from: "1970-01-01T00:00:00Z",
    });
    const now = new Date().toISOString();
    await priced.record([
      { model, input_tokens: 1, created_at: now },
      { model, input_tokens: 1, created_at: now, cma_project_id: project1 },
      { created_at: now, input_tokens: 9 },
      { created_at: "2020-01-01T00:00:00Z", cost_usd: "5" },
    ]);
    await priced.db.query(
      `insert into llm_usage_log (firm_id, model, task_type, input_tokens, output_tokens, cost_usd)
       values ($1, 'm', 'fallback', 1, 1, 0.25)`,
      [firm1],
    );
    for (const project of [null, project1]) {
      await priced.value(
        "select public.set_llm_budget($1, $2, 10, '{100}', 'UTC')",
        [firm1, project],
      );
    }
    const budgets = await priced.value<Members[]>(
      "select public.read_llm_budgets($1)",
      [firm1],
    );
    expect(budgets).toMatchObject([
      { spent_usd: "0.250000005", call_count: 4, floor_count: 1 },
      { spent_usd: "0.0000000025", call_count: 1, floor_count: 0 },
    ]);
    expect(await at(firm1, "2020-01-01T00:00:00Z"))
      .toMatchObject({ spent_usd: "0", call_count: 0 });
  });

  test("are not kept for a firm without a budget", async () => {
    const { firm2 } = priced.world;
    await priced.record([spend(firm2, "1", "2026-06-01T00:00:00Z")]);
    const rows = await priced.db.query(
      "select from ledger.budget_months where firm_id = $1",
      [firm2],
    );
    expect(rows).toEqual([]);
  });
});

describe.each(ENGINES)("without any budget on $name", (engine) => {
  const priced = usePricedDatabase(engine);

  test("an event locks no table of budgets", async () => {
    const event = {
      id: crypto.randomUUID(),
      firm_id: priced.world.firm1,
      model: "m",
      task_type: "fallback",
      input_tokens: 1,
      output_tokens: 1,
    };
    const [{ locks }] = await priced.asService(async (query) => {
      await query(
        "select public.record_llm_usage_log(jsonb_build_array($1::text::jsonb))",
        [JSON.stringify(event)],
      );
      return await query<{ locks: string[] }>(
        `select array_agg(distinct relation::regclass::text) as locks from pg_locks
         where pid = pg_backend_pid() and mode like 'Row%'`,
      );
    });
    expect(locks).toContain("llm_usage_log");
    expect(locks.filter((name) => /budget|reservation/.test(name))).toEqual([]);
  });
});
