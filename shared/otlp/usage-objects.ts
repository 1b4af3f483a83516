import { isObject } from "../http/json.ts";
import { usageObject } from "../logs/llm-usage-details.ts";
import { extractUsage, type UsageCounts } from "../pricing/extract-usage.ts";
import type { Attributes } from "./span.ts";

/** A provider's own usage object within an attribute in JSON. */
type UsageObject = {
  /** The attribute, with a JSON Pointer to the object behind it. */
  name: string;
  /** The provider whose format the object has, whichever provider served the call. */
  provider: "anthropic" | "google";
};

/** The members of a usage object that count its input and its output. */
const TOTALS = {
  anthropic: ["input_tokens", "output_tokens"],
  google: ["promptTokenCount", "candidatesTokenCount"],
} as const;

const AI_SDK = "ai.response.providerMetadata";
const GOOGLE_ADK = "gcp.vertex.agent.llm_response";

/** The usage objects that senders copy: the strongest evidence of a call's usage. */
export const USAGE_OBJECTS: readonly UsageObject[] = [
  { name: `${AI_SDK}/anthropic/usage`, provider: "anthropic" },
  { name: `${AI_SDK}/google/usageMetadata`, provider: "google" },
  { name: `${AI_SDK}/vertex/usageMetadata`, provider: "google" },
  { name: `${AI_SDK}/googleVertex/usageMetadata`, provider: "google" },
  { name: `${GOOGLE_ADK}/usageMetadata`, provider: "google" },
  // Python writes the members of the same object in snake case.
  { name: `${GOOGLE_ADK}/usage_metadata`, provider: "google" },
];

const schema = usageObject();

/** A usage object as text to keep with a span; undefined if it may hold content. */
export function keepUsageObject(value: unknown): string | undefined {
  return isObject(value) && schema.safeParse(value).success
    ? JSON.stringify(value)
    : undefined;
}

/** The counts of a usage object; null for one that the provider's rules do not explain. */
type UsageReading = {
  counts: UsageCounts | null;
  /** The members that were not understood, or the object itself, by name. */
  unread: string[];
};

/**
 * The counts of the usage object that a span's attributes contain. The sender's counts
 * replace totals that the object lacks. Null without one.
 */
export function readUsageObject(
  attributes: Attributes,
  sent: { input: number | null; output: number | null },
): UsageReading | null {
  for (const { name, provider } of USAGE_OBJECTS) {
    const text = attributes.get(name);
    if (typeof text !== "string") continue;
    const [input, output] = TOTALS[provider];
    const usage = {
      ...sent.input !== null && { [input]: sent.input },
      ...sent.output !== null && { [output]: sent.output },
      ...readObject(text, name),
    };
    const read = extractUsage({ provider, usage });
    if (!("counts" in read)) return { counts: null, unread: [name] };
    const { counts, unread } = read;
    return {
      counts,
      unread: unread.map((pointer) => pointer.replace(/^\/usage/, name)),
    };
  }
  return null;
}

function readObject(text: string, name: string): object {
  const usage = JSON.parse(text);
  return name.endsWith("/usage_metadata") ? camelCaseKeys(usage) : usage;
}

function camelCaseKeys<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(camelCaseKeys) as Value;
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelCaseKeys(member),
    ]),
  ) as Value;
}
