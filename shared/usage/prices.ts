import * as z from "zod";
import { enterPrice } from "../db/usage-store.ts";
import type { CallerContext } from "../http/context.ts";
import { requireKnown } from "../http/parameters.ts";
import { readMembers, refuseRequest } from "../http/read-body.ts";
import { STORE_ISSUE_DETAILS } from "../ingest/results.ts";
import { text, uuid } from "../logs/fields.ts";

const PRICE_FORMAT =
  "Expected US dollars, from 0 to less than 100000, with at most 12 decimal digits, as a string or a number, without exponent";

const exactPrice = z.string()
  .regex(/^(?:0|[1-9]\d{0,4})(?:\.\d{1,12})?$/, PRICE_FORMAT)
  .meta({ format: "decimal", description: "US dollars, exact" });

/** A unit price as a string or a number; the output is a string. */
const unitPrice = z.union([
  exactPrice,
  z.number().refine(
    (value) => exactPrice.safeParse(String(value)).success,
    PRICE_FORMAT,
  ),
], PRICE_FORMAT).transform(String).pipe(exactPrice);

/** The unit prices per million tokens, each of which a context tier may replace. */
const tokenPrices = {
  input_usd_per_mtok: unitPrice.optional(),
  cache_read_usd_per_mtok: unitPrice.optional(),
  cache_write_5m_usd_per_mtok: unitPrice.optional(),
  cache_write_1h_usd_per_mtok: unitPrice.optional(),
  output_usd_per_mtok: unitPrice.optional(),
  reasoning_usd_per_mtok: unitPrice.optional(),
};

const time = z.iso.datetime({
  offset: true,
  error:
    "Expected an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z",
});

const timeOfDay = z.string().regex(
  /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/,
  "Expected a time of day in UTC, such as 16:30",
);

/**
 * Of a regular expression: back-references, look-behind, embedded options, counts above
 * 20 and counts of groups, with which a name could take minutes to match. The CHECK of
 * the column is the same.
 */
const COSTLY_PATTERN =
  /\\[1-9]|\(\?(?:[^:=!]|$)|^\*\*\*|\)\{|\{[\d,]*(?:[3-9]\d|2[1-9]|\d{3})/;

const PATTERN_FORMAT =
  "Expected a regular expression of PostgreSQL, without back-references, look-behind, embedded options, repetition counts above 20, and counts of groups";

/** The body of `POST /llm-usage/prices`. */
export const priceSchema = z.strictObject({
  provider: text(64).regex(
    /^[^\sA-Z][^A-Z]*$/,
    "Expected the provider in lower case, without leading white space",
  ),
  match_kind: z.enum(
    ["equals", "starts_with", "ends_with", "contains", "regex"],
    "Expected equals, starts_with, ends_with, contains or regex",
  ),
  match_value: text(256)
    .describe("Is compared with the model's name in lower case"),
  firm_id: uuid().optional()
    .describe("The firm that negotiated the price; all firms if omitted"),
  service_tier: z.string().regex(
    /^[a-z][a-z0-9_-]{0,31}$/,
    "Expected up to 32 lower-case letters, digits, dashes and underscores",
  ).default("standard"),
  effective_from: time,
  effective_to: time.optional()
    .describe("Exclusive; equal to effective_from, it withdraws the price"),
  daily_from: timeOfDay.optional(),
  daily_to: timeOfDay.optional(),
  ...tokenPrices,
  request_usd: unitPrice.optional(),
  other_usd_per_million: z.record(
    z.string().regex(
      /^[a-z][a-z0-9_]{0,63}$/,
      "Expected the name of a unit, such as web_searches",
    ),
    unitPrice,
  ).optional(),
  context_tiers: z.array(z.strictObject({
    above_input_tokens: z.int().min(0).max(2_147_483_647),
    ...tokenPrices,
  })).max(16, "Expected at most 16 tiers").optional()
    .describe("Prices of the whole call when its input is larger"),
  implies_provider: z.boolean("Expected true or false").optional()
    .describe("Whether a matching model belongs to this provider"),
  source: text(256).describe("Where the price is from, such as a contract"),
}).superRefine((price, ctx) => {
  const refuse = (member: keyof typeof price, message: string) =>
    ctx.addIssue({ code: "custom", path: [member], message });
  if (price.match_kind === "regex") {
    if (COSTLY_PATTERN.test(price.match_value)) {
      refuse("match_value", PATTERN_FORMAT);
    }
  } else if (
    price.match_value !== price.match_value.toLowerCase().trim()
  ) {
    refuse("match_value", "Expected lower case, without white space around it");
  }
  const { effective_from, effective_to = effective_from } = price;
  if (Date.parse(effective_to) < Date.parse(effective_from)) {
    refuse("effective_to", "Expected a time that is not before effective_from");
  }
  const { daily_from, daily_to } = price;
  if ((daily_from === undefined) !== (daily_to === undefined)) {
    refuse(
      daily_from === undefined ? "daily_from" : "daily_to",
      "Is required: the hours of a day have both ends",
    );
  } else if (daily_from !== undefined && daily_from === daily_to) {
    refuse("daily_to", "Expected another time of day than daily_from");
  }
  const tiers = (price.context_tiers ?? [])
    .map(({ above_input_tokens }) => above_input_tokens);
  if (new Set(tiers).size < tiers.length) {
    refuse("context_tiers", "Expected each above_input_tokens once");
  }
});

/**
 * Answers `POST /llm-usage/prices`: the price as it is in force, 201 if it is new. A
 * price is never changed: a correction is another one with the same match and
 * `effective_from`.
 *
 * @throws {ProblemError} 422 with all issues.
 */
export async function createPrice(ctx: CallerContext): Promise<Response> {
  requireKnown(ctx.query, []);
  const price = await readMembers(ctx, priceSchema);
  const result = await enterPrice(ctx, price);
  if ("faults" in result) {
    throw refuseRequest(result.faults.map(({ column, code }) => ({
      pointer: column === undefined ? "" : `/${column}`,
      code,
      detail: code === "invalid_value"
        ? PATTERN_FORMAT
        : STORE_ISSUE_DETAILS[code],
    })));
  }
  return Response.json(result.row, { status: result.entered ? 201 : 200 });
}
