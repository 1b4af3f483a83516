import type * as z from "zod";
import { extractUsage } from "../pricing/extract-usage.ts";
import { MAX_INTEGER } from "../limits.ts";
import type { Derived, LogEvent } from "./log.ts";

/** Members that are parts of `input_tokens`. */
const INPUT_PARTS = [
  "cache_read_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
];

/** Members that a provider's usage object says. */
const COUNTS = [
  "input_tokens",
  "output_tokens",
  ...INPUT_PARTS,
  "reasoning_tokens",
];

/** What an event of `llm_usage_log` must keep to beyond the type of each member. */
export function checkUsage(event: LogEvent, context: z.RefinementCtx): void {
  const refuse = (path: string, code: string, message: string) =>
    context.addIssue({
      code: "custom",
      path: [path],
      params: { code },
      message,
    });

  if (event.error_message !== undefined && event.success !== false) {
    refuse(
      "error_message",
      "invalid_value",
      "A successful call has no error message; send success: false with it",
    );
  }
  if (event.usage !== undefined) {
    if (event.provider === undefined) {
      refuse("provider", "required", "It says how usage is to be read");
    }
    for (const count of COUNTS.filter((one) => event[one] !== undefined)) {
      refuse(count, "not_allowed", "Cannot be sent with usage, which says it");
    }
    return;
  }
  for (const count of ["input_tokens", "output_tokens"]) {
    if (event[count] === undefined) {
      refuse(
        count,
        "required",
        "Send the token counts, or the provider's usage object as usage",
      );
    }
  }
  if (isMore(event, INPUT_PARTS, "input_tokens")) {
    refuse(
      INPUT_PARTS.find((part) => Number(event[part]) > 0)!,
      "out_of_range",
      "Cache reads and writes together are more than input_tokens, which is the full input, cached or not",
    );
  }
  if (isMore(event, ["reasoning_tokens"], "output_tokens")) {
    refuse(
      "reasoning_tokens",
      "out_of_range",
      "Is more than output_tokens, which is the full output, reasoning included",
    );
  }
}

/** Token counts from the provider's usage object, when the event brought one. */
export function deriveUsage(event: LogEvent): Derived | Promise<Derived> {
  return event.usage === undefined ? { stamped: {} } : readUsage(event);
}

async function readUsage(event: LogEvent): Promise<Derived> {
  const result = await extractUsage({
    provider: event.provider as string,
    apiFlavor: event.api_flavor as string | undefined,
    usage: event.usage,
  });
  if ("fault" in result) return { faults: [result.fault] };
  return { stamped: { ...result.counts } };
}

/** False when one of them is not a count, which is a separate fault. */
function isMore(event: LogEvent, parts: string[], whole: string): boolean {
  const counts = parts.map((part) => event[part] ?? 0);
  const total = event[whole];
  if (!isCount(total) || !counts.every(isCount)) return false;
  return counts.reduce((sum, count) => sum + count, 0) > total;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 &&
    Number(value) <= MAX_INTEGER;
}
