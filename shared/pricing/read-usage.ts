import { type Issue, toPointer } from "../issue.ts";
import { MAX_INTEGER } from "../limits.ts";
import { decideTotals, type Sums } from "./decide-totals.ts";
import { readLeaves, type UsageLeaf } from "./usage-leaves.ts";
import { type Count, countOf, isIrrelevant } from "./usage-members.ts";

/** The units of a usage object, by genai-prices' names. */
export interface ReadUnits {
  /** unit → sum of the members that count it. */
  amounts: Map<string, number>;
  /** unit → JSON Pointer to the first member that counts it. */
  pointers: Map<string, string>;
  /** JSON Pointers to members that were not understood. */
  unread: string[];
}

/** What is known of the call beside its usage object. */
export interface UsageSource {
  /** The canonical provider, or undefined if it is not known. */
  provider?: string;
  apiFlavor?: string;
  model: string;
}

/** The members of a usage object by what they count. */
export interface StatedCounts {
  values: Map<Count, number>;
  pointers: Map<Count, string>;
  /** The name of the member that counts the input. */
  inputName?: string;
}

const EXPECTED_COUNT = `Expected an integer from 0 to ${MAX_INTEGER}`;

/**
 * Reads the units of a usage object by the names of its members. A member that is not
 * known and looks like a count is among `unread`; a member of a wrong type is an issue.
 * A null member counts as omitted.
 */
export function readUsage(
  usage: unknown,
  source: UsageSource,
  leaves: readonly UsageLeaf[] = readLeaves(usage),
): ReadUnits | { issue: Issue } {
  if (typeof usage !== "object" || usage === null || Array.isArray(usage)) {
    const detail = "Expected an object, as the provider sends it";
    return { issue: { pointer: "/usage", code: "invalid_type", detail } };
  }
  const stated: StatedCounts = { values: new Map(), pointers: new Map() };
  const unread: string[] = [];
  let isMissing = false;
  for (const { name, path, value } of leaves) {
    const count = countOf(name);
    if (value === null) {
      isMissing ||= count !== undefined;
      continue;
    }
    if (count === undefined) {
      if (looksLikeCount(value) && !isIrrelevant(name)) {
        unread.push(toPointer(path));
      }
      continue;
    }
    const pointer = toPointer(path);
    const issue = findIssue(pointer, value);
    if (issue) return { issue };
    if (
      count === "input" && (value as number) >= (stated.values.get(count) ?? 0)
    ) {
      stated.inputName = name;
    }
    if (!state(stated, count, pointer, value as number)) unread.push(pointer);
  }
  if (stated.values.size === 0) {
    return isMissing ? NO_USAGE : { issue: NO_COUNTS };
  }
  if (hasOtherIterations(usage, stated)) unread.push("/usage/iterations");
  const sums = decideTotals(stated, source);
  if ("issue" in sums) return sums;
  unread.push(...sums.unread);
  return { ...toUnits(stated, sums, source), unread };
}

/** Of a call whose provider did not count, such as a stream that was cut off. */
const NO_USAGE: ReadUnits = {
  amounts: new Map(),
  pointers: new Map(),
  unread: ["usage"],
};

const NO_COUNTS: Issue = {
  pointer: "/usage",
  code: "invalid_value",
  detail:
    "Has no known count; send the usage object of the provider or SDK unchanged, or input_tokens and output_tokens instead of usage",
};

function looksLikeCount(value: unknown): boolean {
  return typeof value === "number" && value > 0;
}

function findIssue(pointer: string, value: unknown): Issue | undefined {
  const isWhole = typeof value === "number" && Number.isInteger(value);
  if (isWhole && value >= 0 && value <= MAX_INTEGER) return undefined;
  const code = isWhole ? "out_of_range" : "invalid_type";
  return { pointer, code, detail: EXPECTED_COUNT };
}

/** Notes a count; false if another member states another number. */
function state(
  { values, pointers }: StatedCounts,
  count: Count,
  pointer: string,
  value: number,
): boolean {
  const known = values.get(count) ?? 0;
  if (value >= known) {
    values.set(count, value);
    pointers.set(count, pointer);
  }
  return known === 0 || value === 0 || known === value;
}

/**
 * Whether Anthropic's iterations, such as compactions and advisors, used more than the
 * totals say.
 */
function hasOtherIterations(
  usage: object,
  { values }: StatedCounts,
): boolean {
  const { iterations } = usage as { iterations?: unknown };
  if (!Array.isArray(iterations) || iterations.length === 0) return false;
  const sum = (member: string) =>
    iterations.reduce(
      (total, item) => total + (Number(item?.[member]) || 0),
      0,
    );
  return sum("input_tokens") !== values.get("input") ||
    sum("output_tokens") !== values.get("output");
}

/** The units that are named as the counts. */
const SAME_NAME: readonly Count[] = [
  "input_tool_tokens",
  "input_audio_tool_tokens",
  "input_video_tool_tokens",
  "output_audio_tokens",
  "output_video_tokens",
  "output_citation_tokens",
  "cache_audio_read_tokens",
  "cache_video_read_tokens",
  "web_searches",
  "search_units",
  "classifications",
  "audio_seconds",
  "characters",
  "images",
  "input_text_messages",
  "input_document_pages",
];

/**
 * Units that several counts make up: documents are billed as images, and the prompts of
 * tools, which have lists of their own, are input.
 */
const SUMS: Record<string, readonly Count[]> = {
  input_audio_tokens: ["input_audio_tokens", "input_audio_tool_tokens"],
  input_image_tokens: [
    "input_image_tokens",
    "input_document_tokens",
    "input_image_tool_tokens",
    "input_document_tool_tokens",
  ],
  input_video_tokens: ["input_video_tokens", "input_video_tool_tokens"],
  input_image_tool_tokens: [
    "input_image_tool_tokens",
    "input_document_tool_tokens",
  ],
  output_image_tokens: ["output_image_tokens", "output_document_tokens"],
  cache_image_read_tokens: [
    "cache_image_read_tokens",
    "cache_document_read_tokens",
  ],
};

function toUnits(
  { values, pointers }: StatedCounts,
  sums: Sums,
  source: UsageSource,
): Omit<ReadUnits, "unread"> {
  const units = { amounts: new Map<string, number>(), pointers: new Map() };
  const add = (unit: string, value: number | undefined, from: Count[]) => {
    if (value === undefined) return;
    units.amounts.set(unit, (units.amounts.get(unit) ?? 0) + value);
    const pointer = from.map((count) => pointers.get(count))
      .find((found) => found !== undefined) ?? "/usage";
    if (!units.pointers.has(unit)) units.pointers.set(unit, pointer);
  };
  add("input_tokens", sums.input, ["input", "billed_input"]);
  add("output_tokens", sums.output, ["output", "billed_output"]);
  add("cache_read_tokens", sums.cacheRead?.value, sums.cacheRead?.from ?? []);
  add("cache_write_tokens", sums.cacheWrite?.value, [
    ...sums.cacheWrite?.from ?? [],
    "cache_write_1h",
    "cache_write_5m",
  ]);
  add("output_reasoning_tokens", sums.reasoning?.value, [
    ...sums.reasoning?.from ?? [],
  ]);
  add("cache_write_5m_tokens", values.get("cache_write_5m"), [
    "cache_write_5m",
  ]);
  add("cache_write_1h_tokens", values.get("cache_write_1h"), [
    "cache_write_1h",
  ]);
  for (const unit of SAME_NAME) add(unit, values.get(unit), [unit]);
  for (const [unit, counts] of Object.entries(SUMS)) {
    for (const count of counts) add(unit, values.get(count), [count]);
  }
  if (isImageOutput(values, source)) {
    add("output_image_tokens", sums.output, ["output"]);
  }
  if (source.apiFlavor === "ocr_annotated") {
    const pages = values.get("input_document_pages");
    add("input_annotated_document_pages", pages, ["input_document_pages"]);
  }
  return units;
}

/** Whether the output is images, although the usage object has no details of it. */
function isImageOutput(
  values: Map<Count, number>,
  { apiFlavor, model }: UsageSource,
): boolean {
  const isImages = apiFlavor === "images" ||
    /(?:^|[/.])(?:chat)?gpt-image/i.test(model);
  return isImages && values.has("output") &&
    !values.has("output_image_tokens") && !values.has("output_text_tokens");
}
