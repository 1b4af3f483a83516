import { isObject } from "../http/json.ts";
import type { Issue } from "../issue.ts";
import { MAX_ERROR_MESSAGE, MAX_INTEGER } from "../limits.ts";
import { isZero, toDecimalText } from "../logs/fields.ts";
import { decideConvention, type Inference } from "../otlp/token-convention.ts";
import { redactSecrets } from "../redaction/secrets.ts";
import { addIssue, type EventDraft, setMember } from "./drafts.ts";
import {
  findFirst,
  readPointer,
  toMicroseconds,
  toTimestamp,
} from "./payload.ts";

/** LiteLLM's usage object; some versions have it in the response only. */
const USAGE = ["/metadata/usage_object", "/response/usage"];

const POINTERS = {
  input: ["/prompt_tokens", ...inUsage("/prompt_tokens")],
  output: ["/completion_tokens", ...inUsage("/completion_tokens")],
  total: ["/total_tokens", ...inUsage("/total_tokens")],
  uncachedInput: inUsage("/input_tokens"),
  cacheRead: inUsage(
    "/prompt_tokens_details/cached_tokens",
    "/cache_read_input_tokens",
  ),
  cacheWrite: inUsage(
    "/prompt_tokens_details/cache_creation_tokens",
    "/prompt_tokens_details/cache_write_tokens",
    "/cache_creation_input_tokens",
  ),
  cacheWrite5m: inUsage(
    "/prompt_tokens_details/cache_creation_token_details/ephemeral_5m_input_tokens",
    "/cache_creation/ephemeral_5m_input_tokens",
  ),
  cacheWrite1h: inUsage(
    "/prompt_tokens_details/cache_creation_token_details/ephemeral_1h_input_tokens",
    "/cache_creation/ephemeral_1h_input_tokens",
  ),
  reasoning: inUsage("/completion_tokens_details/reasoning_tokens"),
};

/** The event member of a count. */
const MEMBERS: Partial<Record<keyof typeof POINTERS, string>> = {
  input: "input_tokens",
  output: "output_tokens",
  cacheRead: "cache_read_tokens",
  cacheWrite: "cache_write_5m_tokens",
  cacheWrite1h: "cache_write_1h_tokens",
  reasoning: "reasoning_tokens",
};

const INCLUSIVE: Inference = { convention: "inclusive", basis: "likely" };

/**
 * Reads the tokens of a StandardLoggingPayload as inclusive counts: input with cache
 * reads and writes, output with reasoning.
 *
 * LiteLLM normalises every provider to that convention (for Anthropic it adds the
 * cached tokens to `prompt_tokens`), but some versions and endpoints pass the
 * provider's numbers through. So `inclusive` is likely, and the numbers take
 * precedence where they prove a convention.
 *
 * Cache writes of unknown lifetime count as five minutes, the providers' default.
 * The counts of a failed call are optional.
 */
export function readUsage(payload: unknown, draft: EventDraft): void {
  const read = (name: keyof typeof POINTERS) =>
    readCount(payload, name, draft) ?? 0;
  const isFailed = draft.event.success === false;
  const input = readCount(payload, "input", draft);
  const output = readCount(payload, "output", draft);
  if (!isFailed && input === null) refuseMissing(draft, "/prompt_tokens");
  if (!isFailed && output === null) refuseMissing(draft, "/completion_tokens");
  const cacheRead = read("cacheRead");
  const cacheWrite1h = read("cacheWrite1h");
  const parts = read("cacheWrite5m") + cacheWrite1h;
  const cacheWrite = Math.max(read("cacheWrite"), parts);
  const counts = {
    input: input ?? 0,
    output: output ?? 0,
    total: readCount(payload, "total", draft),
    cacheRead,
    cacheWrite,
    cacheWrite1h,
    uncachedInput: readCount(payload, "uncachedInput", draft),
    reasoning: read("reasoning"),
    visibleOutput: null,
  };
  const { addedInput, addedOutput, inference } = decideConvention(counts, {
    cache: INCLUSIVE,
    reasoning: INCLUSIVE,
  });
  Object.assign(draft.event, {
    input_tokens: counts.input + addedInput,
    output_tokens: counts.output + addedOutput,
    cache_read_tokens: cacheRead || undefined,
    cache_write_5m_tokens: cacheWrite - cacheWrite1h || undefined,
    cache_write_1h_tokens: cacheWrite1h || undefined,
    reasoning_tokens: counts.reasoning || undefined,
    token_convention: inference?.convention,
    convention_basis: inference?.basis,
  });
}

function readCount(
  payload: unknown,
  name: keyof typeof POINTERS,
  draft: EventDraft,
): number | null {
  const found = findFirst(payload, POINTERS[name]);
  if (found === null) return null;
  const { pointer, value } = found;
  const member = MEMBERS[name];
  if (member !== undefined) draft.origins[member] = pointer;
  if (
    Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) <= MAX_INTEGER
  ) return value as number;
  const detail = `Expected tokens, an integer from 0 to ${MAX_INTEGER}`;
  addIssue(draft, pointer, "invalid_type", detail);
  return 0;
}

function refuseMissing(draft: EventDraft, pointer: string): void {
  const detail =
    "Is required; unset generic_api_use_v1, whose payload has no token counts";
  addIssue(draft, pointer, "required", detail);
}

function inUsage(...paths: string[]): string[] {
  return USAGE.flatMap((base) => paths.map((path) => base + path));
}

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
      issue: { pointer: COST_POINTER, code: "invalid_value", detail },
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
