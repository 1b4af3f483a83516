import { beforeAll, describe, expect, test } from "vitest";
import { ENGINES, FIRM, newId, useStack } from "../support/running-stack.ts";
import {
  enterPrice,
  makeEvent,
  type Members,
} from "../support/stack-prices.ts";

const RANGE = "from=2026-06-01&to=2026-07-01";

/** The columns of llm_usage_details, in the order in which they follow the table's own. */
const DETAILS =
  "provider,api_flavor,service_tier,usage,cache_read_tokens,cache_write_5m_tokens,cache_write_1h_tokens,reasoning_tokens,reservation_id,uncached_input_tokens,visible_output_tokens,other_units,unread_members,token_convention,convention_basis,cost_source,price_id,cost_usd_exact,reported_cost_usd,computed_cost_usd,cost_is_floor,cost_differs";

describe.each(ENGINES)("priced usage on %s", (engine) => {
  const ledger = useStack(engine);
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const options = { method: "GET", headers };
    return (await ledger.post(`llm-usage${path}`, undefined, options)).body;
  };
  /** Ids of the rows that a list shows. */
  const idsOf = async (query: string) =>
    (await get(`?${RANGE}&${query}`)).rows.map((row: Members) => row.id).sort();

  const ids = {
    computed: newId(),
    batch: newId(),
    reported: newId(),
    differing: newId(),
    unpriced: newId(),
  };
  let priceId: string;

  beforeAll(async () => {
    priceId = await enterPrice(ledger, {
      match_value: "known",
      input_usd_per_mtok: "0.0025",
    });
    const known = { model: "known", input_tokens: 1_000_000, output_tokens: 0 };
    const { body } = await ledger.post(
      "llm-usage",
      [
        { ...known, id: ids.computed },
        { ...known, id: ids.batch, service_tier: "Batch" },
        { ...known, id: ids.reported, cost_usd: "0.0025" },
        { ...known, id: ids.differing, cost_usd: "0.0030" },
        {
          id: ids.unpriced,
          provider: "unknown",
          input_tokens: 70,
          output_tokens: 7,
        },
      ].map(makeEvent),
    );
    expect(body.recorded).toBe(5);
    expect(
      body.results.map(({ warnings }: Members) =>
        (warnings as Members[] | undefined)?.map(({ code }) => code)
      ),
    ).toEqual([
      undefined,
      ["unpriced"],
      undefined,
      ["cost_differs"],
      ["unpriced"],
    ]);
  });

  test("is priced by published prices on a fresh stack", async () => {
    const { status, body } = await ledger.post("llm-usage", {
      firm_id: FIRM,
      model: "claude-sonnet-4-5-20250929",
      task_type: "extraction",
      input_tokens: 1_000,
      output_tokens: 100,
    });
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({
        provider: "anthropic",
        cost_source: "computed",
        cost_usd: "0.004500",
      }),
    ]);
    const [price] = await ledger.rows("model_prices", { id: body.price_id });
    expect(price).toMatchObject({ provider: "anthropic", published: true });
  });

  test("is filtered by provider, service_tier, cost_source and cost_differs", async () => {
    const { computed, batch, reported, differing, unpriced } = ids;
    const sorted = (...list: string[]) => list.sort();
    expect(await idsOf("provider=unknown")).toEqual([unpriced]);
    expect(await idsOf("provider=ACME.chat&provider=unknown"))
      .toEqual(Object.values(ids).sort());
    expect(await idsOf("service_tier=batch")).toEqual([batch]);
    expect(await idsOf("service_tier=default&provider=acme"))
      .toEqual(sorted(computed, reported, differing));
    expect(await idsOf("cost_source=unpriced"))
      .toEqual(sorted(batch, unpriced));
    expect(await idsOf("cost_source=reported&cost_source=computed"))
      .toEqual(sorted(computed, reported, differing));
    expect(await idsOf("cost_differs=true")).toEqual([differing]);
    expect(await idsOf("cost_differs=false&cost_source=reported"))
      .toEqual([reported]);
  });

  test("is grouped by provider, service_tier and cost_source", async () => {
    const groups = async (by: string) =>
      (await get(`/summary?${RANGE}&group_by=${by}`)).groups;
    expect(await groups("provider")).toMatchObject([
      { provider: "acme", count: 4, unpriced_count: 1, is_floor: true },
      { provider: "unknown", count: 1, priced_count: 0, is_floor: true },
    ]);
    expect(await groups("cost_source,service_tier")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          cost_source: "unpriced",
          service_tier: "batch",
          count: 1,
          unpriced_input_tokens: 1_000_000,
        }),
        expect.objectContaining({
          cost_source: "reported",
          service_tier: "standard",
          count: 2,
          cost_usd_exact: "0.0055",
          is_floor: false,
          differing_count: 1,
        }),
        expect.objectContaining({
          cost_source: "computed",
          cost_usd_exact: "0.0025",
          is_floor: false,
        }),
      ]),
    );
  });

  test("has totals that count unpriced calls", async () => {
    const { totals, as_of } = await get(`/summary?${RANGE}`);
    expect(as_of).toBe("charged");
    expect(totals).toMatchObject({
      count: 5,
      cost_usd: "0.008000",
      cost_usd_exact: "0.008",
      priced_count: 3,
      unpriced_count: 2,
      unpriced_input_tokens: 1_000_070,
      unpriced_output_tokens: 7,
      is_floor: true,
    });
    const [nothing] = [
      (await get("/summary?from=2026-05-01&to=2026-06-01"))
        .totals,
    ];
    expect(nothing).toMatchObject({
      cost_usd_exact: "0",
      unpriced_count: 0,
      is_floor: false,
    });
  });

  test("has its cost_source and costs in JSON and CSV", async () => {
    const row = await get(`/${ids.differing}`);
    expect(row).toMatchObject({
      cost_usd: "0.003000",
      cost_source: "reported",
      reported_cost_usd: "0.0030",
      computed_cost_usd: "0.0025",
      cost_differs: true,
      price_id: priceId,
    });
    const csv: string = await get(`?${RANGE}&cost_differs=true`, {
      accept: "text/csv",
    });
    const [head, line, end] = csv.split("\r\n");
    expect(head).toContain(`,created_at,${DETAILS}`);
    expect(head.startsWith("id,firm_id,cma_project_id,model,")).toBe(true);
    expect(line)
      .toContain(`reported,${priceId},0.0030,0.0030,0.0025,false,true`);
    expect(end).toBe("");
    const sums: string = await get(`/summary?${RANGE}`, { accept: "text/csv" });
    const [names, totals] = sums.split("\r\n").map((text) => text.split(","));
    const shown = Object.fromEntries(names.map((name, i) => [name, totals[i]]));
    expect(shown).toMatchObject({
      kind: "total",
      cost_usd_exact: "0.008",
      unpriced_count: "2",
      is_floor: "true",
    });
  });

  test("that was inserted into the table directly reads as reported", async () => {
    const id = newId();
    const { error } = await ledger.admin().from("llm_usage_log").insert({
      ...makeEvent({ id, input_tokens: 1, output_tokens: 1, cost_usd: 0.25 }),
      provider: undefined,
      created_at: "2026-04-01T00:00:00Z",
    });
    expect(error).toBeNull();
    expect(await get(`/${id}`)).toMatchObject({
      cost_source: "reported",
      cost_usd_exact: "0.250000",
      provider: null,
    });
    const { totals } = await get("/summary?from=2026-04-01&to=2026-04-02");
    expect(totals).toMatchObject({ priced_count: 1, cost_usd_exact: "0.25" });
  });
});
