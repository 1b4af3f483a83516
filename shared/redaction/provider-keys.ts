import { GITLEAKS_RULES, type GitleaksRule } from "./gitleaks-rules.ts";
import type { SecretKind } from "./secret-rules.ts";
import { findSpans, type Span } from "./text.ts";

/** The rules by keyword, and a pattern that finds each keyword, also one that begins within another. */
interface RuleIndex {
  readonly rules: ReadonlyMap<string, readonly GitleaksRule[]>;
  readonly keywords: RegExp;
}

/** Made on first use, because the cold start of a function would wait for it. */
let ruleIndex: RuleIndex | undefined;

function createIndex(): RuleIndex {
  const rules = new Map<string, GitleaksRule[]>();
  for (const rule of GITLEAKS_RULES) {
    for (const keyword of rule[1]) {
      rules.set(keyword, [...rules.get(keyword) ?? [], rule]);
    }
  }
  const alternatives = [...rules.keys()]
    .map((keyword) => keyword.replace(/[.~|]/g, "\\$&")).join("|");
  return { rules, keywords: new RegExp(`(?=(${alternatives}))`, "g") };
}

/** Every key has a run of this length; words and most names are shorter. */
const LONG_RUN = /[\w.~+/%:|=@-]{20}/;

/** Letters and digits after the prefix of a truncated key. */
const MIN_TRUNCATED = 16;

/** The entropy of a truncated key, in bits per character. */
const MIN_TRUNCATED_ENTROPY = 3;

/** A rule is compiled when its keyword occurs, because most never do. */
const compiled = new Map<GitleaksRule, RegExp>();

/**
 * The keys of providers in `text` that gitleaks has a rule for, with the id of the rule as
 * kind. Of a rule with a distinctive prefix, a key that a log truncated is found too: the
 * prefix and at least `MIN_TRUNCATED` letters and digits, of them a digit.
 */
export function* searchProviderKeys(
  text: string,
): Generator<Span & { kind: SecretKind }> {
  for (const rule of findCandidates(text)) {
    const [id, , , , entropy, prefix] = rule;
    const least = prefix === ""
      ? entropy
      : Math.min(entropy, MIN_TRUNCATED_ENTROPY);
    for (const span of findSpans(text, patternOf(rule))) {
      if (entropyOf(text.slice(span.start, span.end)) >= least) {
        yield { ...span, kind: id.replaceAll("-", "_") };
      }
    }
  }
}

/** The rules that have a keyword in `text`. */
function findCandidates(text: string): Set<GitleaksRule> {
  const candidates = new Set<GitleaksRule>();
  if (!LONG_RUN.test(text)) return candidates;
  const { rules, keywords } = ruleIndex ??= createIndex();
  for (const [, keyword] of text.toLowerCase().matchAll(keywords)) {
    for (const rule of rules.get(keyword)!) candidates.add(rule);
  }
  return candidates;
}

function patternOf(rule: GitleaksRule): RegExp {
  let pattern = compiled.get(rule);
  if (pattern === undefined) {
    const [, , source, flags, , prefix] = rule;
    const truncated = prefix === ""
      ? ""
      : `|(?<![A-Za-z0-9])${
        prefix.replaceAll(".", "\\.")
      }(?=[A-Za-z]{0,99}\\d)` +
        `[A-Za-z0-9]{${MIN_TRUNCATED},}`;
    pattern = new RegExp(source + truncated, flags);
    compiled.set(rule, pattern);
  }
  return pattern;
}

/** Shannon entropy of the characters of `text`, in bits per character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  let entropy = 0;
  for (const count of counts.values()) {
    entropy -= (count / text.length) * Math.log2(count / text.length);
  }
  return entropy;
}
