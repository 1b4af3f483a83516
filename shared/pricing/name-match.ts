import type { MatchLogic } from "@pydantic/genai-prices";

/** Whether a name satisfies genai-prices' rule, which ignores case except in a regex. */
export function satisfies(match: MatchLogic, name: string): boolean {
  const lower = name.toLowerCase();
  if ("or" in match) return match.or.some((one) => satisfies(one, name));
  if ("and" in match) return match.and.every((one) => satisfies(one, name));
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
