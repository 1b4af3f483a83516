import { describe, expect, test } from "vitest";
import { ENGINES } from "../support/databases.ts";
import { addLlmUsage } from "../support/log-rows.ts";
import {
  type Members,
  newModel,
  usePricedDatabase,
} from "../support/priced-database.ts";

describe.each(ENGINES)("unknown and reported costs on $name", (engine) => {
  const priced = usePricedDatabase(engine);
  const totalsOf = (model: string) =>
    priced.summarise({ filters: { model: [model] } });

  /** Records an event with a reported cost, whose model costs 2 USD per million input tokens. */
  async function report(cost_usd: string, more: Members = {}) {
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "2" });
    const [result] = await priced.record([
      { model, input_tokens: 1_000, cost_usd, ...more },
    ]);
    return result;
  }

  test("a call without a known price is unpriced and keeps its tokens", async () => {
    const [{ outcome, warnings, row }] = await priced.record([
      { model: newModel(), input_tokens: 1_000, output_tokens: 20 },
    ]);
    expect([outcome, warnings]).toEqual(["recorded", ["unpriced"]]);
    expect(row).toMatchObject({
      input_tokens: 1_000,
      output_tokens: 20,
      cost_usd: "0.000000",
      cost_usd_exact: "0",
      cost_source: "unpriced",
      price_id: null,
      reported_cost_usd: null,
      computed_cost_usd: null,
      cost_is_floor: true,
    });
  });

  test("a price of zero is a known price without a warning", async () => {
    const model = newModel();
    const price_id = await priced.enter({
      match_value: model,
      input_usd_per_mtok: "0",
      output_usd_per_mtok: "0",
    });
    const [{ warnings, row }] = await priced.record([
      { model, input_tokens: 1_000, output_tokens: 20 },
    ]);
    expect(warnings).toBeUndefined();
    expect(row).toMatchObject({
      cost_usd: "0.000000",
      cost_usd_exact: "0",
      cost_source: "computed",
      price_id,
      computed_cost_usd: "0",
      cost_is_floor: false,
    });
  });

  test("a call that is priced in part has a floor and a warning", async () => {
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "2" });
    const [known, partly, none] = await priced.record([
      { model, input_tokens: 1_000 },
      { model, input_tokens: 1_000, output_tokens: 1 },
      // A unit with a quantity of 0 has no cost.
      { model, input_tokens: 1_000, other_units: { web_searches: 0 } },
    ]);
    expect(known.warnings).toBeUndefined();
    expect(partly.warnings).toEqual(["partly_unpriced"]);
    expect(none.warnings).toBeUndefined();
    expect([known, partly, none].map(({ row }) => row.cost_is_floor))
      .toEqual([false, true, false]);
    expect(partly.row).toMatchObject({
      cost_source: "computed",
      cost_usd_exact: "0.002",
    });
  });

  test("a reported cost is charged, and the computed one is stored beside it", async () => {
    const { warnings, row } = await report("0.0021");
    expect(row).toMatchObject({
      cost_source: "reported",
      cost_usd: "0.002100",
      cost_usd_exact: "0.0021",
      reported_cost_usd: "0.0021",
      computed_cost_usd: "0.002",
      price_id: expect.any(String),
      cost_differs: true,
      cost_is_floor: false,
    });
    expect(warnings).toEqual(["cost_differs"]);
  });

  test.each([
    ["0.00202", false],
    ["0.002021", true],
    ["0.00198", false],
    ["0.001979", true],
    ["0", true],
  ])(
    "a reported cost of %s instead of 0.002 differs: %s",
    async (cost_usd, differs) => {
      expect((await report(cost_usd)).row.cost_differs).toBe(differs);
    },
  );

  test("a cost reported with six decimals does not differ by its rounding alone", async () => {
    const { row } = await report("0.000001", { input_tokens: 1 });
    expect(row).toMatchObject({ computed_cost_usd: "0.000002" });
    expect(row.cost_differs).toBe(true);
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "0.6" });
    const rounded = await priced.recordOne(
      { model, input_tokens: 1, cost_usd: "0.000001" },
    );
    expect(rounded).toMatchObject({
      computed_cost_usd: "0.0000006",
      cost_differs: false,
    });
  });

  test("a reported cost without a known price is charged and does not differ", async () => {
    const model = newModel();
    const [{ warnings, row }] = await priced.record([
      { model, input_tokens: 1_000, cost_usd: "0.5" },
    ]);
    expect(warnings).toBeUndefined();
    expect(row).toMatchObject({
      cost_source: "reported",
      computed_cost_usd: null,
      cost_differs: false,
      cost_is_floor: false,
    });
  });

  test("totals count unpriced calls and their tokens", async () => {
    const model = newModel();
    await priced.record([{ model, input_tokens: 500, output_tokens: 60 }]);
    await priced.enter({ match_value: model, input_usd_per_mtok: "0.0004" });
    const known = { model, input_tokens: 1 };
    await priced.record([known, known, known]);
    await priced.record([{ ...known, cost_usd: "0.25" }]);
    expect(await totalsOf(model)).toMatchObject({
      count: 5,
      input_tokens: 504,
      cost_usd: "0.250000",
      cost_usd_exact: "0.2500000012",
      reported_cost_usd: "0.25",
      computed_cost_usd: "0.0000000016",
      priced_count: 4,
      unpriced_count: 1,
      unpriced_input_tokens: 500,
      unpriced_output_tokens: 60,
      is_floor: true,
      differing_count: 1,
    });
  });

  test("totals of priced calls are not a floor", async () => {
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "2" });
    await priced.record([{ model, input_tokens: 1 }]);
    expect(await totalsOf(model))
      .toMatchObject({ unpriced_count: 0, is_floor: false });
    expect(await totalsOf(newModel())).toMatchObject({
      count: 0,
      cost_usd: "0.000000",
      cost_usd_exact: "0",
      priced_count: 0,
      unpriced_input_tokens: 0,
      is_floor: false,
    });
  });

  test("a row that was inserted into the table directly reads as reported", async () => {
    const model = newModel();
    const id = await addLlmUsage(priced.db.query, {
      firm_id: priced.world.firm1,
      model,
      cost_usd: "0.000124",
      created_at: "2026-06-15T12:00:00Z",
    });
    const page = await priced.value<{ rows: Members[] }>(
      `select public.list_log('llm_usage_log', 'created_at',
         filters => jsonb_build_object('cost_source', array['reported'], 'model', array[$1::text]))`,
      [model],
    );
    expect(page.rows).toHaveLength(1);
    expect(page.rows[0]).toMatchObject({
      id,
      cost_source: "reported",
      cost_usd: "0.000124",
      cost_usd_exact: "0.000124",
      provider: null,
      price_id: null,
    });
    for (const as_of of ["charged", "latest"]) {
      const totals = await priced.summarise({
        filters: { model: [model] },
        as_of,
      });
      expect(totals).toMatchObject({
        cost_usd_exact: "0.000124",
        priced_count: 1,
        unpriced_count: 0,
        is_floor: false,
      });
    }
  });

  test("an event whose cost is out of range is rejected alone", async () => {
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "1000" });
    const largest = { model, input_tokens: 9_999_999 };
    const results = await priced.record([
      largest,
      { model, input_tokens: 10_000_000 },
      { model, input_tokens: 10_000_001 },
    ]);
    expect(results.map(({ outcome }) => outcome))
      .toEqual(["recorded", "rejected", "rejected"]);
    expect(results[0].row.cost_usd).toBe("9999.999000");
    expect(results[1].faults)
      .toEqual([{ column: "cost_usd", code: "out_of_range" }]);
    expect((await totalsOf(model)).count).toBe(1);
  });

  test("an event whose cost rounds out of range is rejected", async () => {
    const model = newModel();
    await priced.enter({
      match_value: model,
      input_usd_per_mtok: "9999.9999996",
    });
    const [{ faults }] = await priced.record([
      { model, input_tokens: 1_000_000 },
    ]);
    expect(faults).toEqual([{ column: "cost_usd", code: "out_of_range" }]);
  });

  test("a rating of more rows than max_rows is refused", async () => {
    const model = newModel();
    await priced.record([{ model }, { model }, { model }]);
    const rateAtMost = (rows: number) =>
      priced.value(
        `select public.rate_llm_usage(jsonb_build_object('model', jsonb_build_array($1::text)),
           '2026-01-01', '2027-01-01', 'why', max_rows => $2::text::int)`,
        [model, String(rows)],
      );
    await expect(rateAtMost(2)).rejects.toThrow("more than 2 rows");
    expect(await rateAtMost(3)).toMatchObject({ considered: 3, unpriced: 3 });
  });
});
