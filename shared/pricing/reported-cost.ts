import { addDecimals, isZero, toDecimalText } from "./decimals.ts";
import { providerOf } from "./model-names.ts";

/** A cost that a usage object reports, and the provider that the object proves. */
export interface ReportedCost {
  /** US dollars, exact decimal text. */
  cost?: string;
  provider?: string;
}

/** xAI's ticks of a US dollar. */
const TICKS_PLACES = 10;

/** The cost that a usage object states, in US dollars; null if unknown. */
export type UsageCost = {
  /** Whether the call used the customer's own key with the provider (BYOK). */
  isByok: boolean;
  /** What the gateway charged, such as OpenRouter's `usage.cost`. */
  billed: string | null;
  /** What the provider charged, if it is not 0. */
  upstream: string | null;
};

/**
 * The whole cost of a call: what the gateway billed, and for a call with the customer's
 * own key also what the provider charged, which the gateway did not bill. A 0 without
 * the provider's charge says nothing then.
 */
export function sumUsageCost(
  { isByok, billed, upstream }: UsageCost,
): string | null {
  const isBilled = billed !== null && !isZero(billed);
  if (upstream === null) return isByok ? null : billed;
  if (!isBilled) return upstream;
  return isByok ? addDecimals(billed, upstream) : billed;
}

/** A cost as a decimal; null unless it is a number or a decimal of at least 0. */
export function toCost(value: unknown): string | null {
  const cost = toDecimalText(value);
  return cost === null || cost.startsWith("-") ? null : cost;
}

/**
 * The cost that a usage object reports: OpenRouter's, with the cost upstream of a call
 * on the caller's own key; Perplexity's, and xAI's. Amounts of other providers may be in
 * another currency.
 */
export function findReportedCost(
  usage: unknown,
  provider: string | undefined,
  model: string,
): ReportedCost {
  const members = Object(usage) as Record<string, unknown>;
  const ticks = members.cost_in_usd_ticks;
  if (Number.isSafeInteger(ticks) && (ticks as number) >= 0) {
    return { cost: fromTicks(ticks as number) };
  }
  if (provider === "perplexity" || providerOf(model) === "perplexity") {
    const { total_cost } = Object(members.cost) as { total_cost?: unknown };
    return toReported(toCost(total_cost));
  }
  const isOpenRouter = provider === "openrouter" ||
    (provider === undefined &&
      ("is_byok" in members || "cost_details" in members));
  if (!isOpenRouter) return {};
  return { provider: "openrouter", ...readOpenRouter(members) };
}

/** OpenRouter's cost and that of its provider, see `sumUsageCost`. */
function readOpenRouter(
  { cost, is_byok, cost_details }: Record<string, unknown>,
): ReportedCost {
  const { upstream_inference_cost } = Object(cost_details) as {
    upstream_inference_cost?: unknown;
  };
  const upstream = toCost(upstream_inference_cost);
  return toReported(sumUsageCost({
    isByok: is_byok === true,
    billed: toCost(cost),
    upstream: upstream === null || isZero(upstream) ? null : upstream,
  }));
}

/** A cost that the row can hold; none otherwise. */
function toReported(cost: string | null): ReportedCost {
  return cost === null || Number(cost) >= 10_000 ? {} : { cost };
}

/** Ticks of xAI as US dollars. */
function fromTicks(ticks: number): string {
  const digits = String(ticks).padStart(TICKS_PLACES + 1, "0");
  const exact = `${digits.slice(0, -TICKS_PLACES)}.${
    digits.slice(-TICKS_PLACES)
  }`;
  return addDecimals(exact, "0");
}
