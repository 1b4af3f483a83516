import { MAX_INTEGER } from "../../limits.ts";
import { ALIASES, findAttribute } from "./attribute-names.ts";
import type { Attributes } from "./span.ts";

/** The counts of a model call as its span gives them; null is not sent. */
export type SentCounts = {
  input: number | null;
  output: number | null;
  /** As the sender added it up, which may or may not be input plus output. */
  total: number | null;
  cacheRead: number;
  /** All writes, of any lifetime. */
  cacheWrite: number;
  /** The part of `cacheWrite` that is kept for an hour. */
  cacheWrite1h: number;
  /** Input that is neither read from the cache nor written to it. */
  uncachedInput: number | null;
  reasoning: number;
  /** Output without reasoning. */
  visibleOutput: number | null;
};

/** The names of `ALIASES` that count tokens. */
const COUNTS = [
  "input",
  "output",
  "total",
  "cacheRead",
  "cacheWrite",
  "cacheWrite5m",
  "cacheWrite1h",
  "uncachedInput",
  "reasoning",
  "visibleOutput",
] as const;

/** Whether a span says that tokens were used: what makes it a candidate for a row. */
export function countsTokens(attributes: Attributes): boolean {
  return [ALIASES.input, ALIASES.output, ALIASES.total].some((names) => {
    const found = findAttribute(attributes, names);
    return found !== undefined && Number(found.value) !== 0;
  });
}

/** Reads the counts of a span, or says which attribute is not a count. */
export function readCounts(
  attributes: Attributes,
): { counts: SentCounts } | { reason: string } {
  const read: Partial<Record<typeof COUNTS[number], number>> = {};
  for (const count of COUNTS) {
    const found = findAttribute(attributes, ALIASES[count]);
    if (found === undefined) continue;
    const value = toCount(found.value);
    if (value === null) {
      const reason =
        `${found.name} is not a whole number from 0 to ${MAX_INTEGER}`;
      return { reason };
    }
    read[count] = value;
  }
  const split = (read.cacheWrite5m ?? 0) + (read.cacheWrite1h ?? 0);
  const cacheWrite = read.cacheWrite ?? split;
  if (split > cacheWrite) {
    const reason = `${ALIASES.cacheWrite5m[0]} and ${
      ALIASES.cacheWrite1h[0]
    } are more than all tokens written to the cache`;
    return { reason };
  }
  return {
    counts: {
      input: read.input ?? null,
      output: read.output ?? null,
      total: read.total ?? null,
      cacheRead: read.cacheRead ?? 0,
      cacheWrite,
      cacheWrite1h: read.cacheWrite1h ?? 0,
      uncachedInput: read.uncachedInput ?? null,
      reasoning: read.reasoning ?? 0,
      visibleOutput: read.visibleOutput ?? null,
    },
  };
}

/** A count may come as text from senders that know no numbers. */
function toCount(value: unknown): number | null {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value)
    ? Number(value)
    : value;
  return Number.isInteger(number) && (number as number) >= 0 &&
      (number as number) <= MAX_INTEGER
    ? number as number
    : null;
}
