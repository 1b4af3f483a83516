import type { UsageExtractor } from "@pydantic/genai-prices";
import type { Issue } from "../issue.ts";
import { canonicalProvider, canonicalServiceTier } from "./providers.ts";
import { readUsage, type UsageCounts } from "./read-usage.ts";
import { splitCounts } from "./split-counts.ts";

export type { UsageCounts };

/** The usage object of a provider's response, and where it came from. */
export interface ProviderUsage {
  /** Any name that `canonicalProvider` knows. */
  provider: string;
  /** Which of the provider's APIs answered, by genai-prices' names: `chat`, `responses`, … */
  apiFlavor?: string;
  /** The value of `usage`, `usageMetadata`, `usage_info`, `tokenUsage` or `meta`, as it came. */
  usage: unknown;
}

const SERVICE_TIER = /^[a-z][a-z0-9_-]{0,31}$/;

/**
 * Reads what a call consumed from the usage object of its provider, by the rules
 * of genai-prices for that provider and API.
 *
 * An issue points at `/provider`, `/api_flavor` or into `/usage`.
 */
export async function extractUsage(
  { provider, apiFlavor, usage }: ProviderUsage,
): Promise<{ counts: UsageCounts } | { issue: Issue }> {
  const extractors = await loadExtractors(provider);
  if (extractors.length === 0) return { issue: UNKNOWN_PROVIDER };
  const extractor = chooseExtractor(extractors, apiFlavor);
  if (!extractor) return { issue: unknownFlavor(extractors) };
  const units = readUsage(extractor, usage);
  if ("issue" in units) return units;
  const split = splitCounts(units);
  if ("issue" in split) return split;
  const tier = findServiceTier(usage);
  return tier ? { counts: { ...split.counts, service_tier: tier } } : split;
}

const UNKNOWN_PROVIDER: Issue = {
  pointer: "/provider",
  code: "invalid_value",
  detail:
    "No usage format of this provider is known; send input_tokens and output_tokens instead of usage",
};

/** The data is large: it is loaded when the first usage object comes. */
async function loadExtractors(provider: string): Promise<UsageExtractor[]> {
  const { waitForUpdate } = await import("@pydantic/genai-prices");
  const id = canonicalProvider(provider);
  const providers = await waitForUpdate() ?? [];
  return providers.find((one) => one.id === id)?.extractors ?? [];
}

/** Without a flavour, the only one or the one that the data calls default. */
function chooseExtractor(
  extractors: UsageExtractor[],
  flavor: string | undefined,
): UsageExtractor | undefined {
  if (flavor === undefined && extractors.length === 1) return extractors[0];
  const wanted = flavor ?? "default";
  return extractors.find(({ api_flavor }) => api_flavor === wanted);
}

function unknownFlavor(extractors: UsageExtractor[]): Issue {
  const flavors = extractors.map(({ api_flavor }) => api_flavor).join(", ");
  return {
    pointer: "/api_flavor",
    code: "invalid_value",
    detail: `Say which API of the provider answered: ${flavors}`,
  };
}

/** Some providers say in the usage object what they charge by. */
function findServiceTier(usage: unknown): string | undefined {
  const tier = (usage as { service_tier?: unknown }).service_tier;
  if (typeof tier !== "string") return undefined;
  const name = canonicalServiceTier(tier);
  return SERVICE_TIER.test(name) ? name : undefined;
}
