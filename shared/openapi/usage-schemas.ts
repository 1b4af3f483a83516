import * as z from "zod";
import { budgetSchema, reservationSchema } from "../usage/budgets.ts";
import { PARAMETERS } from "../http/parameters.ts";
import { ratingSchema } from "../usage/ratings.ts";
import { asSent } from "./event-schemas.ts";

const dollars = (description: string) =>
  z.string().meta({ format: "decimal", description });
const count = z.int();
const moment = z.iso.datetime({ offset: true });

const budget = z.object({
  id: z.guid(),
  cma_project_id: z.guid().nullable()
    .describe("The project; null for a budget of the whole firm"),
  month: z.string().describe("The month in time_zone, such as 2026-01"),
  time_zone: z.string(),
  limit_usd: dollars("US dollars per month"),
  spent_usd: dollars("What the month's calls cost, unrounded"),
  reserved_usd: dollars("What open reservations hold"),
  left_usd: dollars("Below 0 when more was spent: a budget refuses no event"),
  thresholds: z.array(count).describe("Percents of the limit"),
  crossed: z.array(count).describe("Those of thresholds that are crossed"),
  call_count: count.describe("The month's calls"),
  floor_count: count.describe("Calls that cost more than is known"),
  floor_share: z.number().describe("floor_count of call_count, from 0 to 1"),
  is_floor: z.boolean().describe("Whether more was spent than is known"),
}).describe("A budget and its month");

const reservation = z.object({
  reservation_id: z.guid()
    .describe("For the member reservation_id of the event that settles it"),
  expires_at: moment,
  budgets: z.array(budget).describe("The budgets that hold the amount"),
});

const rating = z.object({
  from: PARAMETERS.time,
  to: PARAMETERS.time,
  reason: z.string(),
  dry_run: z.boolean(),
  rated_at: moment.nullable().describe("null for a dry run"),
  considered: count.describe("Selected rows whose cost was not reported"),
  changed: count.describe("Rows that cost something else now"),
  unpriced: count.describe("Rows whose price is not known now"),
  cost_usd_before: dollars("Of all rows considered"),
  cost_usd_after: dollars("Of all rows considered"),
  changes: z.array(z.object({
    provider: z.string().nullable(),
    model: z.string(),
    price_id: z.guid().nullable().describe("The row of model_prices"),
    count: count.describe("Rows"),
    cost_usd_before: dollars("Of these rows"),
    cost_usd_after: dollars("Of these rows"),
  })).describe("What changed, by model and price; the most frequent 1000"),
});

/** What the operations of usage alone are sent, by name. */
export const USAGE_REQUESTS: Record<string, z.ZodType> = {
  LlmUsageNewBudget: asSent(budgetSchema),
  LlmUsageNewReservation: asSent(reservationSchema),
  LlmUsageNewRating: asSent(ratingSchema),
};

/** What they answer with, by name. */
export const USAGE_REPLIES: Record<string, z.ZodType> = {
  LlmUsageBudget: budget,
  LlmUsageSetBudget: z.object({ firm_id: z.guid(), ...budget.shape }),
  LlmUsageBudgets: z.object({ firm_id: z.guid(), budgets: z.array(budget) }),
  LlmUsageReservation: reservation,
  LlmUsageRating: rating,
};
