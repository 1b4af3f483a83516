import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENGINES } from "../support/databases.ts";
import {
  costOf,
  inputOf,
  outputOf,
  type Price,
  toDecimal,
  TOKEN_PRICES,
  toMicros,
  type Usage,
} from "./exact-cost.ts";
import {
  type Members,
  newModel,
  usePricedDatabase,
} from "../support/priced-database.ts";

const UNITS = [
  "web_searches",
  "input_document_pages",
  "input_annotated_document_pages",
  "input_audio_tokens",
  "cache_audio_read_tokens",
  "input_tool_tokens",
  "input_audio_tool_tokens",
  "output_audio_tokens",
];

/** From the smallest price that there is room for to 500 dollars. */
const picos = fc.oneof(
  fc.bigInt(0n, 1_000n),
  fc.bigInt(0n, 500_000_000_000_000n),
  fc.constant(0n),
);
const tokenPrices = Object.fromEntries(
  TOKEN_PRICES.map((column) => [column, fc.option(picos)]),
);
const units = <Value>(value: fc.Arbitrary<Value>) =>
  fc.dictionary(fc.constantFrom(...UNITS), value, { maxKeys: 4 });

const prices = fc.record({
  ...tokenPrices,
  request_usd: fc.option(fc.bigInt(0n, 5_000_000_000_000n)),
  other_usd_per_million: units(picos),
  context_tiers: fc.uniqueArray(
    fc.record({
      above_input_tokens: fc.integer({ min: 0, max: 400_000 }),
      ...tokenPrices,
    }),
    { maxLength: 3, selector: (tier) => tier.above_input_tokens },
  ),
}) as fc.Arbitrary<Price>;

const count = fc.oneof(fc.constant(0), fc.nat(100), fc.nat(1_000_000));
const usages: fc.Arbitrary<Usage> = fc.record({
  uncached: count,
  cache_read: count,
  cache_write_5m: count,
  cache_write_1h: count,
  visible: count,
  reasoning: count,
  other_units: units(fc.nat(100_000)),
});

/** A price as a row: decimals, without the members that are null. */
function toRow({ context_tiers, other_usd_per_million, ...rest }: Price) {
  const decimals = (members: object) =>
    Object.fromEntries(
      Object.entries(members).filter(([, value]) => value !== null).map((
        [name, value],
      ) => [name, typeof value === "bigint" ? toDecimal(value, 12) : value]),
    );
  return {
    ...decimals(rest),
    other_usd_per_million: decimals(other_usd_per_million),
    context_tiers: context_tiers.map(decimals),
  };
}

function toEvent(usage: Usage): Members {
  return {
    input_tokens: inputOf(usage),
    output_tokens: outputOf(usage),
    cache_read_tokens: usage.cache_read,
    cache_write_5m_tokens: usage.cache_write_5m,
    cache_write_1h_tokens: usage.cache_write_1h,
    reasoning_tokens: usage.reasoning,
    other_units: usage.other_units,
  };
}

describe.each(ENGINES)("the cost of a call on $name", (engine) => {
  const priced = usePricedDatabase(engine);

  test("equals the computation in integers for any usage and prices", async () => {
    const isKnown = (
      { context_tiers: _, other_usd_per_million, ...rest }: Price,
    ) =>
      Object.values(rest).some((value) => value !== null) ||
      Object.keys(other_usd_per_million).length > 0;
    await fc.assert(
      fc.asyncProperty(
        prices.filter(isKnown),
        fc.array(usages, { minLength: 1, maxLength: 10 }),
        async (price, used) => {
          const model = newModel();
          await priced.enter({ match_value: model, ...toRow(price) });
          const results = await priced.record(
            used.map((usage) => ({ model, ...toEvent(usage) })),
          );
          const expected = used.map((usage) => {
            const { cost, isFloor } = costOf(price, usage);
            return {
              cost_source: "computed",
              cost_usd_exact: toDecimal(cost, 18),
              cost_usd: toMicros(cost),
              cost_is_floor: isFloor,
            };
          });
          expect(results.map(({ row }) => row)).toMatchObject(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("does not depend on the other events of its batch", async () => {
    const model = newModel();
    await priced.enter({ match_value: model, input_usd_per_mtok: "0.07" });
    const alone = await priced.recordOne({ model, input_tokens: 3 });
    const batch = await priced.record(
      [1, 2, 3].map((input_tokens) => ({ model, input_tokens })),
    );
    expect(batch[2].row.cost_usd_exact).toBe(alone.cost_usd_exact);
    expect(batch.map(({ row }) => row.cost_usd_exact))
      .toEqual(["0.00000007", "0.00000014", "0.00000021"]);
  });

  test.each([
    ["0.4999999", "0.000000"],
    ["0.5", "0.000001"],
    ["1.5", "0.000002"],
    ["2.5", "0.000003"],
    ["2.4999999", "0.000002"],
  ])(
    "is rounded half away from zero: %s micro-dollars to %s",
    async (micros, rounded) => {
      const model = newModel();
      await priced.enter({ match_value: model, input_usd_per_mtok: micros });
      const row = await priced.recordOne({ model, input_tokens: 1 });
      expect(row.cost_usd).toBe(rounded);
      expect(row.computed_cost_usd).toBe(row.cost_usd_exact);
      expect(Number(row.cost_usd_exact)).toBeCloseTo(Number(micros) / 1e6, 15);
    },
  );

  describe("with tiers above 200k and 400k tokens of input", () => {
    const model = newModel();
    const costOfInput = async (input_tokens: number, more: Members = {}) =>
      (await priced.recordOne({ model, input_tokens, ...more })).cost_usd_exact;

    test("uses the lower tier at a threshold, and the upper tier for all tokens above it", async () => {
      await priced.enter({
        match_value: model,
        input_usd_per_mtok: "1",
        cache_read_usd_per_mtok: "0.1",
        output_usd_per_mtok: "10",
        context_tiers: [
          { above_input_tokens: 400_000, input_usd_per_mtok: "4" },
          {
            above_input_tokens: 200_000,
            input_usd_per_mtok: "2",
            output_usd_per_mtok: "20",
          },
        ],
      });
      expect(await costOfInput(200_000)).toBe("0.2");
      expect(await costOfInput(200_001)).toBe("0.400002");
      expect(await costOfInput(400_000)).toBe("0.8");
      expect(await costOfInput(400_001)).toBe("1.600004");
    });

    test("counts cached tokens as input, and takes prices that the tier lacks from the row", async () => {
      const cached = { cache_read_tokens: 200_000, output_tokens: 1_000 };
      expect(await costOfInput(200_000, cached)).toBe("0.03");
      expect(await costOfInput(200_001, cached)).toBe("0.040002");
    });
  });

  test("of cache writes depends on their lifetime", async () => {
    const model = newModel();
    await priced.enter({
      match_value: model,
      input_usd_per_mtok: "3",
      cache_write_5m_usd_per_mtok: "3.75",
      cache_write_1h_usd_per_mtok: "6",
    });
    const written = { model, input_tokens: 1_000 };
    const [short, long, both] = await priced.record([
      { ...written, cache_write_5m_tokens: 1_000 },
      { ...written, cache_write_1h_tokens: 1_000 },
      { ...written, cache_write_5m_tokens: 300, cache_write_1h_tokens: 600 },
    ]);
    expect([short, long, both].map(({ row }) => row.cost_usd_exact))
      .toEqual(["0.00375", "0.006", "0.005025"]);
    expect(both.row.uncached_input_tokens).toBe(100);
  });

  test("may be a price per request, independent of usage", async () => {
    const model = newModel();
    await priced.enter({ match_value: model, request_usd: "0.012" });
    const row = await priced.recordOne({ model });
    expect(row).toMatchObject({
      cost_usd_exact: "0.012",
      cost_is_floor: false,
    });
  });
});
