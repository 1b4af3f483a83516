import * as z from "zod";
import type { LogEvent, Measure } from "./log.ts";

const count = z.int();
const dollars = z.string().meta({
  format: "decimal",
  description: "US dollars, exact",
});

/** Columns of a usage row that are not as the event sends them. */
export const LLM_USAGE_ROW: Record<string, z.ZodType> = {
  input_tokens: count,
  output_tokens: count,
  cost_usd: dollars,
  usage: z.nullable(z.record(z.string(), z.unknown())),
  cache_read_tokens: z.nullable(count),
  cache_write_5m_tokens: z.nullable(count),
  cache_write_1h_tokens: z.nullable(count),
  reasoning_tokens: z.nullable(count),
  uncached_input_tokens: z.nullable(count).describe(
    "Input that no other count holds",
  ),
  visible_output_tokens: z.nullable(count).describe(
    "Output that no other count holds",
  ),
  other_units: z.nullable(z.record(z.string(), z.int())).describe(
    "What is billed apart, such as web_searches",
  ),
  token_convention: z.nullable(z.enum(["inclusive", "exclusive"])).describe(
    "Whether the sender's input held the cached tokens, where it was decided",
  ),
  convention_basis: z.nullable(
    z.enum(["declared", "proved", "likely", "default"]),
  ).describe("What that was decided by"),
  cost_source: z.enum(["reported", "computed", "unpriced"]).describe(
    "unpriced: no price is known, and cost_usd is 0 because it must be something",
  ),
  price_id: z.nullable(z.guid()).describe("The row of model_prices"),
  cost_usd_exact: dollars.describe("What is charged, unrounded"),
  reported_cost_usd: z.nullable(dollars),
  computed_cost_usd: z.nullable(dollars),
  cost_is_floor: z.nullable(z.boolean()).describe(
    "Whether the call cost more than this",
  ),
  cost_differs: z.nullable(z.boolean()).describe(
    "Whether reported and computed cost are more than one percent apart",
  ),
};

const sumOf = (column: string, description: string): Measure => ({
  schema: dollars.describe(description),
  singleRowValue: (row) => row[column] ?? "0",
});

const isUnpriced = (row: LogEvent) => row.cost_source === "unpriced";

/** What a summary of usage rows tells of what they cost. */
export const LLM_USAGE_MEASURES: Record<string, Record<string, Measure>> = {
  cost_usd_exact: {
    cost_usd_exact: sumOf("cost_usd_exact", "The sum of what was not rounded"),
  },
  reported_cost_usd: {
    reported_cost_usd: sumOf("reported_cost_usd", "The exact sum"),
  },
  computed_cost_usd: {
    computed_cost_usd: sumOf("computed_cost_usd", "The exact sum"),
  },
  cost_source: {
    priced_count: {
      schema: count.describe("Rows whose cost is known"),
      singleRowValue: (row) => Number(!isUnpriced(row)),
    },
    unpriced_count: {
      schema: count.describe("Rows whose cost is not known, and counts as 0"),
      singleRowValue: (row) => Number(isUnpriced(row)),
    },
    unpriced_input_tokens: {
      schema: count,
      singleRowValue: (row) => isUnpriced(row) ? row.input_tokens : 0,
    },
    unpriced_output_tokens: {
      schema: count,
      singleRowValue: (row) => isUnpriced(row) ? row.output_tokens : 0,
    },
  },
  cost_is_floor: {
    is_floor: {
      schema: z.boolean().describe("Whether more was spent than is known"),
      singleRowValue: (row) => row.cost_is_floor === true,
    },
  },
  cost_differs: {
    differing_count: {
      schema: count.describe(
        "Rows whose reported and computed cost are more than one percent apart",
      ),
      singleRowValue: (row) => Number(row.cost_differs === true),
    },
  },
};

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
