import {
  calcPrice,
  type ModelInfo,
  type Provider,
  waitForUpdate,
} from "@pydantic/genai-prices";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { SERVER_ONLY } from "../support/databases.ts";
import { usePricedDatabase } from "../support/priced-database.ts";

const providers = (await waitForUpdate())!;
const models = providers.flatMap((provider) =>
  provider.models.map((model) => ({ provider, model }))
);
const PRICES = new URL("../../supabase/prices.sql", import.meta.url);

/** Floats in, decimals out. */
const TOLERANCE = 1e-9;

/**
 * Prices are entered with nine decimals, and these have more: OpenRouter's cache
 * writes of some Gemini models, at a twelfth of a dollar.
 */
const ROUNDED_TOLERANCE = 1e-8;

/** Hours of the day that came with a price, which genai-prices applies to calls from before, too. */
const PEAK_HOURS = {
  models: ["deepseek-v4-flash", "deepseek-v4-pro"],
  since: Date.UTC(2026, 7, 17),
};

/** Units that are parts of no other, besides the tokens of `buckets`. */
const UNITS = [
  "input_audio_tokens",
  "cache_audio_read_tokens",
  "input_image_tokens",
  "cache_image_read_tokens",
  "output_audio_tokens",
  "output_image_tokens",
  "output_citation_tokens",
  "web_searches",
  "storage_searches",
  "input_document_pages",
  "input_annotated_document_pages",
  "input_text_messages",
] as const;
const count = fc.oneof(fc.nat(1_000), fc.nat(150_000));
const usages = fc.record({
  uncached: count,
  cache_read: count,
  cache_write_5m: count,
  cache_write_1h: count,
  visible: count,
  reasoning: count,
  other: fc.record(
    Object.fromEntries(UNITS.map((unit) => [unit, fc.nat(3_000)])) as Record<
      typeof UNITS[number],
      fc.Arbitrary<number>
    >,
  ),
});
type Usage = typeof usages extends fc.Arbitrary<infer Value> ? Value : never;

function toEvent(usage: Usage) {
  const { other } = usage;
  return {
    input_tokens: usage.uncached + usage.cache_read + usage.cache_write_5m +
      usage.cache_write_1h + sum(other, /^(input|cache)_.*_tokens$/),
    output_tokens: usage.visible + usage.reasoning +
      sum(other, /^output_.*_tokens$/),
    cache_read_tokens: usage.cache_read,
    cache_write_5m_tokens: usage.cache_write_5m,
    cache_write_1h_tokens: usage.cache_write_1h,
    reasoning_tokens: usage.reasoning,
    other_units: other,
  };
}

/** The units of genai-prices: each with all that it includes. */
function toUnits(usage: Usage): Record<string, number> {
  const { other } = usage;
  const cached = {
    audio: other.cache_audio_read_tokens,
    image: other.cache_image_read_tokens,
  };
  const { input_tokens, output_tokens } = toEvent(usage);
  return {
    ...other,
    input_tokens,
    output_tokens,
    cache_read_tokens: usage.cache_read + cached.audio + cached.image,
    cache_write_tokens: usage.cache_write_5m + usage.cache_write_1h,
    cache_write_1h_tokens: usage.cache_write_1h,
    input_audio_tokens: other.input_audio_tokens + cached.audio,
    input_image_tokens: other.input_image_tokens + cached.image,
    output_reasoning_tokens: usage.reasoning,
    input_document_pages: other.input_document_pages +
      other.input_annotated_document_pages,
  };
}

function sum(units: Record<string, number>, kind: RegExp): number {
  return Object.entries(units).filter(([unit]) => kind.test(unit))
    .reduce((total, [, amount]) => total + amount, 0);
}

/** The usage without units that scripts/prices/complete-prices.ts adds prices of. */
function listed(usage: Usage, { id }: ModelInfo): Usage {
  return {
    ...usage,
    ...(/claude/.test(id) && { cache_write_1h: 0 }),
    ...(/gpt-image/.test(id) &&
      { other: { ...usage.other, output_image_tokens: 0 } }),
  };
}

/** In USD; null without a price other than per hour, which cannot be entered. */
function theirCost(
  provider: Provider,
  { id }: ModelInfo,
  usage: Usage,
  timestamp: Date,
): number | null {
  const providerId = provider.id;
  const price = calcPrice(toUnits(usage), id, { providerId, timestamp });
  const known = Object.keys(price?.model_price ?? {})
    .some((key) => !key.endsWith("_hours"));
  return known ? price!.total_price : null;
}

function toleranceOf({ prices }: ModelInfo): number {
  return /\d\.\d{10,}/.test(JSON.stringify(prices))
    ? ROUNDED_TOLERANCE
    : TOLERANCE;
}

describe.each(SERVER_ONLY)("the published prices on $name", (engine) => {
  const priced = usePricedDatabase(engine);
  beforeAll(async () => {
    await priced.db.exec(await Deno.readTextFile(PRICES));
  });

  test("price every model as genai-prices does, at any time", async () => {
    expect(models.length).toBeGreaterThan(1_000);
    await fc.assert(
      fc.asyncProperty(
        usages,
        fc.date({
          min: new Date("2024-01-01T00:00:00Z"),
          max: new Date("2026-11-20T00:00:00Z"),
          noInvalidDate: true,
        }),
        async (usage, time) => {
          const asked = models.filter(({ provider, model }) =>
            (Number(time) >= PEAK_HOURS.since ||
              !PEAK_HOURS.models.includes(model.id)) &&
            !(provider.id === "openrouter" && model.id.endsWith(":free"))
          );
          const results = await priced.record(
            asked.map(({ provider, model }) => ({
              provider: provider.id,
              model: model.id,
              created_at: time.toISOString(),
              ...toEvent(listed(usage, model)),
            })),
          );
          const different = asked.flatMap(({ provider, model }, index) => {
            const { row } = results[index];
            const theirs = theirCost(
              provider,
              model,
              listed(usage, model),
              time,
            );
            const ours = row.cost_source === "unpriced"
              ? null
              : Number(row.cost_usd_exact);
            const agrees = theirs === null || ours === null
              ? theirs === ours
              : Math.abs(ours - theirs) <= theirs * toleranceOf(model);
            const id = `${provider.id} ${model.id}`;
            return agrees ? [] : [{ id, ours, theirs }];
          });
          expect(different).toEqual([]);
        },
      ),
      { numRuns: 4 },
    );
  });

  test("match a Claude by its name with a date, with and without dashes", async () => {
    const results = await priced.record([
      "claude-sonnet-4-5",
      "claude-sonnet-4-5-20250929",
      "claude-sonnet-4-5-2025-09-29",
    ].map((model) => ({ model, provider: null, input_tokens: 100_000 })));
    for (const { row } of results) {
      expect(row).toMatchObject({
        provider: "anthropic",
        cost_usd: "0.300000",
      });
    }
  });

  test("make OpenRouter's free variants free, listed or not", async () => {
    for (const model of ["deepseek/deepseek-r1:free", "acme/new:free"]) {
      const [free] = await priced.record([{
        provider: "openrouter",
        model,
        input_tokens: 1_000,
        cache_write_5m_tokens: 500,
        output_tokens: 1_000,
      }]);
      expect(free).not.toHaveProperty("warnings");
      expect(free.row).toMatchObject({
        cost_source: "computed",
        cost_usd: "0.000000",
        cost_is_floor: false,
      });
    }
  });

  // A million tokens of input, half of them cached, and 100,000 of output.
  test.each([
    ["openai", "gpt-4o", "batch", "1.4375"],
    ["openai", "gpt-5", "flex", "0.84375"],
    ["openai", "gpt-5-2025-08-07", "priority", "3.375"],
    ["openai", "gpt-5", "fast", "3.375"],
    // Above 272,000 tokens 16, 1.6 and 60 dollars per million.
    ["openai", "gpt-5.6-sol", "fast", "14.8"],
    ["anthropic", "claude-sonnet-4-6", "batch", "1.575"],
    ["anthropic", "claude-opus-4-6", "fast", "31.5"],
    ["anthropic", "claude-opus-4-6", "us", "5.775"],
    ["anthropic", "claude-opus-5", "batch-us", "2.8875"],
    ["anthropic", "claude-opus-5", "fast", "10.5"],
    ["anthropic", "claude-haiku-4-5", "us", "1.05"],
    // Cached tokens have the standard price.
    ["google", "gemini-2.5-flash", "flex", "0.215"],
    ["google", "gemini-2.5-flash", "batch", "0.215"],
    ["google", "gemini-2.5-flash", "priority", null],
    ["anthropic", "claude-opus-4-5", "fast", null],
    ["anthropic", "claude-sonnet-4-6", "priority", null],
    ["groq", "llama-3.3-70b-versatile", "flex", null],
  ])("price %s %s in the tier %s", async (provider, model, tier, cost) => {
    const [{ row }] = await priced.record([{
      provider,
      model,
      service_tier: tier,
      input_tokens: 1_000_000,
      cache_read_tokens: 500_000,
      output_tokens: 100_000,
      created_at: "2026-11-01T00:00:00Z",
    }]);
    expect([row.computed_cost_usd, row.cost_is_floor])
      .toEqual([cost, cost === null]);
  });

  test("have Claude's cache writes of one hour at twice the input", async () => {
    const [{ row }] = await priced.record([{
      provider: "aws",
      model: "us.anthropic.claude-opus-4-5-20251101-v1:0",
      input_tokens: 1_010,
      cache_write_1h_tokens: 1_000,
      output_tokens: 20,
    }]);
    // 5.5, 11 and 27.5 dollars per million: regional profiles cost a tenth more.
    expect(row).toMatchObject({
      cost_usd_exact: "0.011605",
      cost_is_floor: false,
    });
  });

  test.each([
    ["openai", "openai/gpt-4o", "0.0035"],
    ["azure", "azure/gpt-4o", "0.0035"],
    ["anthropic", "anthropic/claude-sonnet-4-5", "0.0045"],
    ["google", "models/gemini-2.5-flash", "0.00055"],
    ["google", "publishers/google/models/gemini-2.5-flash", "0.00055"],
    [null, "models/gemini-2.5-flash", "0.00055"],
    ["google", "projects/p/locations/l/models/gemini-2.5-flash@001", "0.00055"],
    ["groq", "groq/llama-3.3-70b-versatile", "0.000669"],
    ["openrouter", "openrouter/anthropic/claude-sonnet-4.5", "0.0045"],
    // The names of these providers have slashes of their own.
    ["openrouter", "acme/gpt-4o", null],
    ["groq", "acme/llama-3.3-70b-versatile", null],
    ["house", "acme/gpt-4o", null],
  ])(
    "price the model of %s with the name %s",
    async (provider, model, cost) => {
      const [{ row }] = await priced.record([{
        provider,
        model,
        input_tokens: 1_000,
        output_tokens: 100,
      }]);
      expect([row.model, row.computed_cost_usd]).toEqual([model, cost]);
    },
  );
});
