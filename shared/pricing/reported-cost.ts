import { providerOf } from "./model-names.ts";

/** A cost that a usage object reports, and the provider that the object proves. */
export interface ReportedCost {
  /** US dollars, exact decimal text. */
  cost?: string;
  provider?: string;
}

/** Decimal places of a cost: more than any price per token has. */
const PLACES = 12;

/** xAI's ticks of a US dollar. */
const TICKS_PLACES = 10;

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
    return { cost: toText(BigInt(ticks as number), TICKS_PLACES) };
  }
  if (provider === "perplexity" || providerOf(model) === "perplexity") {
    const { total_cost } = Object(members.cost) as { total_cost?: unknown };
    return isAmount(total_cost) ? { cost: toText(toUnits(total_cost)) } : {};
  }
  const isOpenRouter = provider === "openrouter" ||
    (provider === undefined &&
      ("is_byok" in members || "cost_details" in members));
  if (!isOpenRouter) return {};
  return { provider: "openrouter", ...addUpstream(members) };
}

/** OpenRouter's own cost and, for a key of the caller's own, that of its provider. */
function addUpstream(
  { cost, is_byok, cost_details }: Record<string, unknown>,
): ReportedCost {
  if (!isAmount(cost)) return {};
  if (is_byok !== true) return { cost: toText(toUnits(cost)) };
  const { upstream_inference_cost: upstream } = Object(cost_details) as {
    upstream_inference_cost?: unknown;
  };
  if (!isAmount(upstream)) return {};
  return { cost: toText(toUnits(cost) + toUnits(upstream)) };
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 10_000;
}

function toUnits(amount: number): bigint {
  return BigInt(amount.toFixed(PLACES).replace(".", ""));
}

function toText(units: bigint, places = PLACES): string {
  const digits = units.toString().padStart(places + 1, "0");
  const whole = digits.slice(0, -places);
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return fraction ? `${whole}.${fraction}` : whole;
}
