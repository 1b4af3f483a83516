import * as z from "zod";
import { PARAMETERS } from "../../shared/http/parameters.ts";
import type { ProblemCode } from "../../shared/http/problem.ts";
import { MAX_RATED_ROWS } from "../../shared/limits.ts";
import { uuid } from "../../shared/logs/fields.ts";
import type { Log } from "../../shared/logs/log.ts";
import { budgetSchema, reservationSchema } from "../../shared/usage/budgets.ts";
import { ratingSchema } from "../../shared/usage/routes.ts";
import {
  head,
  json,
  type Operation,
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
import { asSent, refer, toParameterSchema } from "./schemas.ts";

/** What a request with an object may be refused for. */
const REFUSALS: ProblemCode[] = [
  "invalid_body",
  "invalid_parameter",
  "not_allowed",
  "body_timeout",
  "body_too_large",
  "unsupported_media_type",
  "unsupported_encoding",
  "invalid_request",
];

/** The operations of `llm-usage` beyond those of every log, by name. */
export function usageOperations(log: Log): Record<string, Route> {
  return {
    showBudgets: {
      path: "/budget",
      method: "get",
      operation: showBudgets(log),
    },
    setBudget: { path: "/budget", method: "post", operation: setBudget(log) },
    reserve: { path: "/reserve", method: "post", operation: reserve(log) },
    rate: { path: "/ratings", method: "post", operation: rate(log) },
  };
}

function showBudgets(log: Log): Operation {
  return {
    ...head(log, "showBudgetsOf", "Show the budgets of a firm"),
    description:
      "What is spent, reserved and left this month, as far as the caller may see it.",
    parameters: [
      query("firm_id", toParameterSchema(uuid()), {
        required: true,
        description: "The firm",
      }),
      REQUEST_ID,
    ],
    responses: {
      200: respond(
        "The newest budget of the firm and of each project that has one",
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
      "It replaces the one before, and counts what its month holds already. A budget warns and refuses no event: reserve before a call to have a hard limit.",
    ...send("LlmUsageNewBudget", []),
    responses: {
      201: respond(
        "The budget as it is from now on",
        json(refer("schemas", "LlmUsageSetBudget")),
      ),
      ...respondProblems(REFUSALS),
      ...ALWAYS,
    },
  };
}

function reserve(log: Log): Operation {
  return {
    ...head(log, "reserveFor", "Reserve what a call may cost"),
    description:
      "The amount is held in every budget that the call counts towards, or in none, until an event with this reservation_id is recorded or the time is over.",
    ...send("LlmUsageNewReservation", [
      idempotencyKey(
        "Makes a reservation that comes without an id the same one whenever the request is sent again",
      ),
    ]),
    responses: {
      ...respondEither("Held before", "Held", "LlmUsageReservation"),
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

function rate(log: Log): Operation {
  return {
    ...head(log, "rate", "Rate recorded calls again"),
    description:
      `Adds what the selected calls cost by the prices as they are entered now, where that is another cost than before; what was charged stays, and so does what the caller reported. At most ${MAX_RATED_ROWS} rows at once. Summaries take as_of.`,
    ...send("LlmUsageNewRating", ratingParameters(log)),
    responses: {
      ...respondEither(
        "Nothing was added: a dry run, or no cost changed",
        "Ratings were added",
        "LlmUsageRating",
      ),
      ...respondProblems([...REFUSALS, "too_many_rows"]),
      ...ALWAYS,
    },
  };
}

/** What a service sends as one object. */
function send(schema: string, parameters: Parameter[]) {
  return {
    security: [SERVICE],
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
