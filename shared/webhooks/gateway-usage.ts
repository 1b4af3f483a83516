import { MAX_INTEGER } from "../limits.ts";
import {
  type Convention,
  decideConvention,
  type Inference,
  type SentCounts,
} from "../otlp/token-convention.ts";
import type { ReadUnits, UsageCounts } from "../pricing/read-usage.ts";
import { splitCounts } from "../pricing/split-counts.ts";
import { addIssue, type EventDraft } from "./drafts.ts";
import {
  below,
  CITATION_TOKENS,
  findUnread,
  INPUT_DETAILS,
  isCount,
  OUTPUT_DETAILS,
  readUnits,
} from "./gateway-units.ts";
import { type Found, readPointer } from "./payload.ts";

/** Where a gateway's payload has the usage of a call. */
export type UsagePlaces = {
  /** The pointers of usage objects, by precedence. */
  objects: readonly string[];
  /** The pointer of an object with totals that take precedence. */
  totals?: string;
  /** The pointer of the operation's name. */
  operation: string;
  /** The convention of counts that prove none. */
  convention: Convention;
};

/** The unread member of a call without usage. */
export const NO_USAGE = "usage";

/** Counts, by the names of chat completions and then of other APIs, in a usage object. */
const PATHS = {
  input: ["/prompt_tokens", "/input_tokens"],
  output: ["/completion_tokens", "/output_tokens"],
  total: ["/total_tokens"],
  cacheRead: [
    ...below(INPUT_DETAILS, "/cached_tokens"),
    "/cache_read_input_tokens",
    "/prompt_cache_hit_tokens",
    "/cached_tokens",
  ],
  cacheWrite: [
    ...below(INPUT_DETAILS, "/cache_creation_tokens", "/cache_write_tokens"),
    "/cache_creation_input_tokens",
  ],
  cacheWrite5m: ofLifetime("5m"),
  cacheWrite1h: ofLifetime("1h"),
  reasoning: [
    ...below(OUTPUT_DETAILS, "/reasoning_tokens", "/thinking_tokens"),
    "/reasoning_tokens",
  ],
};

const READ = new Set(Object.values(PATHS).flat());

/** The event member of a count. */
const MEMBERS: Partial<Record<keyof typeof PATHS, string>> = {
  input: "input_tokens",
  output: "output_tokens",
  cacheRead: "cache_read_tokens",
  cacheWrite: "cache_write_5m_tokens",
  cacheWrite1h: "cache_write_1h_tokens",
  reasoning: "reasoning_tokens",
};

/**
 * Reads the usage of a model call in the shape of the Chat Completions, Responses,
 * Messages or Images API, as gateways send it. The event's counts are inclusive: input
 * with cache reads and writes, output with reasoning.
 *
 * A gateway normalises every provider to its own convention, but some versions and
 * endpoints pass the provider's numbers through. So the convention of `places` is only
 * likely, and the numbers take precedence where they prove one. Cache writes of unknown
 * lifetime count as five minutes, the providers' default.
 *
 * `unread_members` are the pointers of counts without a known meaning and of missing
 * totals, or `usage` for a call without any count. The totals of a call that failed or
 * `isFree` are optional.
 */
export function readGatewayUsage(
  payload: unknown,
  places: UsagePlaces,
  draft: EventDraft,
  isFree: boolean,
): void {
  const counts = readCounts(payload, places, draft);
  const units = readUnits(payload, places.objects);
  const unread = findUnread(payload, places.objects, READ);
  const members = toInclusive(counts, places.convention);
  members.output_tokens += units.amounts.get(CITATION_TOKENS) ?? 0;
  if (isImageCall(payload, places)) addImageOutput(units, members);
  if (draft.event.success !== false && !isFree) {
    const isEmpty = members.input_tokens + members.output_tokens +
        units.amounts.size + unread.length === 0;
    unread.push(...isEmpty ? [NO_USAGE] : counts.missing);
  }
  const parts = splitUnits(units, members);
  // Parts that exceed their total are charged as text.
  if (parts === null) unread.push(...units.pointers.values());
  Object.assign(draft.event, members, parts);
  if (unread.length > 0) draft.event.unread_members = unread;
}

/** Counts as a payload has them, and the pointers of its missing totals. */
type ReadCounts = SentCounts & {
  input: number;
  output: number;
  missing: string[];
};

function readCounts(
  payload: unknown,
  { objects, totals }: UsagePlaces,
  draft: EventDraft,
): ReadCounts {
  const bases = totals === undefined ? objects : [totals, ...objects];
  const read = (name: keyof typeof PATHS, among = objects) =>
    readCount(payload, name, among, draft);
  const part = (name: keyof typeof PATHS) => read(name) ?? 0;
  const total = read("total", bases);
  const sent = { input: read("input", bases), output: read("output", bases) };
  const rest = (other: number | null) =>
    total !== null && other !== null && total >= other ? total - other : null;
  const input = sent.input ?? rest(sent.output);
  const output = sent.output ?? rest(sent.input);
  const cacheWrite1h = part("cacheWrite1h");
  const split = part("cacheWrite5m") + cacheWrite1h;
  return {
    input: input ?? 0,
    output: output ?? 0,
    missing: [
      ...input === null ? [bases[0] + PATHS.input[0]] : [],
      ...output === null ? [bases[0] + PATHS.output[0]] : [],
    ],
    total,
    cacheRead: part("cacheRead"),
    cacheWrite: Math.max(part("cacheWrite"), split),
    cacheWrite1h,
    uncachedInput: findUncachedInput(payload, objects),
    reasoning: part("reasoning"),
    visibleOutput: null,
  };
}

/** A count that is not 0, else 0; null if the payload has none. */
function readCount(
  payload: unknown,
  name: keyof typeof PATHS,
  objects: readonly string[],
  draft: EventDraft,
): number | null {
  const found = PATHS[name]
    .flatMap((path) => below(objects, path))
    .map((pointer): Found => ({
      pointer,
      value: readPointer(payload, pointer) ?? null,
    }))
    .filter(({ value }) => value !== null);
  const chosen = found.find(({ value }) => value !== 0) ?? found[0];
  if (chosen === undefined) return null;
  const { pointer, value } = chosen;
  const member = MEMBERS[name];
  if (member !== undefined) draft.origins[member] = pointer;
  if (isCount(value)) return value;
  const detail = `Expected tokens, an integer from 0 to ${MAX_INTEGER}`;
  addIssue(draft, pointer, "invalid_type", detail);
  return 0;
}

/**
 * The `input_tokens` of the Messages API, which exclude cached tokens; null for those of
 * the Responses API, which include them.
 */
function findUncachedInput(
  payload: unknown,
  objects: readonly string[],
): number | null {
  for (const base of objects) {
    const read = (path: string) => readPointer(payload, base + path);
    const input = read("/input_tokens");
    if (!isCount(input)) continue;
    const isFull = INPUT_DETAILS.slice(1).some((path) => read(path)) ||
      read("/total_tokens") === input + Number(read("/output_tokens"));
    if (!isFull) return input;
  }
  return null;
}

/** The event's members that count text. */
type TextMembers = {
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens?: number;
  cache_write_5m_tokens?: number;
  cache_write_1h_tokens?: number;
  reasoning_tokens?: number;
  token_convention?: string;
  convention_basis?: string;
};

function toInclusive(counts: ReadCounts, convention: Convention): TextMembers {
  const assumed: Inference = { convention, basis: "likely" };
  const { addedInput, addedOutput, inference } = decideConvention(counts, {
    cache: assumed,
    reasoning: assumed,
  });
  return {
    input_tokens: counts.input + addedInput,
    output_tokens: counts.output + addedOutput,
    cache_read_tokens: counts.cacheRead || undefined,
    cache_write_5m_tokens: counts.cacheWrite - counts.cacheWrite1h || undefined,
    cache_write_1h_tokens: counts.cacheWrite1h || undefined,
    reasoning_tokens: counts.reasoning || undefined,
    token_convention: inference?.convention,
    convention_basis: inference?.basis,
  };
}

/**
 * The counts with disjoint parts of every kind; none without other units, and null for
 * parts that exceed their total.
 */
function splitUnits(
  { amounts, pointers }: ReadUnits,
  members: TextMembers,
): Partial<UsageCounts> | null {
  if (amounts.size === 0) return {};
  const oneHour = members.cache_write_1h_tokens ?? 0;
  const all = new Map([
    ...amounts,
    ...Object.entries({
      input_tokens: members.input_tokens,
      output_tokens: members.output_tokens,
      cache_read_tokens: members.cache_read_tokens ?? 0,
      cache_write_tokens: (members.cache_write_5m_tokens ?? 0) + oneHour,
      cache_write_1h_tokens: oneHour,
      output_reasoning_tokens: members.reasoning_tokens ?? 0,
    }),
  ]);
  const split = splitCounts({ amounts: all, pointers });
  if ("issue" in split) return null;
  // All cached tokens may be audio.
  return { cache_read_tokens: undefined, ...split.counts };
}

/** Whether a call is of the Images API, whose output is images unless it says more. */
function isImageCall(payload: unknown, { operation }: UsagePlaces): boolean {
  return /image/i.test(String(readPointer(payload, operation)));
}

function addImageOutput(
  { amounts, pointers }: ReadUnits,
  members: TextMembers,
) {
  const hasDetails = [...amounts.keys()].some((unit) =>
    unit.startsWith("output_")
  );
  if (hasDetails || members.output_tokens === 0) return;
  amounts.set("output_image_tokens", members.output_tokens);
  pointers.set("output_image_tokens", "/completion_tokens");
}

function ofLifetime(lifetime: string): string[] {
  const name = `/ephemeral_${lifetime}_input_tokens`;
  return [
    ...below(INPUT_DETAILS, `/cache_creation_token_details${name}`),
    `/cache_creation${name}`,
  ];
}
