import * as z from "zod";

/** Bytes of a provider's usage object as JSON. */
const MAX_USAGE_BYTES = 8 * 1024;

/** Characters of a string in it; names of tiers are short, content is not. */
const MAX_USAGE_TEXT = 64;

/** Objects and arrays within each other. */
const MAX_USAGE_DEPTH = 6;

/**
 * A provider's usage object as it came. It is kept with the row, so it may hold
 * counts and short names, and no content.
 */
export function usageObject() {
  return z.record(z.string(), z.unknown(), "Expected an object")
    .refine(
      (usage) =>
        new TextEncoder().encode(JSON.stringify(usage)).length <=
          MAX_USAGE_BYTES,
      {
        error: `Expected at most ${MAX_USAGE_BYTES} bytes of JSON`,
        abort: true,
      },
    )
    .refine(
      (usage) => isUsage(usage, 1),
      `Expected counts and names of at most ${MAX_USAGE_TEXT} characters, nested at most ${MAX_USAGE_DEPTH} deep: usage is kept, so it must not hold content`,
    )
    .describe(
      "The usage object of the provider's response, as it came, instead of token counts; with provider",
    );
}

function isUsage(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.length <= MAX_USAGE_TEXT;
  if (typeof value !== "object" || value === null) return true;
  return depth <= MAX_USAGE_DEPTH &&
    Object.entries(value).every(([key, member]) =>
      key.length <= MAX_USAGE_TEXT && isUsage(member, depth + 1)
    );
}
