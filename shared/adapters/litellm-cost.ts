import type { Fault } from "../fault.ts";
import { isZero, toDecimalText } from "./decimal-text.ts";
import { isObject, readPointer } from "./payload.ts";

/** Where LiteLLM says what a call cost. */
export const COST_POINTER = "/response_cost";

/** What LiteLLM says a call cost in US dollars; null when it does not know. */
export type StatedCost =
  | { usd: string | null; fault?: undefined }
  | { usd: null; fault: Fault };

/**
 * Reads the cost from a StandardLoggingPayload. LiteLLM writes 0 both for "free"
 * and for "could not be computed", so that a 0 counts only where the payload
 * shows that it was computed; anything else is unknown, never 0:
 *
 * - `cache_hit: true`: LiteLLM answered from its own cache, without a provider: 0.
 * - `response_cost_failure_debug_info`: the computation failed: unknown.
 * - `response_cost` null or left out: unknown.
 * - 0 of a failed call: LiteLLM writes it for every failure, even one that broke
 *   off in the middle of an answer that the provider charges: unknown.
 * - 0 of a successful call: real when `cost_breakdown.total_cost` is 0 too (a
 *   model that is configured to be free), or when LiteLLM has a price entry
 *   (`model_map_information.model_map_value`) and `hidden_params.response_cost`
 *   is not null; else unknown.
 */
export function readStatedCost(payload: unknown): StatedCost {
  if (readPointer(payload, "/cache_hit") === true) return { usd: "0" };
  if (isObject(readPointer(payload, "/response_cost_failure_debug_info"))) {
    return { usd: null };
  }
  const stated = readPointer(payload, COST_POINTER) ?? null;
  if (stated === null) return { usd: null };
  const usd = toDecimalText(stated);
  if (usd === null || usd.startsWith("-")) {
    const detail =
      "Expected US dollars, not negative, as a number or a decimal string";
    return {
      usd: null,
      fault: { pointer: COST_POINTER, code: "invalid_value", detail },
    };
  }
  if (isZero(usd)) return { usd: isComputedZero(payload) ? "0" : null };
  return { usd };
}

function isComputedZero(payload: unknown): boolean {
  if (readPointer(payload, "/status") === "failure") return false;
  if (readPointer(payload, "/cost_breakdown/total_cost") === 0) return true;
  return isObject(
    readPointer(payload, "/model_map_information/model_map_value"),
  ) && readPointer(payload, "/hidden_params/response_cost") !== null;
}
