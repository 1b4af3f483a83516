import { MAX_INTEGER } from "../limits.ts";
import {
  type Convention,
  decideConvention,
  type SentCounts,
} from "../otlp/token-convention.ts";
import type { LogEvent } from "../logs/log.ts";
import { splitCounts } from "../pricing/split-counts.ts";
import { readLeaves } from "../pricing/usage-leaves.ts";
import type { Count } from "../pricing/usage-members.ts";
import { findServiceTier } from "../pricing/usage-tier.ts";
import { addIssue, type EventDraft, setMember } from "./drafts.ts";
import {
  isCount,
  readUnits,
  readUsageMembers,
  toStorable,
  type Units,
  type UsageMembers,
} from "./gateway-units.ts";
import { findFirst, type Found, readPointer } from "./payload.ts";

/** Where a gateway's payload has the usage of a call. */
export type UsagePlaces = {
  /** The pointers of usage objects, by precedence. */
  objects: readonly string[];
  /** The pointer of an object with totals that take precedence. */
  totals?: string;
  /** The pointer of the response, which may state the service tier. */
  response: string;
  /** The pointer of the operation's name. */
  operation: string;
  /** The convention of cached tokens by Anthropic's names, where the counts prove none. */
  convention: Convention;
};

/** The unread member of a call without usage. */
export const NO_USAGE = "usage";

/** The counts of text → the members that state them, by precedence. */
const TEXT_COUNTS = {
  input: ["input"],
  output: ["output"],
  total: ["total"],
  cacheRead: ["cache_read_inside", "cache_read_either", "cache_read_beside"],
  cacheWrite: [
    "cache_write_inside",
    "cache_write_either",
    "cache_write_beside",
  ],
  cacheWrite5m: ["cache_write_5m"],
  cacheWrite1h: ["cache_write_1h"],
  reasoning: ["reasoning_inside", "reasoning_either", "reasoning_beside"],
} satisfies Record<string, Count[]>;

type TextCount = keyof typeof TEXT_COUNTS;

/** Chat completions' names of the totals. */
const CHAT_TOTALS = {
  input: "/prompt_tokens",
  output: "/completion_tokens",
  total: "/total_tokens",
};

/** The event member of a count. */
const MEMBERS: Partial<Record<TextCount, string>> = {
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
 * `unread_members` are the pointers of counts without a known meaning, of missing totals
 * and of a total that the counts do not explain, or `usage` for a call without any count. The totals of a call that failed or
 * `isFree` are optional.
 */
export function readGatewayUsage(
  payload: unknown,
  places: UsagePlaces,
  draft: EventDraft,
  isFree: boolean,
): void {
  const usage = readUsageMembers(payload, places.objects);
  const counts = readCounts(payload, usage, places, draft);
  const units = readUnits(usage);
  const { unread } = usage;
  const tiers = [...places.objects, places.response];
  unread.push(...readTier(payload, tiers, draft));
  const members = toInclusive(counts, assumeConvention(usage, places));
  members.output_tokens += units.amounts.get("output_citation_tokens") ?? 0;
  if (isImageCall(payload, places)) addImageOutput(units, members);
  if (draft.event.success !== false && !isFree) {
    const rest = counts.missing;
    if ((counts.total ?? 0) > members.input_tokens + members.output_tokens) {
      rest.push(pointTo("total", places));
    }
    const isEmpty = members.input_tokens + members.output_tokens +
        units.amounts.size + unread.length === 0;
    unread.push(...isEmpty ? [NO_USAGE] : rest);
  }
  const parts = splitUnits(units, members);
  // Parts that exceed their total are charged as text.
  if (parts === null) unread.push(...units.pointers.values());
  Object.assign(draft.event, members, parts);
  if (unread.length > 0) {
    draft.event.unread_members = toStorable(unread, places.objects);
  }
}

/** The members of a response that change the price of all tokens. */
const TIER_MEMBERS = [
  "service_tier",
  "speed",
  "inference_geo",
  "trafficType",
  "traffic_type",
];

/**
 * Sets the service tier that some objects state together, each member by the first that
 * has it. Returns the pointers of values that are no name of a tier.
 */
function readTier(
  payload: unknown,
  objects: readonly string[],
  draft: EventDraft,
): string[] {
  const stated = TIER_MEMBERS.flatMap((member) => {
    const pointers = objects.map((base) => `${base}/${member}`);
    const found = findFirst(payload, pointers);
    return found === null ? [] : [{ member, ...found }];
  });
  if (stated.length === 0) return [];
  const { tier, unread } = findServiceTier(
    readLeaves(
      Object.fromEntries(stated.map(({ member, value }) => [member, value])),
    ),
  );
  if (tier !== undefined) {
    setMember(draft, "service_tier", tier, stated[0].pointer);
  }
  return stated.filter(({ member }) => unread.includes(`/usage/${member}`))
    .map(({ pointer }) => pointer);
}

/** Counts as a payload has them, and the pointers of its missing totals. */
type ReadCounts = SentCounts & {
  input: number;
  output: number;
  missing: string[];
};

function readCounts(
  payload: unknown,
  { counts }: UsageMembers,
  places: UsagePlaces,
  draft: EventDraft,
): ReadCounts {
  const { objects, totals } = places;
  const read = (name: TextCount) => {
    const members = [
      ...isTotal(name)
        ? readChatTotals(payload, CHAT_TOTALS[name], totals, objects)
        : [],
      ...TEXT_COUNTS[name].flatMap((count) => counts.get(count) ?? []),
    ];
    return toCount(name, members, draft);
  };
  const part = (name: TextCount) => read(name) ?? 0;
  const total = read("total");
  const sent = { input: read("input"), output: read("output") };
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
      ...input === null ? [pointTo("input", places)] : [],
      ...output === null ? [pointTo("output", places)] : [],
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

function isTotal(name: string): name is keyof typeof CHAT_TOTALS {
  return Object.hasOwn(CHAT_TOTALS, name);
}

/** The pointer of a total, by chat completions' name. */
function pointTo(
  total: keyof typeof CHAT_TOTALS,
  { objects, totals }: UsagePlaces,
): string {
  return (totals ?? objects[0]) + CHAT_TOTALS[total];
}

/** The totals by chat completions' names, which take precedence over other names. */
function readChatTotals(
  payload: unknown,
  path: string,
  totals: string | undefined,
  objects: readonly string[],
): Found[] {
  const bases = totals === undefined ? objects : [totals, ...objects];
  return bases
    .map((base): Found => ({
      pointer: base + path,
      value: readPointer(payload, base + path) ?? null,
    }))
    .filter(({ value }) => value !== null);
}

/** The first count that is not 0, else 0; null without any member. */
function toCount(
  name: TextCount,
  members: readonly Found[],
  draft: EventDraft,
): number | null {
  const found = members.find(({ value }) => value !== 0) ?? members[0];
  if (found === undefined) return null;
  const { pointer, value } = found;
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
    const isFull = read("/input_tokens_details") ||
      read("/input_token_details") ||
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

/** Cached tokens by OpenAI's names are in the input. */
function assumeConvention(
  { counts }: UsageMembers,
  { convention }: UsagePlaces,
): Convention {
  const isOfAnthropic = ([
    "cache_read_either",
    "cache_write_either",
  ] as const).some((name) =>
    counts.get(name)?.some(({ value }) => value !== 0)
  );
  return isOfAnthropic ? convention : "inclusive";
}

function toInclusive(counts: ReadCounts, convention: Convention): TextMembers {
  const { addedInput, addedOutput, inference } = decideConvention(counts, {
    cache: { convention, basis: "likely" },
    reasoning: { convention: "inclusive", basis: "likely" },
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
  { amounts, pointers }: Units,
  members: TextMembers,
): LogEvent | null {
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
  const units = { amounts: all, pointers, unread: [] };
  const split = splitCounts(units);
  if ("issue" in split) return null;
  // All cached tokens may be audio.
  return { cache_read_tokens: undefined, ...split.counts };
}

/** Whether a call is of the Images API, whose output is images unless it says more. */
function isImageCall(payload: unknown, { operation }: UsagePlaces): boolean {
  return /image/i.test(String(readPointer(payload, operation)));
}

function addImageOutput(
  { amounts, pointers }: Units,
  members: TextMembers,
) {
  const hasDetails = [...amounts.keys()].some((unit) =>
    unit.startsWith("output_")
  );
  if (hasDetails || members.output_tokens === 0) return;
  amounts.set("output_image_tokens", members.output_tokens);
  pointers.set("output_image_tokens", "/completion_tokens");
}
