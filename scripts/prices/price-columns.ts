import type { ModelPrice, TieredPrices } from "@pydantic/genai-prices";
import { shiftPoint } from "./decimals.ts";
import type { ContextTier, Prices, TokenColumn } from "./price-row.ts";

/** genai-prices' price keys that are columns, all per million tokens. */
const COLUMNS: Record<string, TokenColumn> = {
  input_mtok: "input_usd_per_mtok",
  cache_read_mtok: "cache_read_usd_per_mtok",
  // Without a lifetime it is the price of five minutes.
  cache_write_mtok: "cache_write_5m_usd_per_mtok",
  cache_write_1h_mtok: "cache_write_1h_usd_per_mtok",
  output_mtok: "output_usd_per_mtok",
  output_reasoning_mtok: "reasoning_usd_per_mtok",
};

/** The endings of price keys: the name of the unit, and the decimal places to a million of it. */
const OTHER_UNITS: [RegExp, string, number][] = [
  [/_mtok$/, "_tokens", 0],
  [/_kpages$/, "_pages", 3],
  [/_kcount$/, "", 3],
];

/**
 * Prices per hour are skipped, so such usage has no known price: their price per second
 * is mostly not a finite decimal.
 */
const PER_HOUR = /_hours$/;

/** The price columns of a row. @throws for a price without a column. */
export function toPriceColumns(price: ModelPrice): Prices {
  const prices: Prices = {};
  const tiered: [TokenColumn, TieredPrices][] = [];
  for (const [key, value] of Object.entries(price)) {
    if (value === undefined || PER_HOUR.test(key)) continue;
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

/** One tier per start, with all prices that apply from there. */
function toContextTiers(tiered: [TokenColumn, TieredPrices][]): ContextTier[] {
  const starts = tiered.flatMap(([, { tiers }]) =>
    tiers.map((tier) => tier.start)
  );
  const sorted = [...new Set(starts)].sort((a, b) => a - b);
  return sorted.map((start) => {
    const context: ContextTier = { above_input_tokens: start };
    for (const [column, { tiers }] of tiered) {
      const tier = tiers.filter((candidate) => candidate.start <= start)
        .sort((a, b) => a.start - b.start).at(-1);
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

/** Decimals of a price; further ones are artefacts of binary floating point. */
const DECIMALS = 9;

/**
 * A price of genai-prices as a decimal: the shortest decimal of the float, rounded half
 * up to nine decimals (0.18000000000000002 is 0.18), without exponent.
 */
export function toDecimal(price: number): string {
  if (!Number.isFinite(price) || price < 0) {
    throw new Error(`Expected a price, found ${price}`);
  }
  const [mantissa, exponent = "0"] = String(price).split("e");
  const exact = shiftPoint(mantissa, Number(exponent));
  const [whole, fraction = ""] = exact.split(".");
  const kept = fraction.slice(0, DECIMALS).padEnd(DECIMALS, "0");
  const up = fraction.charAt(DECIMALS) >= "5" ? 1n : 0n;
  return shiftPoint(String(BigInt(whole + kept) + up), -DECIMALS);
}
