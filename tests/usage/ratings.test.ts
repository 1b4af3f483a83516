import { describe, expect, test } from "vitest";
import {
  ENGINES,
  FIRM,
  newId,
  OTHER_FIRM,
  OTHER_USER,
  USER,
  useStack,
} from "../support/running-stack.ts";
import {
  enterPrice,
  makeEvent,
  type Members,
} from "../support/stack-prices.ts";

const RANGE = "from=2026-06-01&to=2026-07-01";

describe.each(ENGINES)("ratings on %s", (engine) => {
  const ledger = useStack(engine);

  /** Rates the calls of a model in June. */
  const rate = (model: string, body: Members = {}) =>
    ledger.post("llm-usage/ratings", { reason: "a price arrived", ...body }, {
      query: `?${RANGE}&model=${model}`,
    });
  const totalsOf = async (model: string, asOf = "charged") => {
    const path = `llm-usage/summary?${RANGE}&model=${model}&as_of=${
      encodeURIComponent(asOf)
    }`;
    const { body } = await ledger.post(path, undefined, { method: "GET" });
    expect(body.as_of).toBe(asOf);
    return body.totals;
  };
  const price = (match_value: string, usd: string, more: Members = {}) =>
    enterPrice(ledger, { match_value, input_usd_per_mtok: usd, ...more });

  /** Records calls of a million tokens of a new model, priced at `usd` or unpriced. */
  async function use(
    usd: string | null,
    { times = 1, ...more }: Members & { times?: number } = {},
  ): Promise<string> {
    const model = `model-${newId()}`;
    if (usd !== null) await price(model, usd);
    const event = makeEvent({
      model,
      input_tokens: 1_000_000,
      output_tokens: 0,
      ...more,
    });
    const { body } = await ledger.post("llm-usage", Array(times).fill(event));
    expect(body.recorded).toBe(times);
    return model;
  }

  test("apply a price that arrived late, and leave the charge unchanged", async () => {
    const model = await use(null, { times: 3 });
    const price_id = await price(model, "2");
    const { status, body } = await rate(model);
    expect([status, body]).toEqual([201, {
      from: "2026-06-01",
      to: "2026-07-01",
      reason: "a price arrived",
      dry_run: false,
      rated_at: expect.any(String),
      considered: 3,
      changed: 3,
      unpriced: 0,
      cost_usd_before: "0",
      cost_usd_after: "6",
      changes: [{
        provider: "acme",
        model,
        price_id,
        count: 3,
        cost_usd_before: "0",
        cost_usd_after: "6",
      }],
    }]);
    expect(await totalsOf(model)).toMatchObject({
      cost_usd_exact: "0",
      unpriced_count: 3,
      unpriced_input_tokens: 3_000_000,
      is_floor: true,
    });
    expect(await totalsOf(model, "latest")).toMatchObject({
      cost_usd_exact: "6",
      priced_count: 3,
      unpriced_count: 0,
      unpriced_input_tokens: 0,
      is_floor: false,
    });
    const [row] = await ledger.rows("llm_usage_log", { model });
    const ratings = await ledger.rows("llm_usage_ratings", {
      usage_id: row.id,
    });
    expect(ratings).toMatchObject([
      { reason: "a price arrived", price_id, cost_source: "computed" },
    ]);
  });

  test("add nothing when they are repeated", async () => {
    const model = await use("1");
    expect((await rate(model)).body)
      .toMatchObject({ considered: 1, changed: 0 });
    await price(model, "2");
    expect((await rate(model)).body.changed).toBe(1);
    expect(await rate(model)).toMatchObject({
      status: 200,
      body: { changed: 0, cost_usd_before: "2", changes: [] },
    });
    expect(await totalsOf(model, "latest"))
      .toMatchObject({ count: 1, cost_usd_exact: "2" });
  });

  test("rate each call once in concurrent requests", async () => {
    const model = await use("1", { times: 3 });
    await price(model, "2");
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => rate(model)),
    );
    expect(answers.map(({ body }) => body.changed).sort())
      .toEqual([0, 0, 0, 3]);
    expect((await totalsOf(model, "latest")).cost_usd_exact).toBe("6");
  });

  test("store nothing in a dry run", async () => {
    const model = await use("1");
    await price(model, "2");
    const before = await ledger.count("llm_usage_ratings");
    const costs = { cost_usd_before: "1", cost_usd_after: "2" };
    expect(await rate(model, { dry_run: true }))
      .toMatchObject({
        status: 200,
        body: { rated_at: null, changed: 1, ...costs },
      });
    expect(await ledger.count("llm_usage_ratings")).toBe(before);
    expect((await totalsOf(model, "latest")).cost_usd_exact).toBe("1");
  });

  test("are visible as of any timestamp", async () => {
    const model = await use("1");
    const times: string[] = [];
    for (const usd of ["2", "3"]) {
      await price(model, usd);
      times.push((await rate(model)).body.rated_at);
    }
    const early = "2026-06-30T00:00:00Z";
    for (
      const [asOf, cost] of [
        ["charged", "1"],
        [early, "1"],
        [times[0], "2"],
        [times[1], "3"],
        ["latest", "3"],
      ]
    ) {
      expect((await totalsOf(model, asOf)).cost_usd_exact).toBe(cost);
    }
  });

  test("skip reported costs", async () => {
    const model = await use("1", { cost_usd: "0.5" });
    await price(model, "2");
    expect((await rate(model)).body)
      .toMatchObject({ considered: 0, changed: 0 });
    expect((await totalsOf(model, "latest")).cost_usd_exact).toBe("0.5");
  });

  test("make calls unpriced whose price was withdrawn", async () => {
    const model = await use("1");
    await price(model, "1", { effective_to: "2026-01-01T00:00:00Z" });
    expect((await rate(model)).body).toMatchObject({
      changed: 1,
      unpriced: 1,
      cost_usd_before: "1",
      cost_usd_after: "0",
    });
    expect(await totalsOf(model, "latest")).toMatchObject({
      cost_usd_exact: "0",
      unpriced_count: 1,
      is_floor: true,
    });
    expect(await totalsOf(model)).toMatchObject({
      cost_usd_exact: "1",
      unpriced_count: 0,
      is_floor: false,
    });
  });

  test("treat a price of zero as a known price", async () => {
    const model = await use(null);
    await price(model, "0");
    expect((await rate(model)).body.changed).toBe(1);
    expect(await totalsOf(model, "latest"))
      .toMatchObject({ unpriced_count: 0, is_floor: false });
  });

  test("clear the floor when the missing unit gets a price of zero", async () => {
    const model = await use("1", { output_tokens: 5 });
    expect(await totalsOf(model, "latest"))
      .toMatchObject({ cost_usd_exact: "1", is_floor: true });
    await price(model, "1", { output_usd_per_mtok: "0" });
    expect((await rate(model)).body.changed).toBe(1);
    expect(await totalsOf(model, "latest"))
      .toMatchObject({ cost_usd_exact: "1", is_floor: false });
    expect((await rate(model)).body.changed).toBe(0);
  });

  test("use the price for the time, the firm and the service tier of each call", async () => {
    const model = `model-${newId()}`;
    const event = { model, input_tokens: 1_000_000, output_tokens: 0 };
    await ledger.post(
      "llm-usage",
      [
        event,
        { ...event, created_at: "2026-06-20T00:00:00Z" },
        { ...event, firm_id: OTHER_FIRM },
        { ...event, service_tier: "batch" },
        { ...event, created_at: "2026-05-31T23:59:59Z" },
      ].map(makeEvent),
    );
    await price(model, "1");
    await price(model, "2", { effective_from: "2026-06-20T00:00:00Z" });
    await price(model, "10", { firm_id: OTHER_FIRM });
    const { body } = await rate(model);
    expect(body).toMatchObject({
      considered: 4,
      changed: 3,
      unpriced: 1,
      cost_usd_after: "13",
    });
  });

  test("are refused to users, who see those of their own firm", async () => {
    const own = await use("1");
    const other = await use("1", { firm_id: OTHER_FIRM });
    for (const model of [own, other]) {
      await price(model, "2");
      await rate(model);
    }
    const refused = await ledger.postAs(USER, "llm-usage/ratings", {
      reason: "mine",
    }, { query: `?${RANGE}` });
    expect([refused.status, refused.body.code]).toEqual([403, "not_allowed"]);

    const firms = async (user: string) => {
      const token = await ledger.stack.signUserToken(user);
      const response = await fetch(
        `${ledger.stack.url}/rest/v1/llm_usage_ratings?select=firm_id`,
        {
          headers: {
            apikey: ledger.stack.publishableKey,
            authorization: `Bearer ${token}`,
          },
        },
      );
      const rows = await response.json() as { firm_id: string }[];
      return new Set(rows.map(({ firm_id }) => firm_id));
    };
    expect(await firms(USER)).toEqual(new Set([FIRM]));
    expect(await firms(OTHER_USER)).toEqual(new Set([OTHER_FIRM]));
    const path =
      `llm-usage/summary?${RANGE}&model=${own}&model=${other}&as_of=latest`;
    const get = { method: "GET" };
    const seen = await ledger.postAs(OTHER_USER, path, undefined, get);
    expect(seen.body.totals).toMatchObject({ count: 1, cost_usd_exact: "2" });
  });

  test.each([
    ["without to", "?from=2026-06-01", {}, 400, "to"],
    ["with an unknown filter", `?${RANGE}&colour=red`, {}, 400, "colour"],
    ["with min_cost_usd", `?${RANGE}&min_cost_usd=1`, {}, 400, "min_cost_usd"],
    ["without a reason", `?${RANGE}`, { reason: undefined }, 422, "/reason"],
    [
      "with a dry_run that is not a boolean",
      `?${RANGE}`,
      { dry_run: "yes" },
      422,
      "/dry_run",
    ],
  ])("are refused %s", async (_, query, body, status, named) => {
    const answer = await ledger.post("llm-usage/ratings", {
      reason: "why",
      ...body,
    }, { query });
    expect(answer.status).toBe(status);
    expect(answer.body.detail).toContain(named);
  });

  test.each(["yesterday", "2026-06-01", "CHARGED"])(
    "a summary with as_of=%s gets 400",
    async (asOf) => {
      const { status, body } = await ledger.post(
        `llm-usage/summary?${RANGE}&as_of=${asOf}`,
        undefined,
        { method: "GET" },
      );
      expect(status).toBe(400);
      expect(body.detail).toContain("query parameter as_of ");
    },
  );
});
