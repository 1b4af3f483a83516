import { describe, expect, test } from "vitest";
import { ENGINES, queryAs, useDatabase } from "../support/databases.ts";

const COLUMNS = [
  "input_usd_per_mtok",
  "cache_read_usd_per_mtok",
  "cache_write_5m_usd_per_mtok",
  "cache_write_1h_usd_per_mtok",
  "output_usd_per_mtok",
  "reasoning_usd_per_mtok",
  "request_usd",
];
const DAY = "2026-01-01T00:00:00Z";

describe.each(ENGINES)("model_prices on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  /** Enters a price, as the owner, with `members` instead of the usual ones. */
  const enter = (members: Record<string, unknown>) =>
    db.query(
      `insert into public.model_prices (provider, match_kind, match_value, effective_from, effective_to,
           daily_from, daily_to, service_tier, source, other_usd_per_million, context_tiers, ${COLUMNS})
         select provider, match_kind, match_value, effective_from, effective_to, daily_from, daily_to,
           service_tier, source, other_usd_per_million, context_tiers, ${COLUMNS}
         from jsonb_populate_record(null::public.model_prices, $1::text::jsonb) returning id`,
      [JSON.stringify({
        provider: "acme",
        match_kind: "equals",
        match_value: "model-1",
        effective_from: DAY,
        service_tier: "standard",
        source: "a contract",
        other_usd_per_million: {},
        context_tiers: [],
        ...members,
      })],
    );

  test.each<[string, Record<string, unknown>]>([
    ["a price of 0", { input_usd_per_mtok: "0" }],
    ["the smallest price", { input_usd_per_mtok: "0.000000000001" }],
    ["no price", {}],
    ["a regex with upper case and what follows", {
      match_kind: "regex",
      match_value: "^(?=gemini-2\\.5-pro)(?!.*-[tT][tT][sS](?:$|-))",
    }],
    ["a day that ends past midnight", {
      daily_from: "22:00",
      daily_to: "04:00",
    }],
    ["a price that was withdrawn", { effective_to: DAY }],
    ["prices of other units", {
      other_usd_per_million: { web_searches: "10000" },
    }],
    ["tiers", {
      context_tiers: [
        { above_input_tokens: 0, input_usd_per_mtok: "1" },
        { above_input_tokens: 200_000, input_usd_per_mtok: 2.5 },
      ],
    }],
  ])("accepts %s", async (_, members) => {
    expect(await enter(members)).toHaveLength(1);
  });

  test.each(COLUMNS)(
    "rejects numbers in %s that are not prices",
    async (column) => {
      for (
        const price of [
          "NaN",
          "Infinity",
          "-0.01",
          "100000",
          "0.0000000000001",
        ]
      ) {
        await expect(enter({ [column]: price })).rejects.toThrow("unit_price");
      }
    },
  );

  test.each<[string, Record<string, unknown>, string]>([
    [
      "a malformed regex",
      { match_kind: "regex", match_value: "a(" },
      "parentheses",
    ],
    ["a model in upper case", { match_value: "GPT-5" }, "check constraint"],
    [
      "a model with space around it",
      { match_value: " gpt-5" },
      "check constraint",
    ],
    ["a model without a name", { match_value: "" }, "check constraint"],
    ["an unknown match", { match_kind: "like" }, "match_kind"],
    ["a provider in upper case", { provider: "OpenAI" }, "provider"],
    ["a provider without a name", { provider: "" }, "provider"],
    ["half a day's beginning", { daily_from: "01:00" }, "check constraint"],
    ["half a day's end", { daily_to: "01:00" }, "check constraint"],
    [
      "a day without an hour",
      { daily_from: "01:00", daily_to: "01:00" },
      "check constraint",
    ],
    [
      "an end before the start",
      { effective_to: "2025-12-31T23:59:59Z" },
      "check constraint",
    ],
    [
      "a tier of service in upper case",
      { service_tier: "Batch" },
      "service_tier",
    ],
    ["a price without a source", { source: "" }, "source"],
    ["other units in a list", { other_usd_per_million: [] }, "other_usd"],
    ["another unit for less than nothing", {
      other_usd_per_million: { web_searches: "-1" },
    }, "unit_price"],
    [
      "another unit for NaN",
      { other_usd_per_million: { web_searches: "NaN" } },
      "unit_price",
    ],
    ["another unit without a price", {
      other_usd_per_million: { web_searches: null },
    }, "other_usd"],
    [
      "another unit with a space",
      { other_usd_per_million: { "a b": "1" } },
      "other_usd",
    ],
    ["tiers in an object", { context_tiers: {} }, "context_tiers"],
    ["a tier that is a number", { context_tiers: [1] }, "scalar"],
    ["a tier without a start", {
      context_tiers: [{ input_usd_per_mtok: "1" }],
    }, "context_tiers"],
    ["a tier that starts below 0", {
      context_tiers: [{ above_input_tokens: -1 }],
    }, "context_tiers"],
    ["a tier with an unknown column", {
      context_tiers: [{ above_input_tokens: 1, request_usd: "1" }],
    }, "context_tiers"],
    ["a tier for NaN", {
      context_tiers: [{ above_input_tokens: 1, input_usd_per_mtok: "NaN" }],
    }, "unit_price"],
    ["a tier whose price is null", {
      context_tiers: [{ above_input_tokens: 1, input_usd_per_mtok: null }],
    }, "context_tiers"],
    ["two tiers with one start", {
      context_tiers: [{ above_input_tokens: 1 }, { above_input_tokens: 1 }],
    }, "context_tiers"],
  ])("rejects %s", async (_, members, named) => {
    await expect(enter(members)).rejects.toThrow(named);
  });

  test("is append-only", async () => {
    const [{ id }] = await enter({ input_usd_per_mtok: "1" });
    for (
      const change of [
        `update model_prices set input_usd_per_mtok = 2 where id = '${id}'`,
        `delete from model_prices where id = '${id}'`,
        "truncate model_prices",
      ]
    ) {
      await expect(db.exec(change)).rejects.toThrow("append-only");
      await expect(
        queryAs(db, "service_role", null, change),
      ).rejects.toThrow("permission denied");
    }
  });
});
