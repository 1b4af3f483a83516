import { MAX_INTEGER } from "../limits.ts";
import { addFault, type Draft } from "./draft.ts";
import { type Believed, decideConvention } from "./otlp/token-convention.ts";
import { findFirst } from "./payload.ts";

/** The usage as LiteLLM passes it on; some versions only in the response. */
const USAGE = ["/metadata/usage_object", "/response/usage"];

const PLACES = {
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

/** The members of an event that a count becomes. */
const MEMBERS: Partial<Record<keyof typeof PLACES, string>> = {
  input: "input_tokens",
  output: "output_tokens",
  cacheRead: "cache_read_tokens",
  cacheWrite: "cache_write_5m_tokens",
  cacheWrite1h: "cache_write_1h_tokens",
  reasoning: "reasoning_tokens",
};

const INCLUSIVE: Believed = { convention: "inclusive", basis: "likely" };

/**
 * Reads the tokens of a StandardLoggingPayload as full counts: input with what
 * was read from and written to the cache, output with reasoning.
 *
 * LiteLLM brings every provider to that counting (for Anthropic it adds the
 * cache's tokens to `prompt_tokens` itself), but some versions and endpoints
 * passed the provider's numbers on as they were. So `inclusive` is likely, and
 * the numbers decide where they prove something.
 *
 * Cache writes of unknown lifetime count as five minutes, the providers' default.
 * A failed call may have counted nothing; a successful one has.
 */
export function readUsage(payload: unknown, draft: Draft): void {
  const read = (place: keyof typeof PLACES) =>
    readCount(payload, place, draft) ?? 0;
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
  const { addedInput, addedOutput, believed } = decideConvention(counts, {
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
    token_convention: believed?.convention,
    convention_basis: believed?.basis,
  });
}

function readCount(
  payload: unknown,
  place: keyof typeof PLACES,
  draft: Draft,
): number | null {
  const found = findFirst(payload, PLACES[place]);
  if (found === null) return null;
  const { pointer, value } = found;
  const member = MEMBERS[place];
  if (member !== undefined) draft.origins[member] = pointer;
  if (
    Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) <= MAX_INTEGER
  ) return value as number;
  const detail = `Expected tokens, an integer from 0 to ${MAX_INTEGER}`;
  addFault(draft, pointer, "invalid_type", detail);
  return 0;
}

function refuseMissing(draft: Draft, pointer: string): void {
  const detail =
    "Is required; is generic_api_use_v1 set? Its payload has no token counts";
  addFault(draft, pointer, "required", detail);
}

function inUsage(...paths: string[]): string[] {
  return USAGE.flatMap((base) => paths.map((path) => base + path));
}
