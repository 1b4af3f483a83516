import { MAX_INTEGER } from "../limits.ts";
import type { ReadUnits } from "../pricing/read-usage.ts";
import { readPointer } from "./payload.ts";

const MODALITIES = ["audio", "image", "video"];

/** The parts of the input, by the names of the APIs. */
export const INPUT_DETAILS = [
  "/prompt_tokens_details",
  "/input_tokens_details",
  "/input_token_details",
];

/** The parts of the output, by the names of the APIs. */
export const OUTPUT_DETAILS = [
  "/completion_tokens_details",
  "/output_tokens_details",
  "/output_token_details",
];

/** Tokens of the output that its total does not include. */
export const CITATION_TOKENS = "output_citation_tokens";

/** Units besides text, by genai-prices' names → the pointers in a usage object. */
const UNITS: Record<string, string[]> = {
  ...Object.fromEntries(MODALITIES.flatMap((kind) => [
    [`input_${kind}_tokens`, below(INPUT_DETAILS, `/${kind}_tokens`)],
    [
      `cache_${kind}_read_tokens`,
      below(INPUT_DETAILS, `/cached_tokens_details/${kind}_tokens`),
    ],
    [`output_${kind}_tokens`, below(OUTPUT_DETAILS, `/${kind}_tokens`)],
  ])),
  [CITATION_TOKENS]: ["/citation_tokens"],
  web_searches: [
    "/server_tool_use/web_search_requests",
    "/num_search_queries",
    ...below(INPUT_DETAILS, "/web_search_requests"),
  ],
};

/** Counts that cost nothing of their own: text and predictions are parts of totals. */
const REDUNDANT = [
  ...below(INPUT_DETAILS, "/text_tokens"),
  ...below(INPUT_DETAILS, "/cached_tokens_details/text_tokens"),
  ...below(OUTPUT_DETAILS, "/text_tokens"),
  ...below(OUTPUT_DETAILS, "/accepted_prediction_tokens"),
  ...below(OUTPUT_DETAILS, "/rejected_prediction_tokens"),
  "/prompt_cache_miss_tokens",
  "/server_tool_use/web_fetch_requests",
];

/** Money and times, which are no units. */
const NO_UNIT =
  /^\/(?:\w+_)?(?:costs?(?:_\w+)?(?:\/|$)|(?:time|latency|ms|per_second)$)/;

/** A name that may be stored: providers' names of members, no content. */
const STORABLE = /^[\w/.-]{1,128}$/;

const MAX_UNREAD = 20;

const KNOWN = new Set([...Object.values(UNITS).flat(), ...REDUNDANT]);

/** The units besides text; of several spellings of one unit, the largest count. */
export function readUnits(
  payload: unknown,
  objects: readonly string[],
): ReadUnits {
  const units: ReadUnits = { amounts: new Map(), pointers: new Map() };
  for (const [unit, paths] of Object.entries(UNITS)) {
    for (const pointer of below(objects, ...paths)) {
      const value = readPointer(payload, pointer);
      if (!isCount(value) || value <= (units.amounts.get(unit) ?? 0)) continue;
      units.amounts.set(unit, value);
      units.pointers.set(unit, pointer);
    }
  }
  return units;
}

/**
 * The pointers of numbers in the usage objects that are neither read, nor `read` by the
 * caller, nor known to cost nothing: at most `MAX_UNREAD`, the same member once.
 */
export function findUnread(
  payload: unknown,
  objects: readonly string[],
  read: ReadonlySet<string>,
): string[] {
  const unread = new Map<string, string>();
  const visit = (base: string, path: string, value: unknown) => {
    if (typeof value === "object" && value !== null) {
      for (const [name, member] of Object.entries(value)) {
        visit(base, `${path}/${name}`, member);
      }
      return;
    }
    if (typeof value !== "number" || value <= 0) return;
    // A malformed count of a known unit is not read either.
    const isKnown = KNOWN.has(path) && isCount(value);
    if (isKnown || read.has(path) || NO_UNIT.test(path)) return;
    unread.set(path, STORABLE.test(path) ? base + path : base);
  };
  for (const base of objects) visit(base, "", readPointer(payload, base));
  return [...new Set(unread.values())].slice(0, MAX_UNREAD);
}

/** The pointers of members below each of some objects. */
export function below(
  objects: readonly string[],
  ...paths: string[]
): string[] {
  return objects.flatMap((base) => paths.map((path) => base + path));
}

/** Whether a value is a count that the database can store. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 &&
    (value as number) <= MAX_INTEGER;
}
