import { toPointer } from "../issue.ts";
import { canonicalServiceTier } from "./providers.ts";
import type { UsageLeaf } from "./usage-leaves.ts";

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
]);

/** The service tier of a usage object. */
export interface StatedTier {
  /** Undefined if none is stated; `standard` if all that is stated is ordinary. */
  tier?: string;
  /** JSON Pointers to members whose value is no name of a tier. */
  unread: string[];
}

/**
 * The service tier by the members of a usage object that change the price of all tokens:
 * the tier itself, Gemini's `trafficType`, and Anthropic's `speed` and `inference_geo`,
 * which are added to the tier (`batch-us`).
 */
export function findServiceTier(leaves: readonly UsageLeaf[]): StatedTier {
  const parts = new Set<string>();
  const unread: string[] = [];
  let isStated = false;
  for (const { name, path, value } of leaves) {
    if (typeof value !== "string" || !value) continue;
    const tierName = name.replace(/\.type$/, "");
    const member = tierName.slice(tierName.lastIndexOf(".") + 1);
    if (!MEMBERS.has(member)) continue;
    const part = canonicalServiceTier(value).replace(/^on_demand_/, "");
    if (ORDINARY.has(part)) isStated = true;
    else if (SERVICE_TIER.test(part)) parts.add(part);
    else unread.push(toPointer(path));
  }
  const tier = [...parts].join("-").slice(0, MAX_TIER);
  return { tier: tier || (isStated ? "standard" : undefined), unread };
}

/** Characters of a service tier. */
const MAX_TIER = 32;

const MEMBERS = new Set([
  "service_tier",
  "traffic_type",
  "speed",
  "inference_geo",
]);
