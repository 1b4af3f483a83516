import type {
  ExtractPath,
  UsageExtractor,
  UsageExtractorMapping,
} from "@pydantic/genai-prices";
import { type Issue, toPointer } from "../issue.ts";
import { MAX_INTEGER } from "../limits.ts";
import { matchesRule } from "./providers.ts";

/** The units of a usage object, by genai-prices' names. */
export interface ReadUnits {
  /** unit → sum of the members that count it. */
  amounts: Map<string, number>;
  /** unit → JSON Pointer to the first member that counts it. */
  pointers: Map<string, string>;
}

/** Members of responses that hold the usage object. */
const USAGE_MEMBERS = [
  "usage",
  "usageMetadata",
  "usage_info",
  "tokenUsage",
  "meta",
];
const EXPECTED_COUNT = `Expected an integer from 0 to ${MAX_INTEGER}`;

/**
 * Reads the units of a usage object with an extractor of genai-prices, with the same
 * sums. Stricter than genai-prices in one point: an optional member of a wrong type is
 * an issue, because its units would be charged at another price. A null member counts
 * as omitted.
 */
export function readUsage(
  extractor: UsageExtractor,
  usage: unknown,
): ReadUnits | { issue: Issue } {
  const read: ReadUnits = { amounts: new Map(), pointers: new Map() };
  const root = rootBelowUsage(extractor.root);
  for (const mapping of extractor.mappings) {
    const path = [...root, ...toSteps(mapping.path)];
    const found = findMember(path, usage);
    const issue = findIssue(found, mapping.required);
    if (issue) return { issue };
    if (found.value !== undefined) count(read, mapping, found);
  }
  if (read.amounts.size > 0) return read;
  const members = extractor.mappings.map(({ path }) => toSteps(path)[0]);
  return {
    issue: {
      pointer: "/usage",
      code: "invalid_value",
      detail: `Has none of the counts of this provider; send any of ${
        [...new Set(members)].join(", ")
      }`,
    },
  };
}

type Step = Exclude<ExtractPath, string>[number];

interface Found {
  path: PropertyKey[];
  /** Undefined when the member, or one above it, is missing or null. */
  value?: unknown;
  issue?: Issue;
}

function toSteps(path: ExtractPath): Step[] {
  return Array.isArray(path) ? path : [path];
}

/** The steps of an extractor's root that are inside the usage object. */
function rootBelowUsage(root: ExtractPath): Step[] {
  const steps = toSteps(root);
  const at = steps.findIndex((step) =>
    typeof step === "string" && USAGE_MEMBERS.includes(step)
  );
  return steps.slice(Math.max(at, 0) + 1);
}

function findMember(steps: Step[], usage: unknown): Found {
  const path: PropertyKey[] = ["usage"];
  let value = usage;
  for (const step of steps) {
    const isName = typeof step === "string";
    if (value === undefined || value === null) {
      if (isName) path.push(step);
    } else if (typeof value !== "object" || Array.isArray(value) === isName) {
      const expected = isName ? "an object" : "an array";
      const detail = `Expected ${expected}, as the provider sends it`;
      const pointer = toPointer(path);
      return { path, issue: { pointer, code: "invalid_type", detail } };
    } else {
      const list = value as unknown[];
      const key = isName ? step : list.findIndex((item) => isOf(step, item));
      path.push(key);
      value = Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined;
    }
  }
  return { path, value: value ?? undefined };
}

function isOf(step: Exclude<Step, string>, item: unknown): boolean {
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    return false;
  }
  if (!Object.hasOwn(item, step.field)) return false;
  const name = (item as Record<string, unknown>)[step.field];
  return typeof name === "string" && matchesRule(step.match, name);
}

function findIssue(
  { path, value, issue }: Found,
  required: boolean,
): Issue | undefined {
  if (issue) return issue;
  const pointer = toPointer(path);
  if (value === undefined) {
    const detail = `Is required. ${EXPECTED_COUNT}`;
    return required ? { pointer, code: "required", detail } : undefined;
  }
  const isWhole = typeof value === "number" && Number.isInteger(value);
  if (isWhole && value >= 0 && value <= MAX_INTEGER) return undefined;
  const code = isWhole ? "out_of_range" : "invalid_type";
  return { pointer, code, detail: EXPECTED_COUNT };
}

function count(
  { amounts, pointers }: ReadUnits,
  { dest }: UsageExtractorMapping,
  { path, value }: Found,
): void {
  amounts.set(dest, (amounts.get(dest) ?? 0) + (value as number));
  if (!pointers.has(dest)) pointers.set(dest, toPointer(path));
}

/**
 * The counts of one model call: two totals, and disjoint parts of them, so that every
 * token is priced exactly once. Tokens of no part are plain text. Counts are whole
 * numbers; an optional count of 0 is omitted.
 */
export interface UsageCounts {
  /** All input, whether cached or not. */
  input_tokens: number;
  /** All output, reasoning included. */
  output_tokens: number;
  /** Read from the cache, without the audio, image and video in `other_units`. */
  cache_read_tokens?: number;
  /** Written to the cache for five minutes, or for an unknown time. */
  cache_write_5m_tokens?: number;
  /** Written to the cache for one hour. */
  cache_write_1h_tokens?: number;
  /** Reasoning output. */
  reasoning_tokens?: number;
  /**
   * Other units that a provider may charge for, by genai-prices' names. Units that start
   * with `input_` or `cache_` and end in `_tokens` are parts of `input_tokens`, those
   * with `output_` of `output_tokens`; others (`web_searches`,
   * `input_document_pages`, …) are parts of no total.
   */
  other_units?: Record<string, number>;
  /** A name of `canonicalServiceTier`, when the usage object has one. */
  service_tier?: string;
}
