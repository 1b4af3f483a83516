import type { ModelPrice, TieredPrices } from "@pydantic/genai-prices";
import { shiftPoint, toDecimal } from "./decimal-string.ts";
import type { ContextTier, Prices, TokenColumn } from "./price-row.ts";

/** genai-prices' price keys that are columns, all per million tokens. */
const COLUMNS: Record<string, TokenColumn> = {
  input_mtok: "input_usd_per_mtok",
  cache_read_mtok: "cache_read_usd_per_mtok",
  // What it charges unless a lifetime is said, which is five minutes.
  cache_write_mtok: "cache_write_5m_usd_per_mtok",
  cache_write_1h_mtok: "cache_write_1h_usd_per_mtok",
  output_mtok: "output_usd_per_mtok",
  output_reasoning_mtok: "reasoning_usd_per_mtok",
};

/** What ends a price key: what the unit is called, and the digits up to a million of it. */
const OTHER_UNITS: [RegExp, string, number][] = [
  [/_mtok$/, "_tokens", 0],
  [/_kpages$/, "_pages", 3],
  [/_kcount$/, "", 3],
];

/**
 * Prices of durations, per hour: a price per second is in most cases no finite
 * decimal, so they cannot be said, and such usage has no known price.
 */
const UNSAYABLE = /_hours$/;

/** The price columns of a row. @throws on a price that has no place in it. */
export function toPriceColumns(price: ModelPrice): Prices {
  const prices: Prices = {};
  const tiered: [TokenColumn, TieredPrices][] = [];
  for (const [key, value] of Object.entries(price)) {
    if (value === undefined || UNSAYABLE.test(key)) continue;
    const column = COLUMNS[key];
    if (column) {
      prices[column] = toDecimal(
        typeof value === "number" ? value : value.base,
      );
      if (typeof value !== "number") tiered.push([column, value]);
    } else if (typeof value !== "number") {
      throw new Error(
        `Cannot enter tiers of ${key}: model_prices has no column for them`,
      );
    } else if (key === "requests_kcount") {
      prices.request_usd = shiftPoint(toDecimal(value), -3);
    } else {
      const [unit, perMillion] = toOtherUnit(key, toDecimal(value));
      (prices.other_usd_per_million ??= {})[unit] = perMillion;
    }
  }
  const tiers = toContextTiers(tiered);
  if (tiers.length > 0) prices.context_tiers = tiers;
  return prices;
}

/** One tier per start, with every price that holds from there on. */
function toContextTiers(tiered: [TokenColumn, TieredPrices][]): ContextTier[] {
  const starts = tiered.flatMap(([, { tiers }]) =>
    tiers.map((tier) => tier.start)
  );
  const sorted = [...new Set(starts)].sort((one, other) => one - other);
  return sorted.map((start) => {
    const context: ContextTier = { above_input_tokens: start };
    for (const [column, { tiers }] of tiered) {
      const tier = tiers.filter((one) => one.start <= start)
        .sort((one, other) => one.start - other.start).at(-1);
      if (tier) context[column] = toDecimal(tier.price);
    }
    return context;
  });
}

function toOtherUnit(key: string, price: string): [string, string] {
  for (const [ending, name, places] of OTHER_UNITS) {
    if (!ending.test(key)) continue;
    return [key.replace(ending, name), shiftPoint(price, places)];
  }
  throw new Error(`Cannot enter ${key}: the unit is unknown`);
}
