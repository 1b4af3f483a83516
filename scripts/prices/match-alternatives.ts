import type { MatchLogic } from "@pydantic/genai-prices";
import type { PriceRow } from "./price-row.ts";

/** One comparison with a model's name. */
export type Alternative = Pick<PriceRow, "match_kind" | "match_value">;

const SIMPLE_KINDS = [
  "equals",
  "starts_with",
  "ends_with",
  "contains",
] as const;

/**
 * The distinct alternatives of a match, in order. Names are compared in lower case, and
 * so are all values except those of a regex.
 *
 * @throws on a combination that is not a single comparison.
 */
export function toAlternatives(match: MatchLogic): Alternative[] {
  const all = "or" in match
    ? match.or.map(toAlternative)
    : [toAlternative(match)];
  return [...new Map(all.map((item) => [matchKey(item), item])).values()];
}

/** The identity of a match. */
export function matchKey({ match_kind, match_value }: Alternative): string {
  return `${match_kind} ${match_value}`;
}

/**
 * Whether every name that matches `inner` also matches `outer`, as far as their values
 * show; false for regexes.
 */
export function isCovered(inner: Alternative, outer: Alternative): boolean {
  const [value, part] = [inner.match_value, outer.match_value];
  if (matchKey(inner) === matchKey(outer)) return true;
  if (inner.match_kind === "regex") return false;
  if (inner.match_kind === "equals") return matchesName(outer, value);
  switch (outer.match_kind) {
    case "contains":
      return value.includes(part);
    case "starts_with":
      return inner.match_kind === "starts_with" && value.startsWith(part);
    case "ends_with":
      return inner.match_kind === "ends_with" && value.endsWith(part);
    default:
      return false;
  }
}

/** Whether a model name in lower case matches. */
export function matchesName(
  { match_kind, match_value }: Alternative,
  name: string,
): boolean {
  return matchesRule({ [match_kind]: match_value } as MatchLogic, name);
}

function toAlternative(match: MatchLogic): Alternative {
  if ("and" in match) {
    return { match_kind: "regex", match_value: joinParts(match.and) };
  }
  if ("regex" in match) {
    return { match_kind: "regex", match_value: match.regex };
  }
  for (const kind of SIMPLE_KINDS) {
    const value = (match as Record<string, string>)[kind];
    if (value !== undefined) {
      return { match_kind: kind, match_value: value.toLowerCase() };
    }
  }
  throw new Error(`Cannot enter a match by ${Object.keys(match)}`);
}

/** Combines a prefix and an anchored regex into one regex with a lookahead. */
function joinParts(parts: MatchLogic[]): string {
  const [first, second, ...more] = parts;
  if (
    more.length > 0 || !("starts_with" in first) || !("regex" in second) ||
    !second.regex.startsWith("^") || second.regex.includes("|^")
  ) {
    throw new Error("Cannot enter a match that is not a start and a regex");
  }
  const start = first.starts_with.toLowerCase()
    .replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return `^(?=${start})${second.regex.slice(1)}`;
}

/** Whether a name matches a rule of genai-prices, which ignores case except in a regex. */
export function matchesRule(match: MatchLogic, name: string): boolean {
  const lower = name.toLowerCase();
  if ("or" in match) return match.or.some((rule) => matchesRule(rule, name));
  if ("and" in match) return match.and.every((rule) => matchesRule(rule, name));
  if ("equals" in match) return lower === match.equals.toLowerCase();
  if ("starts_with" in match) {
    return lower.startsWith(match.starts_with.toLowerCase());
  }
  if ("ends_with" in match) {
    return lower.endsWith(match.ends_with.toLowerCase());
  }
  if ("contains" in match) return lower.includes(match.contains.toLowerCase());
  return new RegExp(match.regex).test(name);
}
