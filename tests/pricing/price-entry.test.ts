/** `POST /llm-usage/prices`: the only way in which an operator enters a price. */
import { describe, expect, test } from "vitest";
import {
  ENGINES,
  FIRM,
  NOBODY,
  USER,
  useStack,
} from "../support/running-stack.ts";
import { makeEvent, type Members } from "../support/stack-prices.ts";

const PRICE = {
  provider: "acme",
  match_kind: "equals",
  match_value: "model-x",
  effective_from: "2026-01-01T00:00:00Z",
  input_usd_per_mtok: "0.8",
  source: "contract 7",
};

/** Members that make a price invalid, and the issue of each. */
const REFUSED: [string, Members, string][] = [
  ["a negative price", { input_usd_per_mtok: "-1" }, "/input_usd_per_mtok"],
  ["NaN", { output_usd_per_mtok: "NaN" }, "/output_usd_per_mtok"],
  [
    "a price a million times too high",
    { request_usd: 800_000 },
    "/request_usd",
  ],
  ["13 decimals", { request_usd: "0.0000000000001" }, "/request_usd"],
  ["a provider in upper case", { provider: "Acme" }, "/provider"],
  ["a name in upper case", { match_value: "Model-X" }, "/match_value"],
  ["white space around a name", { match_value: " model-x" }, "/match_value"],
  ["an unknown kind", { match_kind: "like" }, "/match_kind"],
  [
    "a date without a time",
    { effective_from: "2026-01-01" },
    "/effective_from",
  ],
  ["an end before the start", {
    effective_to: "2025-12-31T00:00:00Z",
  }, "/effective_to"],
  ["one end of the day", { daily_from: "16:30" }, "/daily_to"],
  ["a day without length", {
    daily_from: "16:30",
    daily_to: "16:30",
  }, "/daily_to"],
  ["hour 24", { daily_from: "24:00", daily_to: "01:00" }, "/daily_from"],
  ["a unit with a space", {
    other_usd_per_million: { "web searches": "1" },
  }, "/other_usd_per_million/web searches"],
  ["a tier without a start", {
    context_tiers: [{ input_usd_per_mtok: "1" }],
  }, "/context_tiers/0/above_input_tokens"],
  ["two tiers with one start", {
    context_tiers: [
      { above_input_tokens: 1, input_usd_per_mtok: "1" },
      { above_input_tokens: 1, input_usd_per_mtok: "2" },
    ],
  }, "/context_tiers"],
  ["no source", { source: undefined }, "/source"],
  ["an id", { id: NOBODY }, "/id"],
  ["published", { published: true }, "/published"],
  ["a firm that does not exist", { firm_id: NOBODY }, "/firm_id"],
];

/** Regular expressions that could take minutes, or that Postgres cannot read. */
const PATTERNS: [string, string][] = [
  ["a back-reference", String.raw`^(.*)(.*)\1zq$`],
  ["look-behind", "^x(?<=a)b"],
  ["an embedded option", "(?i)gpt"],
  ["a director", "***=x"],
  ["a count above 20", "^a{21}b$"],
  ["nested counts", "(((a|b|c)?){20}){20}z"],
  ["a count of a group", "(?:a{20}){20}"],
  ["an open bracket", "^(gpt"],
];

describe.each(ENGINES)("the entry of a price on %s", (engine) => {
  const ledger = useStack(engine);
  const enter = (members: Members = {}) =>
    ledger.post("llm-usage/prices", { ...PRICE, ...members });

  test("applies to later calls, and is entered once", async () => {
    const first = await enter({ context_tiers: [], firm_id: FIRM });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      ...PRICE,
      effective_from: "2026-01-01T00:00:00+00:00",
      firm_id: FIRM,
      published: false,
      output_usd_per_mtok: null,
    });
    const again = await enter({ firm_id: FIRM, input_usd_per_mtok: 0.8 });
    expect([again.status, again.body]).toEqual([200, first.body]);
    const call = await ledger.post(
      "llm-usage",
      makeEvent({
        model: "model-x",
        input_tokens: 1_000_000,
        output_tokens: 0,
      }),
    );
    expect(call.body).toMatchObject({
      cost_usd: "0.800000",
      price_id: first.body.id,
    });
  });

  test("is a correction with the same match and time", async () => {
    const match_value = "model-corrected";
    const wrong = await enter({ match_value });
    const right = await enter({ match_value, input_usd_per_mtok: "0.9" });
    const back = await enter({ match_value });
    expect([wrong.status, right.status, back.status]).toEqual([201, 201, 201]);
    const call = await ledger.post(
      "llm-usage",
      makeEvent({ model: match_value, input_tokens: 1, output_tokens: 0 }),
    );
    expect(call.body.price_id).toBe(back.body.id);
  });

  test.each(REFUSED)("refuses %s", async (_name, members, pointer) => {
    const { status, body } = await enter(members);
    expect([status, body.code]).toEqual([422, "invalid_request"]);
    expect(body.errors.map((issue: { pointer: string }) => issue.pointer))
      .toEqual([pointer]);
  });

  test.each(PATTERNS)("refuses %s in a pattern", async (_name, match_value) => {
    const { status, body } = await enter({ match_kind: "regex", match_value });
    expect([status, body.errors?.[0].pointer]).toEqual([422, "/match_value"]);
  });

  test("is for services, and REST does not take prices", async () => {
    const asUser = await ledger.postAs(USER, "llm-usage/prices", PRICE);
    expect([asUser.status, asUser.body.code]).toEqual([403, "not_allowed"]);
    const { error } = await ledger.admin().from("model_prices").insert(PRICE);
    expect(error?.code).toBe("42501");
  });
});
