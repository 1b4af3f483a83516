import { addDecimals, isZero, toDecimalText } from "../logs/fields.ts";
import { readPointer } from "./payload.ts";

/** The charge of the provider for a call with the customer's own key. */
const UPSTREAM = ["/cost_details/upstream_inference_cost", "/market_cost"];

/** The cost that a usage object states, in US dollars; null if unknown. */
type UsageCost = {
  /** Whether the call used the customer's own key with the provider (BYOK). */
  isByok: boolean;
  /** What the gateway charged, such as OpenRouter's `usage.cost`. */
  billed: string | null;
  /** What the provider charged, if it is not 0. */
  upstream: string | null;
};

/** Reads the cost from usage objects, the first of which that has one is read. */
export function readUsageCost(
  payload: unknown,
  objects: readonly string[],
): UsageCost {
  const read = (path: string) =>
    objects.map((base) => readPointer(payload, base + path));
  const costs = (path: string) =>
    read(path).map(toCost).filter((cost) => cost !== null);
  return {
    isByok: read("/is_byok").includes(true),
    billed: costs("/cost")[0] ?? null,
    upstream: UPSTREAM.flatMap(costs).find((cost) => !isZero(cost)) ?? null,
  };
}

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
function toCost(value: unknown): string | null {
  const cost = toDecimalText(value);
  return cost === null || cost.startsWith("-") ? null : cost;
}
