import type { Issue } from "../issue.ts";
import { providerOf } from "./model-names.ts";
import { type ReadUnits, readUsage, type UsageSource } from "./read-usage.ts";
import { findReportedCost } from "./reported-cost.ts";
import { splitCounts, type UsageCounts } from "./split-counts.ts";
import { readLeaves } from "./usage-leaves.ts";
import { findServiceTier } from "./usage-tier.ts";

export type { UsageCounts };

/** The usage object of a response, and its origin. */
export interface ProviderUsage {
  /** A name of `canonicalProvider`; undefined if the sender does not say it. */
  provider?: string;
  /** The API or SDK, where the members of the object leave two readings open. */
  apiFlavor?: string;
  /** The model's name, which may tell how its provider counts. */
  model?: string;
  /** The value of `usage`, `usageMetadata`, `usage_info`, `tokenUsage` or `meta`, unchanged. */
  usage: unknown;
}

/** What a usage object says. */
export interface ExtractedUsage {
  counts: UsageCounts;
  /** JSON Pointers to members that were not understood, or that show a missing count. */
  unread: string[];
  /** The cost that the object reports: US dollars, exact decimal text. */
  cost?: string;
  /** The provider, if it is said or if the object or the model's name tells it. */
  provider?: string;
}

/**
 * Reads the counts of a call from the usage object of a provider or an SDK, by the names
 * of its members. An issue points to `/api_flavor` or into `/usage`.
 */
export function extractUsage(
  { provider, apiFlavor, model = "", usage }: ProviderUsage,
): ExtractedUsage | { issue: Issue } {
  const reported = findReportedCost(usage, provider, model);
  const source: UsageSource = {
    provider: provider ?? reported.provider ?? providerOf(model),
    apiFlavor,
    model,
  };
  const leaves = readLeaves(usage);
  const units = readRaw(usage, source) ?? readUsage(usage, source, leaves);
  if ("issue" in units) return units;
  if (isAmbiguousPage(units.amounts, source)) return { issue: AMBIGUOUS_PAGES };
  const split = splitCounts(units);
  if ("issue" in split) return split;
  const { tier, unread } = findServiceTier(leaves);
  return {
    counts: tier ? { ...split.counts, service_tier: tier } : split.counts,
    unread: [...units.unread, ...unread],
    cost: reported.cost,
    provider: source.provider,
  };
}

/** The provider's own object, which the AI SDK attaches to its counts as `raw`. */
function readRaw(
  usage: unknown,
  source: UsageSource,
): ReadUnits | undefined {
  const { raw } = Object(usage) as { raw?: unknown };
  if (typeof raw !== "object" || raw === null) return undefined;
  const units = readUsage(raw, source);
  if ("issue" in units) return undefined;
  const unread = units.unread.map((pointer) =>
    pointer.replace(/^\/usage/, "/usage/raw")
  );
  return { ...units, unread };
}

function isAmbiguousPage(
  amounts: Map<string, number>,
  { apiFlavor }: UsageSource,
): boolean {
  return (amounts.get("input_document_pages") ?? 0) > 0 &&
    apiFlavor === undefined;
}

const AMBIGUOUS_PAGES: Issue = {
  pointer: "/api_flavor",
  code: "required",
  detail:
    "Two readings fit: ocr, for pages without annotations, and ocr_annotated; send one of the two names",
};
