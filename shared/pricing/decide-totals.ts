import type { Issue } from "../issue.ts";
import type { StatedCounts, UsageSource } from "./read-usage.ts";
import type { Count } from "./usage-members.ts";

/** A part of a total, and the members that state it. */
export interface Part {
  value: number;
  from: Count[];
  /** Whether it is in the total as stated. Undefined if the API decides. */
  isInside?: boolean;
}

/** The totals of a call, parts included, and the parts that APIs count differently. */
export interface Sums {
  input: number;
  output: number;
  cacheRead?: Part;
  cacheWrite?: Part;
  reasoning?: Part;
  /** Members that show that something is missing. */
  unread: string[];
}

/** The totals as stated, with their parts. */
interface Totals extends Omit<Sums, "unread"> {
  /** Parts of the output that no API counts in it. */
  besideOutput: number;
}

/** Whether cached tokens and reasoning are in the totals as stated. */
interface Convention {
  hasCache: boolean;
  hasReasoning: boolean;
}

/**
 * The input and output of a call with all of their parts. The members' names and the API
 * say whether a total as stated includes cached tokens and reasoning; a part that is
 * larger than the total, and the total of both, prove it. A total that no reading
 * explains is among `unread`, as is a missing count.
 */
export function decideTotals(
  stated: StatedCounts,
  source: UsageSource,
): Sums | { issue: Issue } {
  const totals = readTotals(stated, source);
  const convention = chooseConvention(totals, stated, source);
  if ("issue" in convention) return convention;
  const { input, output } = sumUp(totals, convention);
  const { besideOutput: _, ...parts } = totals;
  return {
    ...parts,
    input,
    output,
    unread: findMissing(totals, convention, stated, source),
  };
}

function readTotals(stated: StatedCounts, source: UsageSource): Totals {
  const { values } = stated;
  const value = (count: Count) => values.get(count) ?? 0;
  const isBilled = values.has("billed_input") && source.apiFlavor !== "tokens";
  return {
    input: isBilled
      ? value("billed_input")
      : isTotalAlone(stated)
      ? value("total")
      : value("input") + value("input_tool_tokens"),
    output: isBilled ? value("billed_output") : value("output"),
    besideOutput: value("output_citation_tokens"),
    // Cohere bills no cached tokens apart.
    cacheRead: isBilled ? undefined : toPart(stated, "cache_read"),
    cacheWrite: withLifetimes(stated, toPart(stated, "cache_write")),
    reasoning: toPart(stated, "reasoning"),
  };
}

/** Voyage and Jina state the total of an embedding's input alone. */
function isTotalAlone({ values }: StatedCounts): boolean {
  return values.has("total") && !values.has("input") && !values.has("output") &&
    !values.has("billed_input");
}

function toPart(
  { values }: StatedCounts,
  name: "cache_read" | "cache_write" | "reasoning",
): Part | undefined {
  const places = ["inside", "beside", "either"] as const;
  const found = places
    .map((place) => ({ place, count: `${name}_${place}` as const }))
    .filter(({ count }) => values.has(count))
    .sort((a, b) => values.get(b.count)! - values.get(a.count)!);
  if (found.length === 0) return undefined;
  const [{ place, count }] = found;
  return {
    value: values.get(count)!,
    from: [count],
    isInside: place === "either" ? undefined : place === "inside",
  };
}

/** Cache writes, where an SDK may state those of each lifetime alone. */
function withLifetimes(
  { values }: StatedCounts,
  part: Part | undefined,
): Part | undefined {
  const sum = (values.get("cache_write_5m") ?? 0) +
    (values.get("cache_write_1h") ?? 0);
  if (sum === 0 || (part && part.value > 0)) return part;
  return { from: [], ...part, value: sum };
}

function sumUp(
  { input, output, besideOutput, cacheRead, cacheWrite, reasoning }: Totals,
  { hasCache, hasReasoning }: Convention,
): { input: number; output: number } {
  const cached = (cacheRead?.value ?? 0) + (cacheWrite?.value ?? 0);
  return {
    input: input + (hasCache ? 0 : cached),
    output: output + besideOutput +
      (hasReasoning ? 0 : reasoning?.value ?? 0),
  };
}

function chooseConvention(
  totals: Totals,
  stated: StatedCounts,
  source: UsageSource,
): Convention | { issue: Issue } {
  const { cacheRead, cacheWrite } = totals;
  const cached = (cacheRead?.value ?? 0) + (cacheWrite?.value ?? 0);
  const isProved = cached > totals.input &&
    (cacheRead?.isInside ?? cacheWrite?.isInside) === undefined;
  const expected: Convention = {
    hasCache: isProved
      ? false
      : !isCacheBeside(cacheRead, cacheWrite, stated, source),
    hasReasoning: !isReasoningBeside(totals, stated, source),
  };
  const decided = decideByTotal(totals, expected, stated, source);
  const isOpen = cached > 0 && !isProved && decided === expected &&
    cacheRead?.isInside === undefined && isAmbiguous(stated, source);
  return isOpen ? { issue: describeReadings(totals, expected) } : decided;
}

const LIFETIMES: Count[] = ["cache_write_5m", "cache_write_1h"];

/** Pointers to Anthropic's and Bedrock's counts of cached tokens. */
const BESIDE_INPUT =
  /cache_?(?:read|write|creation)_?input_?tokens$|cache_creation\/|cacheDetails\//i;

/** Anthropic's and Bedrock's names stand beside their input, but not LiteLLM's. */
function isCacheBeside(
  read: Part | undefined,
  write: Part | undefined,
  { pointers, inputName }: StatedCounts,
  { apiFlavor, provider, model }: UsageSource,
): boolean {
  const part = read?.value ? read : write?.value ? write : read ?? write;
  if (part?.isInside !== undefined) return !part.isInside;
  if (part === undefined || inputName === "prompt_tokens") return false;
  if (apiFlavor === "ai-sdk-5") return true;
  const names = part.from.length > 0 ? part.from : LIFETIMES;
  const name = names.map((count) => pointers.get(count) ?? "").join();
  if (BESIDE_INPUT.test(name)) return true;
  return provider === "cursor" || /^composer-/i.test(model);
}

function isReasoningBeside(
  { output, reasoning }: Totals,
  { pointers }: StatedCounts,
  { provider, model }: UsageSource,
): boolean {
  if (reasoning?.isInside !== undefined) return !reasoning.isInside;
  const isTopLevel = /^\/usage\/\w+$/.test(
    pointers.get("reasoning_either") ?? "",
  );
  if (isTopLevel && reasoning!.value > output) return true;
  return provider === "x-ai" || provider === "perplexity" ||
    (provider === undefined && /^(?:grok|sonar)/i.test(model));
}

/** The convention that the total of input and output proves, or else the expected one. */
function decideByTotal(
  totals: Totals,
  expected: Convention,
  { values }: StatedCounts,
  { provider, model }: UsageSource,
): Convention {
  const total = values.get("total");
  if (total === undefined) return expected;
  // Perplexity's total has neither reasoning nor citations.
  if (provider === "perplexity" || /^sonar/i.test(model)) return expected;
  const explains = (convention: Convention) => {
    const { input, output } = sumUp(totals, convention);
    return input + output === total;
  };
  // A sum of the totals as stated proves nothing of cached tokens beside them.
  if (explains(expected) || (!expected.hasCache && isPlainSum(totals, total))) {
    return expected;
  }
  return CONVENTIONS.find(explains) ?? expected;
}

const CONVENTIONS: readonly Convention[] = [
  { hasCache: true, hasReasoning: true },
  { hasCache: true, hasReasoning: false },
  { hasCache: false, hasReasoning: true },
  { hasCache: false, hasReasoning: false },
];

function isPlainSum({ input, output }: Totals, total: number): boolean {
  return input + output === total;
}

/** AI SDK 5 copied the input of Anthropic, and AI SDK 6 adds the cached tokens to it. */
function isAmbiguous(
  { pointers }: StatedCounts,
  { apiFlavor, provider, model }: UsageSource,
): boolean {
  const name = pointers.get("cache_read_either") ?? "";
  return /cachedInputTokens$/.test(name) && apiFlavor === undefined &&
    (provider === "anthropic" || /claude/i.test(model));
}

function describeReadings(totals: Totals, convention: Convention): Issue {
  const without = sumUp(totals, { ...convention, hasCache: false }).input;
  const detail =
    `Two readings fit: ai-sdk-5, whose input excludes cached tokens (${without} input tokens in all), and ai-sdk-6, whose input includes them (${totals.input}); send one of the two names`;
  return { pointer: "/api_flavor", code: "required", detail };
}

/** Members that show that a count is missing, so that the cost is a floor. */
function findMissing(
  totals: Totals,
  convention: Convention,
  stated: StatedCounts,
  { apiFlavor, provider, model }: UsageSource,
): string[] {
  const { values, pointers, inputName } = stated;
  const { input, output } = sumUp(totals, convention);
  const total = values.get("total");
  if (isTotalAlone(stated)) {
    return hasNoOutput(model) ? [] : [pointers.get("total")!];
  }
  if (total !== undefined) {
    const isExplained = input + output === total ||
      (!convention.hasCache || provider === "perplexity" ||
          /^sonar/i.test(model)) && isPlainSum(totals, total);
    return isExplained ? [] : [pointers.get("total")!];
  }
  const hasInput = values.has("input") || values.has("billed_input");
  const hasOutput = values.has("output") || values.has("billed_output");
  if (!hasInput && !hasOutput) return [];
  if (!hasInput) return ["/usage/input_tokens"];
  // Gemini omits counts of 0, and embeddings and rerankings have no output.
  const isWhole = hasOutput || inputName === "prompt_token_count" ||
    inputName === "tokens" || inputName === "total_embedding_token_count" ||
    values.has("billed_input") || apiFlavor === "embeddings" ||
    hasNoOutput(model);
  return isWhole ? [] : ["/usage/output_tokens"];
}

/** Whether a model embeds or ranks its input, by its name. */
function hasNoOutput(model: string): boolean {
  return /embed|rerank|voyage/i.test(model);
}
