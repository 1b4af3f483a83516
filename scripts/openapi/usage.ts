import * as z from "zod";
import { PARAMETERS } from "../../shared/http/parameters.ts";
import type { ProblemCode } from "../../shared/http/problem.ts";
import { MAX_RATED_ROWS } from "../../shared/limits.ts";
import { uuid } from "../../shared/logs/fields.ts";
import type { Log } from "../../shared/logs/log.ts";
import { budgetSchema, reservationSchema } from "../../shared/usage/budgets.ts";
import { priceSchema } from "../../shared/usage/prices.ts";
import { ratingSchema } from "../../shared/usage/routes.ts";
import {
  head,
  json,
  type Operation,
  PRODUCER,
  type Route,
  SERVICE,
} from "./operation.ts";
import {
  CONTENT_ENCODING,
  idempotencyKey,
  type Parameter,
  query,
  ratingParameters,
  REQUEST_ID,
} from "./parameters.ts";
import { ALWAYS, respond, respondProblems } from "./responses.ts";
import { asSent, type Json, refer, toParameterSchema } from "./schemas.ts";

/** The problems of a request with an object. */
const REFUSALS: ProblemCode[] = [
  "invalid_body",
  "invalid_parameter",
  "body_timeout",
  "body_too_large",
  "unsupported_media_type",
  "unsupported_encoding",
  "invalid_request",
];

/** The operations of `llm-usage` only, by name. */
export function usageOperations(log: Log): Record<string, Route> {
  return {
    showBudgets: {
      path: "/budget",
      method: "get",
      operation: showBudgets(log),
    },
    setBudget: { path: "/budget", method: "post", operation: setBudget(log) },
    reserve: { path: "/reserve", method: "post", operation: reserve(log) },
    enterPrice: {
      path: "/prices",
      method: "post",
      operation: enterPrice(log),
    },
    rate: { path: "/ratings", method: "post", operation: rate(log) },
  };
}

function showBudgets(log: Log): Operation {
  return {
    ...head(log, "showBudgetsOf", "Show the budgets of a firm"),
    description:
      "The spent, reserved and remaining amounts of this month, as far as the caller may read them.",
    parameters: [
      query("firm_id", toParameterSchema(uuid()), {
        required: true,
        description: "The firm",
      }),
      REQUEST_ID,
    ],
    responses: {
      200: respond(
        "The latest budgets of the firm and of its projects",
        json(refer("schemas", "LlmUsageBudgets")),
      ),
      ...respondProblems(["invalid_parameter"]),
      ...ALWAYS,
    },
  };
}

function setBudget(log: Log): Operation {
  return {
    ...head(
      log,
      "setBudgetOf",
      "Set the monthly budget of a firm or a project",
    ),
    description:
      "It replaces the previous one, and counts the calls of the current month. A budget warns, but does not reject events: for a hard limit, reserve before each call.",
    ...send("LlmUsageNewBudget", []),
    responses: {
      201: respond(
        "The new budget",
        json(refer("schemas", "LlmUsageSetBudget")),
      ),
      ...respondProblems(REFUSALS),
      ...ALWAYS,
    },
  };
}

function reserve(log: Log): Operation {
  return {
    ...head(log, "reserveFor", "Reserve the cost of a call"),
    description:
      "The amount is held in every budget that the call counts towards, or in none, until an event with this reservation_id is recorded or the reservation expires.",
    ...send("LlmUsageNewReservation", [
      idempotencyKey(
        "Derives the id of a reservation without one, so that a retry has the same id",
      ),
    ], [PRODUCER]),
    responses: {
      ...respondEither("Held earlier", "Held", "LlmUsageReservation"),
      ...respondProblems([
        ...REFUSALS,
        "budget_exceeded",
        "not_found",
        "conflict",
      ]),
      ...ALWAYS,
    },
  };
}

function enterPrice(log: Log): Operation {
  return {
    ...head(log, "enterPriceFor", "Enter a price"),
    description:
      "Prices are append-only: a correction is another price with the same match and effective_from. Recorded calls keep their charge; rate them again.",
    ...send("LlmUsageNewPrice", []),
    responses: {
      ...respondEither("In force already", "Entered", "LlmUsagePrice"),
      ...respondProblems(REFUSALS),
      ...ALWAYS,
    },
  };
}

function rate(log: Log): Operation {
  return {
    ...head(log, "rate", "Rate recorded calls again"),
    description:
      `Adds the cost of the selected calls by the current price list, where it differs. Charges and reported costs stay. At most ${MAX_RATED_ROWS} rows per request. Summaries have the parameter as_of.`,
    ...send("LlmUsageNewRating", ratingParameters(log)),
    responses: {
      ...respondEither(
        "No rating was added: a dry run, or no cost changed",
        "Ratings were added",
        "LlmUsageRating",
      ),
      ...respondProblems([...REFUSALS, "too_many_rows"]),
      ...ALWAYS,
    },
  };
}

/** The request of a service, or of others too, with one object. */
function send(schema: string, parameters: Parameter[], others: Json[] = []) {
  return {
    security: [...others, SERVICE],
    parameters: [...parameters, CONTENT_ENCODING, REQUEST_ID],
    requestBody: { required: true, content: json(refer("schemas", schema)) },
  };
}

function respondEither(known: string, made: string, schema: string) {
  return {
    200: respond(known, json(refer("schemas", schema))),
    201: respond(made, json(refer("schemas", schema))),
  };
}

const dollars = (description: string) =>
  z.string().meta({ format: "decimal", description });
const count = z.int();
const timestamp = z.iso.datetime({ offset: true });

const budget = z.object({
  id: z.guid(),
  cma_project_id: z.guid().nullable()
    .describe("The project; null for a budget of the whole firm"),
  month: z.string().describe("The month in time_zone, such as 2026-01"),
  time_zone: z.string(),
  limit_usd: dollars("US dollars per month"),
  spent_usd: dollars("The exact cost of the month's calls"),
  reserved_usd: dollars("The sum of open reservations"),
  left_usd: dollars(
    "Negative if the budget is exceeded: budgets do not reject events",
  ),
  thresholds: z.array(count).describe("Percents of the limit"),
  crossed: z.array(count).describe("Those of thresholds that are crossed"),
  call_count: count.describe("The month's calls"),
  floor_count: count.describe("Calls whose cost is a floor"),
  floor_share: z.number().describe("floor_count of call_count, from 0 to 1"),
  is_floor: z.boolean().describe("Whether spent_usd is a floor"),
}).describe("A budget and its month");

const reservation = z.object({
  reservation_id: z.guid()
    .describe("The reservation_id of the event that settles it"),
  expires_at: timestamp,
  budgets: z.array(budget).describe("The budgets that hold the amount"),
});

const rating = z.object({
  from: PARAMETERS.time,
  to: PARAMETERS.time,
  reason: z.string(),
  dry_run: z.boolean(),
  rated_at: timestamp.nullable().describe("null for a dry run"),
  considered: count.describe("Selected rows whose cost was not reported"),
  changed: count.describe("Rows whose cost differs now"),
  unpriced: count.describe("Rows without a price now"),
  cost_usd_before: dollars("Of all rows considered"),
  cost_usd_after: dollars("Of all rows considered"),
  changes: z.array(z.object({
    provider: z.string().nullable(),
    model: z.string(),
    price_id: z.guid().nullable().describe("The row of model_prices"),
    count: count.describe("Rows"),
    cost_usd_before: dollars("Of these rows"),
    cost_usd_after: dollars("Of these rows"),
  })).describe("The changes by model and price, the 1000 most frequent"),
});

const unitPrice = dollars("US dollars").nullable();

const price = z.object({
  id: z.guid().describe("The price_id of calls with this price"),
  provider: z.string(),
  match_kind: z.string(),
  match_value: z.string(),
  firm_id: z.guid().nullable(),
  service_tier: z.string(),
  effective_from: timestamp,
  effective_to: timestamp.nullable(),
  daily_from: z.string().nullable(),
  daily_to: z.string().nullable(),
  input_usd_per_mtok: unitPrice,
  cache_read_usd_per_mtok: unitPrice,
  cache_write_5m_usd_per_mtok: unitPrice,
  cache_write_1h_usd_per_mtok: unitPrice,
  output_usd_per_mtok: unitPrice,
  reasoning_usd_per_mtok: unitPrice,
  request_usd: unitPrice,
  other_usd_per_million: z.record(z.string(), z.string()),
  context_tiers: z.array(z.record(z.string(), z.unknown())),
  published: z.boolean().describe("Whether it was imported"),
  implies_provider: z.boolean(),
  source: z.string(),
  entered_at: timestamp,
}).describe("A row of model_prices");

/** The request schemas of these operations, by name. */
export const USAGE_REQUESTS: Record<string, z.ZodType> = {
  LlmUsageNewBudget: asSent(budgetSchema),
  LlmUsageNewReservation: asSent(reservationSchema),
  LlmUsageNewPrice: asSent(priceSchema),
  LlmUsageNewRating: asSent(ratingSchema),
};

/** The response schemas of these operations, by name. */
export const USAGE_REPLIES: Record<string, z.ZodType> = {
  LlmUsageBudget: budget,
  LlmUsageSetBudget: z.object({ firm_id: z.guid(), ...budget.shape }),
  LlmUsageBudgets: z.object({ firm_id: z.guid(), budgets: z.array(budget) }),
  LlmUsageReservation: reservation,
  LlmUsagePrice: price,
  LlmUsageRating: rating,
};
