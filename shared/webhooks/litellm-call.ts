import { isObject } from "../http/json.ts";
import type { Issue } from "../issue.ts";
import { MAX_ERROR_MESSAGE } from "../limits.ts";
import { isZero, toDecimalText } from "../pricing/decimals.ts";
import { redactSecrets } from "../redaction/secrets.ts";
import { addIssue, type EventDraft, setMember } from "./drafts.ts";
import { sumUsageCost } from "../pricing/reported-cost.ts";
import { readUsageCost } from "./gateway-cost.ts";
import {
  findFirst,
  readPointer,
  toMicroseconds,
  toTimestamp,
} from "./payload.ts";

/** The pointer of LiteLLM's cost. */
export const COST_POINTER = "/response_cost";

/** LiteLLM's cost of a call in US dollars as a decimal; null if unknown. */
type StatedCost =
  | { usd: string | null; issue?: undefined }
  | { usd: null; issue: Issue };

/**
 * Reads the cost of a StandardLoggingPayload. LiteLLM writes 0 both for "free" and
 * for "could not be computed", so a 0 counts only if the payload shows that it was
 * computed; otherwise the cost is unknown:
 *
 * - `cache_hit: true`: LiteLLM answered from its own cache, without a provider: 0.
 * - `response_cost_failure_debug_info`: the computation failed: unknown.
 * - `response_cost` null or omitted: unknown.
 * - 0 of a failed call: LiteLLM writes it for every failure, even in the middle of a
 *   stream that the provider charges: unknown.
 * - 0 of a successful call: 0 if `cost_breakdown.total_cost` is 0 too (a model that
 *   is configured to be free), or if LiteLLM has a price entry
 *   (`model_map_information.model_map_value`) and `hidden_params.response_cost`
 *   is not null; else unknown. A 0 that was computed without usage is unknown, too.
 *
 * A gateway behind LiteLLM bills nothing, or a fee, for a call with the customer's own
 * key: the cost is then that of the usage object, with the provider's charge.
 */
export function readStatedCost(
  payload: unknown,
  usageObjects: readonly string[],
  { hasUsage }: { hasUsage: boolean },
): StatedCost {
  if (readPointer(payload, "/cache_hit") === true) return { usd: "0" };
  const usageCost = readUsageCost(payload, usageObjects);
  const ofUsage = sumUsageCost(usageCost);
  const isUnbilled = usageCost.isByok || usageCost.upstream !== null;
  const unstated = isUnbilled ? ofUsage : null;
  if (isObject(readPointer(payload, "/response_cost_failure_debug_info"))) {
    return { usd: unstated };
  }
  const stated = readPointer(payload, COST_POINTER) ?? null;
  if (stated === null) return { usd: unstated };
  const usd = toDecimalText(stated);
  if (usd === null || usd.startsWith("-")) {
    const detail =
      "Expected US dollars, not negative, as a number or a decimal string";
    return {
      usd: null,
      issue: { pointer: COST_POINTER, code: "invalid_value", detail },
    };
  }
  if (usageCost.isByok && usd === usageCost.billed) return { usd: ofUsage };
  if (!isZero(usd)) return { usd };
  if (isUnbilled) return { usd: ofUsage };
  return { usd: hasUsage && isComputedZero(payload) ? "0" : null };
}

function isComputedZero(payload: unknown): boolean {
  if (readPointer(payload, "/status") === "failure") return false;
  if (readPointer(payload, "/cost_breakdown/total_cost") === 0) return true;
  return isObject(
    readPointer(payload, "/model_map_information/model_map_value"),
  ) && readPointer(payload, "/hidden_params/response_cost") !== null;
}

/**
 * Reads whether a call succeeded, and its error message. A call without `status`
 * succeeded unless it has an error.
 */
export function readCallStatus(payload: unknown, draft: EventDraft): void {
  const error = findFirst(payload, [
    "/error_str",
    "/error_information/error_message",
    "/error_information/error_class",
  ]);
  const status = readPointer(payload, "/status") ??
    (error === null ? "success" : "failure");
  if (status !== "success" && status !== "failure") {
    addIssue(
      draft,
      "/status",
      "invalid_value",
      "Expected success or failure",
    );
    return;
  }
  setMember(draft, "success", status === "success", "/status");
  if (status === "success" || typeof error?.value !== "string") return;
  const message = shortenError(error.value);
  setMember(draft, "error_message", message, error.pointer);
}

/**
 * Reads the end of a call, which is its event's time, and its latency.
 * `response_time` is ignored: of a stream it is the time to the first token.
 */
export function readTimes(payload: unknown, draft: EventDraft): void {
  const start = findFirst(payload, ["/startTime"]);
  const end = findFirst(payload, ["/endTime"]);
  for (const found of [start, end]) {
    if (found === null || toMicroseconds(found.value) !== null) continue;
    const detail =
      "Expected seconds since 1970, or ISO 8601 such as 2026-01-31T12:00:00.5Z";
    addIssue(draft, found.pointer, "invalid_value", detail);
  }
  const when = end ?? start;
  if (when !== null) {
    const timestamp = toTimestamp(when.value) ?? undefined;
    setMember(draft, "created_at", timestamp, when.pointer);
  }
  const from = toMicroseconds(start?.value);
  const to = toMicroseconds(end?.value);
  if (from === null || to === null || to < from) return;
  const latency = Math.round((to - from) / 1_000);
  setMember(draft, "latency_ms", latency, "/endTime");
}

/** Redacts before truncating, because a truncated secret is not recognised. */
function shortenError(text: string): string | undefined {
  const storable = text.slice(0, 4 * MAX_ERROR_MESSAGE).replaceAll("\0", "")
    .toWellFormed();
  const short = redactSecrets(storable).slice(0, MAX_ERROR_MESSAGE)
    .toWellFormed();
  return short.trim() === "" ? undefined : short;
}
