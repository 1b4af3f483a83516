import { beforeAll, describe, expect, test } from "vitest";
import { ENGINES, newId, useStack } from "../support/running-stack.ts";
import { PRICES, USAGES } from "./provider-usages.ts";
import {
  enterPrice,
  makeEvent,
  type Members,
} from "../support/stack-prices.ts";

const MODEL = "thread-model";

describe.each(ENGINES)("a provider's usage object on %s", (engine) => {
  const ledger = useStack(engine);
  const post = (event: Members) =>
    ledger.post("llm-usage", makeEvent({ model: MODEL, ...event }));

  beforeAll(async () => {
    const providers = [
      "anthropic",
      "openai",
      "google",
      "x-ai",
      "aws",
      "openrouter",
    ];
    for (const provider of providers) {
      await enterPrice(ledger, { provider, match_value: MODEL, ...PRICES });
    }
  });

  test.each(Object.entries(USAGES))(
    "is read with the provider's meaning: %s",
    async (_, [event, row]) => {
      const { status, body } = await post(event);
      expect([status, body]).toEqual([201, expect.objectContaining(row)]);
      expect(body).toMatchObject({
        cost_source: "computed",
        usage: event.usage,
        ...row,
      });
    },
  );

  test("costs the same as equal token counts", async () => {
    const [[{ usage: _, ...event }, row]] = Object.values(USAGES);
    const counted = await post({
      ...event,
      input_tokens: 18_495,
      output_tokens: 120,
      cache_read_tokens: 16_399,
      cache_write_5m_tokens: 2_089,
    });
    expect(counted.body).toMatchObject(row);
  });

  test("sets the service tier, which needs a price of its own", async () => {
    const usage = {
      input_tokens: 1_000,
      output_tokens: 0,
      service_tier: "batch",
    };
    const event = { provider: "anthropic", usage };
    const unpriced = await post(event);
    expect(unpriced.body).toMatchObject({
      service_tier: "batch",
      cost_source: "unpriced",
      warnings: [{ code: "unpriced", detail: expect.any(String) }],
    });
    await enterPrice(ledger, {
      provider: "anthropic",
      match_value: MODEL,
      service_tier: "batch",
      input_usd_per_mtok: "1.5",
    });
    const priced = await post(event);
    expect(priced.body).toMatchObject({
      service_tier: "batch",
      cost_source: "computed",
      cost_usd_exact: "0.0015",
    });
    expect(priced.body).not.toHaveProperty("warnings");
    // The event's own service_tier has precedence.
    const standard = await post({ ...event, service_tier: "default" });
    expect(standard.body)
      .toMatchObject({ service_tier: "standard", cost_usd_exact: "0.003" });
  });

  test.each<[string, Members, string, string]>([
    [
      "more cached tokens than input",
      {
        provider: "openai",
        api_flavor: "chat",
        usage: {
          prompt_tokens: 99,
          completion_tokens: 1,
          prompt_tokens_details: { cached_tokens: 100 },
        },
      },
      "/usage/prompt_tokens_details/cached_tokens",
      "invalid_value",
    ],
    [
      "more cache reads and writes than input",
      {
        input_tokens: 99,
        output_tokens: 0,
        cache_read_tokens: 50,
        cache_write_1h_tokens: 50,
      },
      "/cache_read_tokens",
      "out_of_range",
    ],
    [
      "more reasoning than output",
      { input_tokens: 9, output_tokens: 9, reasoning_tokens: 10 },
      "/reasoning_tokens",
      "out_of_range",
    ],
    [
      "a count that is text",
      {
        provider: "anthropic",
        usage: { input_tokens: "7", output_tokens: 1 },
      },
      "/usage/input_tokens",
      "invalid_type",
    ],
    [
      "a usage object with two readings",
      { provider: "mistral", usage: { pages_processed: 1 } },
      "/api_flavor",
      "required",
    ],
    [
      "a usage object without counts",
      { provider: "acme", usage: { prompts: 1 } },
      "/usage",
      "invalid_value",
    ],
    [
      "a token count beside usage",
      {
        provider: "anthropic",
        usage: { input_tokens: 7, output_tokens: 1 },
        input_tokens: 7,
      },
      "/input_tokens",
      "not_allowed",
    ],
    [
      "a missing token count without usage",
      { input_tokens: 7 },
      "/output_tokens",
      "required",
    ],
  ])("gets 422 with a pointer to %s", async (_, event, pointer, code) => {
    const id = newId();
    const { status, body } = await post({ id, ...event });
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      { pointer, code, detail: expect.any(String) },
    ]);
    expect(await ledger.rows("llm_usage_log", { id })).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["a string as long as a sentence", { note: "x".repeat(65) }],
    ["such a string deep within", { a: [{ b: ["x".repeat(65)] }] }],
    ["a name as long as a sentence", { ["x".repeat(65)]: 1 }],
    ["more levels than a usage object has", {
      a: { b: { c: { d: { e: { f: {} } } } } },
    }],
    ["more bytes than a usage object has", {
      list: Array.from({ length: 200 }, () => "x".repeat(60)),
    }],
  ])("that could hold content is refused: %s", async (_, more) => {
    const usage = { input_tokens: 7, output_tokens: 1, ...more as Members };
    const { status, body } = await post({ provider: "anthropic", usage });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ pointer: "/usage" }]);
    expect(JSON.stringify(body)).not.toContain("xxx");
  });
});
