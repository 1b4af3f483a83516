import { canonicalServiceTier } from "./providers.ts";
import { readLeaves } from "./usage-leaves.ts";

const SERVICE_TIER = /^[a-z][a-z0-9_-]{0,31}$/;

/** Values that say nothing, or that a call is as any other. */
const ORDINARY = new Set([
  "standard",
  "default",
  "auto",
  "on_demand",
  "global",
  "not_available",
  "unspecified",
  "traffic_type_unspecified",
  "service_tier_unspecified",
  "null",
  "none",
  "",
]);

/**
 * The service tier by the members of a usage object that change the price of all tokens:
 * the tier itself, Gemini's `trafficType`, and Anthropic's `speed` and `inference_geo`,
 * which are added to the tier (`batch-us`). Undefined if none is stated; `standard` if
 * all of them are ordinary.
 */
export function findServiceTier(usage: unknown): string | undefined {
  let isStated = false;
  const parts: string[] = [];
  for (const { name, value } of readLeaves(usage)) {
    const path = name.replace(/\.type$/, "");
    const member = path.slice(path.lastIndexOf(".") + 1);
    if (!MEMBERS.has(member) || typeof value !== "string") continue;
    const part = toPart(value);
    // Content and typing errors are not tiers.
    if (part === null) continue;
    isStated = true;
    if (!ORDINARY.has(part) && !parts.includes(part)) parts.push(part);
  }
  const tier = parts.join("-");
  if (tier) return SERVICE_TIER.test(tier) ? tier : undefined;
  return isStated ? "standard" : undefined;
}

const MEMBERS = new Set([
  "service_tier",
  "traffic_type",
  "speed",
  "inference_geo",
]);

function toPart(value: string): string | null {
  const name = canonicalServiceTier(value).replace(/^on_demand_/, "");
  return SERVICE_TIER.test(name) ? name : null;
}
