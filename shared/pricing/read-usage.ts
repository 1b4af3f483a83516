import type {
  ExtractPath,
  UsageExtractor,
  UsageExtractorMapping,
} from "@pydantic/genai-prices";
import { type Issue, toPointer } from "../issue.ts";
import { MAX_INTEGER } from "../limits.ts";
import { matchesRule } from "./providers.ts";

/** Units of a usage object, by genai-prices' names, and where they were read. */
export interface ReadUnits {
  /** unit → sum of the members that count it. */
  amounts: Map<string, number>;
  /** unit → JSON Pointer to the first member that counts it. */
  pointers: Map<string, string>;
}

/** The member of a response that its usage object is the value of. */
const USAGE_MEMBERS = [
  "usage",
  "usageMetadata",
  "usage_info",
  "tokenUsage",
  "meta",
];
const WANTED = `Expected an integer from 0 to ${MAX_INTEGER}`;

/**
 * Reads the units that an extractor of genai-prices finds in a usage object, with
 * the same sums. Stricter than genai-prices in one point: an optional member of a
 * wrong type is an issue, because what it counts would be charged at another price.
 * A member that is null counts as left out.
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
    const issue = findFault(found, mapping.required);
    if (issue) return { issue };
    if (found.value !== undefined) count(read, mapping, found);
  }
  if (read.amounts.size > 0) return read;
  const members = extractor.mappings.map(({ path }) => toSteps(path)[0]);
  return {
    issue: {
      pointer: "/usage",
      code: "invalid_value",
      detail: `Holds no count; expected any of ${
        [...new Set(members)].join(", ")
      }`,
    },
  };
}

type Step = Exclude<ExtractPath, string>[number];

interface Found {
  path: PropertyKey[];
  /** Undefined when it, or something on the way, is missing or null. */
  value?: unknown;
  issue?: Issue;
}

function toSteps(path: ExtractPath): Step[] {
  return Array.isArray(path) ? path : [path];
}

/** The steps of a root that lie inside of the usage object. */
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
      const wanted = isName ? "an object" : "an array";
      const detail = `Expected ${wanted}, as the provider sends it`;
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

function findFault(
  { path, value, issue }: Found,
  required: boolean,
): Issue | undefined {
  if (issue) return issue;
  const pointer = toPointer(path);
  if (value === undefined) {
    const detail = `Is required. ${WANTED}`;
    return required ? { pointer, code: "required", detail } : undefined;
  }
  const isWhole = typeof value === "number" && Number.isInteger(value);
  if (isWhole && value >= 0 && value <= MAX_INTEGER) return undefined;
  const code = isWhole ? "out_of_range" : "invalid_type";
  return { pointer, code, detail: WANTED };
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
 * What one model call consumed. The totals come first; all other counts are
 * disjoint parts of them, so that every token is priced exactly once: what no
 * part holds is plain text. Counts are whole numbers; an optional one is left
 * out when it is 0.
 */
export interface UsageCounts {
  /** All input, whether cached or not. */
  input_tokens: number;
  /** All output, reasoning included. */
  output_tokens: number;
  /** Read from the cache, without the audio, image and video in `other_units`. */
  cache_read_tokens?: number;
  /** Written to the cache for five minutes, or for a time that is not said. */
  cache_write_5m_tokens?: number;
  /** Written to the cache for one hour. */
  cache_write_1h_tokens?: number;
  /** Output that was only thought. */
  reasoning_tokens?: number;
  /**
   * Everything else that a provider may charge for, by genai-prices' names. Those
   * that start with `input_` or `cache_` and end in `_tokens` are parts of
   * `input_tokens`, those with `output_` of `output_tokens`; the others
   * (`web_searches`, `input_document_pages`, …) stand by themselves.
   */
  other_units?: Record<string, number>;
  /** As in `canonicalServiceTier`, when the usage object names one. */
  service_tier?: string;
}
