import * as z from "zod";
import { MAX_USAGE_BYTES, MAX_USAGE_DEPTH, MAX_USAGE_TEXT } from "../limits.ts";
import type { LogEvent, Measure } from "./log.ts";

const count = z.int();
const dollars = z.string().meta({
  format: "decimal",
  description: "US dollars, exact",
});

/** Columns of a row of `llm_usage_log` whose schema differs from the event's. */
export const LLM_USAGE_ROW: Record<string, z.ZodType> = {
  input_tokens: count,
  output_tokens: count,
  cost_usd: dollars,
  provider: z.nullable(z.string()),
  usage: z.nullable(z.record(z.string(), z.unknown())),
  cache_read_tokens: z.nullable(count),
  cache_write_5m_tokens: z.nullable(count),
  cache_write_1h_tokens: z.nullable(count),
  reasoning_tokens: z.nullable(count),
  uncached_input_tokens: z.nullable(count).describe(
    "Input that no other count includes",
  ),
  visible_output_tokens: z.nullable(count).describe(
    "Output that no other count includes",
  ),
  other_units: z.nullable(z.record(z.string(), z.int())).describe(
    "Units that are billed separately, such as web_searches",
  ),
  unread_members: z.nullable(z.array(z.string())).describe(
    "Members of the usage that were not understood or have no price, so that the cost is a floor; usage for a call without usage",
  ),
  token_convention: z.nullable(z.enum(["inclusive", "exclusive"])).describe(
    "Whether the sender's input included the cached tokens, where it was inferred",
  ),
  convention_basis: z.nullable(
    z.enum(["declared", "proved", "likely", "default"]),
  ).describe("The basis of token_convention"),
  cost_source: z.enum(["reported", "computed", "unpriced"]).describe(
    "unpriced: no price is known, and cost_usd is 0",
  ),
  price_id: z.nullable(z.guid()).describe("The row of model_prices"),
  cost_usd_exact: dollars.describe("The charge, unrounded"),
  reported_cost_usd: z.nullable(dollars),
  computed_cost_usd: z.nullable(dollars),
  cost_is_floor: z.nullable(z.boolean()).describe(
    "Whether the call is known to have cost more than this",
  ),
  cost_differs: z.nullable(z.boolean()).describe(
    "Whether reported and computed cost differ by more than one percent",
  ),
};

const sumOf = (column: string, description: string): Measure => ({
  schema: dollars.describe(description),
  singleRowValue: (row) => row[column] ?? "0",
});

const isUnpriced = (row: LogEvent) => row.cost_source === "unpriced";

/** The measures of cost in a summary of usage rows. */
export const LLM_USAGE_MEASURES: Record<string, Record<string, Measure>> = {
  cost_usd_exact: {
    cost_usd_exact: sumOf("cost_usd_exact", "The sum of the unrounded charges"),
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
      schema: count.describe("Rows whose cost is unknown, and counts as 0"),
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
      schema: z.boolean().describe(
        "Whether more is known to be spent than this",
      ),
      singleRowValue: (row) => row.cost_is_floor === true,
    },
  },
  cost_differs: {
    differing_count: {
      schema: count.describe(
        "Rows whose reported and computed cost differ by more than one percent",
      ),
      singleRowValue: (row) => Number(row.cost_differs === true),
    },
  },
};

/**
 * A provider's usage object, unchanged. It is stored with the row, so it may hold counts
 * and short names, but not content.
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
      (usage) => isUsageValue(usage, 1),
      `Expected counts and names of at most ${MAX_USAGE_TEXT} characters, nested at most ${MAX_USAGE_DEPTH} deep, because usage is stored; remove content`,
    )
    .describe(
      "The usage object of a response, as the provider or an SDK gives it, instead of token counts",
    );
}

function isUsageValue(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.length <= MAX_USAGE_TEXT;
  if (typeof value !== "object" || value === null) return true;
  return depth <= MAX_USAGE_DEPTH &&
    Object.entries(value).every(([key, member]) =>
      key.length <= MAX_USAGE_TEXT && isUsageValue(member, depth + 1)
    );
}
