import { MAX_INTEGER } from "../limits.ts";
import { ALIASES } from "./aliases.ts";
import type { Attributes, AttributeValue } from "./span.ts";

/** Whether input and output include cached and reasoning tokens. */
export type Convention = "inclusive" | "exclusive";

/**
 * The basis of an inference: the sender or its documentation declares the convention,
 * the numbers prove it, the numbers or the sender's code make it likely, or nothing is
 * known (the default of the semantic conventions).
 */
export type Basis = "declared" | "proved" | "likely" | "default";

/** A convention and the basis of its inference. */
export type Inference = { convention: Convention; basis: Basis };

/** The counts of a model call as its span has them; null if missing. */
export type SentCounts = {
  input: number | null;
  output: number | null;
  /** The sender's total, which may differ from input plus output. */
  total: number | null;
  cacheRead: number;
  /** All writes, of any lifetime. */
  cacheWrite: number;
  /** The part of `cacheWrite` with a lifetime of an hour. */
  cacheWrite1h: number;
  /** Input without cache reads and writes. */
  uncachedInput: number | null;
  reasoning: number;
  /** Output without reasoning. */
  visibleOutput: number | null;
};

/** The names of `ALIASES` that count tokens. */
export const COUNTS = [
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

/** Counts that JavaScript senders write as NaN where the provider's are missing. */
const TOTALS: readonly (typeof COUNTS[number])[] = ["input", "output", "total"];

/** Attribute name → the count that it is a name of, and its precedence among the names. */
const COUNT_NAMES = new Map(
  COUNTS.flatMap((count) =>
    ALIASES[count].map((name, rank) =>
      [name as string, { count, rank }] as const
    )
  ),
);

type FoundCounts = Map<
  typeof COUNTS[number],
  { name: string; value: AttributeValue; rank: number }
>;

/** The first name with a value of each count. One pass, because most names are rare. */
function findCounts(attributes: Attributes): FoundCounts {
  const found: FoundCounts = new Map();
  for (const [name, value] of attributes) {
    const known = COUNT_NAMES.get(name);
    if (known === undefined || value === "") continue;
    const { count, rank } = known;
    const other = found.get(count);
    if (other === undefined || rank < other.rank) {
      found.set(count, { name, value, rank });
    }
  }
  return found;
}

/** Whether a span has a token count other than 0, which makes it a candidate for a row. */
export function countsTokens(attributes: Attributes): boolean {
  const found = findCounts(attributes);
  return TOTALS.some((count) => {
    const value = found.get(count)?.value;
    return value !== undefined && Number(value) !== 0 && !Number.isNaN(value);
  });
}

/** The counts of a span, or the reason with the attribute that is malformed. */
export function readCounts(
  attributes: Attributes,
): { counts: SentCounts } | { reason: string } {
  const read: Partial<Record<typeof COUNTS[number], number>> = {};
  for (const [count, found] of findCounts(attributes)) {
    if (Number.isNaN(found.value) && TOTALS.includes(count)) continue;
    const value = toCount(found.value);
    if (value === null) {
      const reason =
        `${found.name} is not a whole number from 0 to ${MAX_INTEGER}`;
      return { reason };
    }
    read[count] = value;
  }
  const split = (read.cacheWrite5m ?? 0) + (read.cacheWrite1h ?? 0);
  // LangChain sets the sum to 0 where it knows the lifetimes.
  const cacheWrite = read.cacheWrite || split;
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

/** A count; some senders write it as text. */
function toCount(value: unknown): number | null {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value)
    ? Number(value)
    : value;
  return Number.isInteger(number) && (number as number) >= 0 &&
      (number as number) <= MAX_INTEGER
    ? number as number
    : null;
}

/** The tokens to add for inclusive counts, and the inference. */
type DecidedConvention = {
  /** Tokens to add to the sent input. */
  addedInput: number;
  /** Tokens to add to the sent output. */
  addedOutput: number;
  /** Null without cached and reasoning tokens, when the convention does not matter. */
  inference: Inference | null;
};

/** The tokens that a sender's total adds to input and output, in one explanation. */
type Excluded = { input: number; output: number };

/** From the strongest to the weakest. */
const BASES: readonly Basis[] = ["proved", "declared", "likely", "default"];

/**
 * Decides whether the input includes cached tokens, and the output reasoning tokens.
 * The numbers take precedence where they prove it:
 *
 * - more cached tokens than input are excluded from it, and likewise more reasoning
 *   than output;
 * - an uncached input that equals the input excludes cached tokens; one that equals
 *   the input without them includes them;
 * - a total that exceeds input plus output by cached or reasoning tokens shows which
 *   are excluded. A total equal to input plus output only makes `inclusive` likely,
 *   because senders add the two whatever they mean.
 *
 * Otherwise the convention of the source counts. The result is `exclusive` if any
 * tokens have to be added, with the weakest basis that contributed.
 */
export function decideConvention(
  counts: FullCounts,
  source: { cache: Inference; reasoning: Inference },
): DecidedConvention {
  const cached = counts.cacheRead + counts.cacheWrite;
  const explanations = explainTotal(counts);
  const inferences: Inference[] = [];
  let addedInput = 0;
  let addedOutput = 0;
  if (cached > 0) {
    const { added, inference } = decideCache(counts, explanations) ??
      assumeSource(cached, source.cache, counts);
    addedInput = added;
    inferences.push(inference);
  }
  if (counts.reasoning > 0) {
    const { added, inference } = decideReasoning(counts, explanations) ??
      assumeSource(counts.reasoning, source.reasoning, counts);
    addedOutput = added;
    inferences.push(inference);
  }
  return { addedInput, addedOutput, inference: combine(inferences) };
}

type FullCounts = SentCounts & { input: number; output: number };

/** Tokens to add to a count, with the inference. */
type Decision = { added: number; inference: Inference };

/** The decision that the numbers prove about the cache; null if they prove none. */
function decideCache(
  { input, cacheRead, cacheWrite, uncachedInput }: FullCounts,
  explanations: Excluded[],
): Decision | null {
  const cached = cacheRead + cacheWrite;
  if (uncachedInput !== null) {
    if (uncachedInput + cached === input) return decide(0);
    if (uncachedInput === input) return decide(cached);
  }
  const outside = commonValue(explanations.map(({ input }) => input));
  if (outside !== undefined) return decide(outside);
  if (cached <= input) return null;
  // An ambiguous total is evidence against excluding all of them.
  return decide(cached, explanations.length === 0 ? "proved" : "likely");
}

/** {@linkcode decideCache} for reasoning. */
function decideReasoning(
  { output, reasoning, visibleOutput }: FullCounts,
  explanations: Excluded[],
): Decision | null {
  if (visibleOutput !== null) {
    if (visibleOutput + reasoning === output) return decide(0);
    if (visibleOutput === output) return decide(reasoning);
  }
  const outside = commonValue(explanations.map(({ output }) => output));
  if (outside !== undefined) return decide(outside);
  return reasoning > output ? decide(reasoning) : null;
}

/** The decision by the source's convention, or by a plain total if that is unknown. */
function assumeSource(
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
 * The combinations of excluded parts that explain the total; none for a total equal to
 * input plus output, which proves nothing.
 */
function explainTotal(counts: FullCounts): Excluded[] {
  const { input, output, total, cacheRead, cacheWrite, reasoning } = counts;
  if (total === null || isPlainTotal(counts)) return [];
  const cached = cacheRead + cacheWrite;
  const explanations: Excluded[] = [];
  for (const ofInput of new Set([0, cacheRead, cacheWrite, cached])) {
    for (const ofOutput of new Set([0, reasoning])) {
      const isPossible = cached - ofInput <= input &&
        reasoning - ofOutput <= output;
      if (isPossible && input + output + ofInput + ofOutput === total) {
        explanations.push({ input: ofInput, output: ofOutput });
      }
    }
  }
  return explanations;
}

function isPlainTotal({ input, output, total }: FullCounts): boolean {
  return total === input + output;
}

/** The value that all have in common; undefined if they differ or there are none. */
function commonValue(values: number[]): number | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}

function combine(inferences: Inference[]): Inference | null {
  const exclusive = inferences.filter(({ convention }) =>
    convention === "exclusive"
  );
  const relevant = exclusive.length > 0 ? exclusive : inferences;
  return relevant.reduce<Inference | null>(
    (weakest, next) =>
      weakest !== null &&
        BASES.indexOf(weakest.basis) >= BASES.indexOf(next.basis)
        ? weakest
        : next,
    null,
  );
}
