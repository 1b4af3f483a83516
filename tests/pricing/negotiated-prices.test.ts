import { beforeAll, describe, expect, test } from "vitest";
import {
  ENGINES,
  FIRM,
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

describe.each(ENGINES)("a price that a firm negotiated, on %s", (engine) => {
  const ledger = useStack(engine);
  let negotiated: string;
  let general: string;
  beforeAll(async () => {
    negotiated = await enterPrice(ledger, {
      match_value: "secret-deal",
      firm_id: FIRM,
      input_usd_per_mtok: "0.7",
    });
    general = await enterPrice(ledger, {
      match_value: "secret-deal",
      input_usd_per_mtok: "2",
    });
  });
  /** The prices that the REST API shows a user. */
  const pricesOf = async (user: string): Promise<Members[]> => {
    const token = await ledger.stack.signUserToken(user);
    const response = await fetch(
      `${ledger.stack.url}/rest/v1/model_prices?match_value=eq.secret-deal`,
      {
        headers: {
          apikey: ledger.stack.publishableKey,
          authorization: `Bearer ${token}`,
        },
      },
    );
    return await response.json();
  };

  test("is charged to that firm, and invisible to another firm's user", async () => {
    const event = {
      model: "secret-deal",
      input_tokens: 1_000_000,
      output_tokens: 0,
    };
    const charged = [FIRM, OTHER_FIRM].map(async (firm_id) => {
      const { body } = await ledger.post(
        "llm-usage",
        makeEvent({ ...event, firm_id }),
      );
      return [body.cost_usd, body.price_id];
    });
    expect(await Promise.all(charged))
      .toEqual([["0.700000", negotiated], ["2.000000", general]]);

    const get = async (path: string, query = "") => {
      const options = { method: "GET", query };
      return (await ledger.postAs(OTHER_USER, path, undefined, options)).body;
    };
    expect((await get("llm-usage")).rows).toEqual([
      expect.objectContaining({ firm_id: OTHER_FIRM, price_id: general }),
    ]);
    const { totals } = await get("llm-usage/summary", `?${RANGE}`);
    expect(totals).toMatchObject({ count: 1, cost_usd_exact: "2" });
  });

  test("is visible to that firm's users, beside the general price", async () => {
    const idsOf = async (user: string) =>
      (await pricesOf(user)).map(({ id }) => id).sort();
    expect(await idsOf(USER)).toEqual([negotiated, general].sort());
    expect(await pricesOf(OTHER_USER)).toEqual([
      expect.objectContaining({ id: general, input_usd_per_mtok: 2 }),
    ]);
  });

  test("is invisible to anonymous callers, and users may not enter one", async () => {
    const url = `${ledger.stack.url}/rest/v1/model_prices`;
    const headers = { apikey: ledger.stack.publishableKey };
    const anonymous = await fetch(url, { headers });
    expect(anonymous.status).toBe(401);
    await anonymous.body?.cancel();
    const token = await ledger.stack.signUserToken(USER);
    const entered = await fetch(url, {
      method: "POST",
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        provider: "acme",
        match_kind: "equals",
        match_value: "known",
        firm_id: FIRM,
        effective_from: "2026-01-01T00:00:00Z",
        source: "me",
        input_usd_per_mtok: "0",
      }),
    });
    expect(entered.status).toBe(403);
    await entered.body?.cancel();
  });
});
