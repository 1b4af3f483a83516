import { isZero } from "../pricing/decimals.ts";
import { toCost, type UsageCost } from "../pricing/reported-cost.ts";
import { readPointer } from "./payload.ts";

/** The charge of the provider for a call with the customer's own key. */
const UPSTREAM = ["/cost_details/upstream_inference_cost", "/market_cost"];

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
