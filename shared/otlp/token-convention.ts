import { MAX_INTEGER } from "../limits.ts";
import { ALIASES, findAttribute } from "./attributes.ts";
import type { Attributes } from "./span.ts";

/** Whether cached and reasoning tokens are parts of input and output, or beside. */
export type Convention = "inclusive" | "exclusive";

/**
 * Why: the sender or its documentation says so, the numbers allow nothing else,
 * they or the sender's code suggest it, or nothing is known.
 */
export type Basis = "declared" | "proved" | "likely" | "default";

/** A convention, and why we take it. */
export type Inference = { convention: Convention; basis: Basis };

/** What has to be added to make the counts full, and what was decided. */
type DecidedConvention = {
  /** Tokens to add to the input that was sent. */
  addedInput: number;
  /** Tokens to add to the output that was sent. */
  addedOutput: number;
  /** Null when nothing is cached or reasoned, so that there is nothing to decide. */
  inference: Inference | null;
};

/** Tokens outside of input and output: one way in which a total comes about. */
type Outside = { input: number; output: number };

/** From the strongest to the weakest. */
const BASES: readonly Basis[] = ["proved", "declared", "likely", "default"];

/**
 * Decides whether the counts of the cache are parts of the input, and those of
 * reasoning parts of the output. The numbers decide where they can:
 *
 * - cached tokens that are more than the input lie outside of it, reasoning that
 *   is more than the output likewise;
 * - the input without cached tokens, when it is sent, either makes up the input
 *   together with them or is the input;
 * - a total that adds cached tokens or reasoning to input plus output shows what
 *   lies outside. A total that is just input plus output only makes `inclusive`
 *   likely, because senders add up so whatever the counts mean.
 *
 * Else what is known about the source counts. The answer is `exclusive` when
 * anything has to be added, and its basis is the weakest one that led there.
 */
export function decideConvention(
  counts: FullCounts,
  source: { cache: Inference; reasoning: Inference },
): DecidedConvention {
  const cached = counts.cacheRead + counts.cacheWrite;
  const byTotal = explainTotal(counts);
  const decided: Inference[] = [];
  let addedInput = 0;
  let addedOutput = 0;
  if (cached > 0) {
    const { added, inference } = decideCache(counts, byTotal) ??
      believe(cached, source.cache, counts);
    addedInput = added;
    decided.push(inference);
  }
  if (counts.reasoning > 0) {
    const { added, inference } = decideReasoning(counts, byTotal) ??
      believe(counts.reasoning, source.reasoning, counts);
    addedOutput = added;
    decided.push(inference);
  }
  return { addedInput, addedOutput, inference: summarise(decided) };
}

type FullCounts = SentCounts & { input: number; output: number };

/** Tokens to add to a count, and why. */
type Decision = { added: number; inference: Inference };

/** What the numbers say about the cache, null when they say nothing. */
function decideCache(
  { input, cacheRead, cacheWrite, uncachedInput }: FullCounts,
  byTotal: Outside[],
): Decision | null {
  const cached = cacheRead + cacheWrite;
  if (uncachedInput !== null) {
    if (uncachedInput + cached === input) return decide(0);
    if (uncachedInput === input) return decide(cached);
  }
  const outside = agreed(byTotal.map((one) => one.input));
  if (outside !== undefined) return decide(outside);
  if (cached <= input) return null;
  // A total that comes about in several ways speaks against all being outside.
  return decide(cached, byTotal.length === 0 ? "proved" : "likely");
}

/** As {@linkcode decideCache}, about reasoning. */
function decideReasoning(
  { output, reasoning, visibleOutput }: FullCounts,
  byTotal: Outside[],
): Decision | null {
  if (visibleOutput !== null) {
    if (visibleOutput + reasoning === output) return decide(0);
    if (visibleOutput === output) return decide(reasoning);
  }
  const outside = agreed(byTotal.map((one) => one.output));
  if (outside !== undefined) return decide(outside);
  return reasoning > output ? decide(reasoning) : null;
}

/** What the source is known for, unless that is nothing and the total hints. */
function believe(
  part: number,
  source: Inference,
  counts: FullCounts,
): Decision {
  if (source.basis === "default" && isPlainTotal(counts)) {
    return decide(0, "likely");
  }
  return decide(source.convention === "exclusive" ? part : 0, source.basis);
}

function decide(added: number, basis: Basis = "proved"): Decision {
  const convention = added > 0 ? "exclusive" : "inclusive";
  return { added, inference: { convention, basis } };
}

/**
 * The ways in which the total may have come about, each part lying inside or
 * outside, without the one where everything lies inside: that is what a careless
 * total looks like, too.
 */
function explainTotal(counts: FullCounts): Outside[] {
  const { input, output, total, cacheRead, cacheWrite, reasoning } = counts;
  if (total === null || isPlainTotal(counts)) return [];
  const cached = cacheRead + cacheWrite;
  const ways: Outside[] = [];
  for (const ofInput of new Set([0, cacheRead, cacheWrite, cached])) {
    for (const ofOutput of new Set([0, reasoning])) {
      const isPossible = cached - ofInput <= input &&
        reasoning - ofOutput <= output;
      if (isPossible && input + output + ofInput + ofOutput === total) {
        ways.push({ input: ofInput, output: ofOutput });
      }
    }
  }
  return ways;
}

function isPlainTotal({ input, output, total }: FullCounts): boolean {
  return total === input + output;
}

/** The value that all have in common; undefined when they differ or are none. */
function agreed(values: number[]): number | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}

function summarise(decided: Inference[]): Inference | null {
  const exclusive = decided.filter((one) => one.convention === "exclusive");
  const relevant = exclusive.length > 0 ? exclusive : decided;
  return relevant.reduce<Inference | null>(
    (weakest, one) =>
      weakest !== null &&
        BASES.indexOf(weakest.basis) >= BASES.indexOf(one.basis)
        ? weakest
        : one,
    null,
  );
}

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
