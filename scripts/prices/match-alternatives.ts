import type { MatchLogic } from "@pydantic/genai-prices";
import { matchesRule } from "../../shared/pricing/providers.ts";
import type { PriceRow } from "./price-row.ts";

/** How the rows of one alternative compare a model's name. */
export type Alternative = Pick<PriceRow, "match_kind" | "match_value">;

const SIMPLE_KINDS = [
  "equals",
  "starts_with",
  "ends_with",
  "contains",
] as const;

/**
 * The alternatives of a match, each once, in order. Names are compared in lower
 * case, and so are all values but those of a regex.
 *
 * @throws on a combination that is not a single comparison.
 */
export function toAlternatives(match: MatchLogic): Alternative[] {
  const all = "or" in match
    ? match.or.map(toAlternative)
    : [toAlternative(match)];
  return [...new Map(all.map((one) => [matchKey(one), one])).values()];
}

/** What is the same for rows with the same match. */
export function matchKey({ match_kind, match_value }: Alternative): string {
  return `${match_kind} ${match_value}`;
}

/**
 * Whether every name that matchesRule `one` matchesRule `other`, too, as far as that
 * can be said from their values: nothing is said about a regex.
 */
export function isCovered(one: Alternative, other: Alternative): boolean {
  const [value, within] = [one.match_value, other.match_value];
  if (matchKey(one) === matchKey(other)) return true;
  if (one.match_kind === "regex") return false;
  if (one.match_kind === "equals") return matchesName(other, value);
  switch (other.match_kind) {
    case "contains":
      return value.includes(within);
    case "starts_with":
      return one.match_kind === "starts_with" && value.startsWith(within);
    case "ends_with":
      return one.match_kind === "ends_with" && value.endsWith(within);
    default:
      return false;
  }
}

/** Whether a model name in lower case is one of an alternative's. */
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

/** A start and a regex from the start on are one regex that looks ahead for the start. */
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
