import { MAX_RATED_ROWS } from "../limits.ts";
import { uuid } from "../logs/fields.ts";
import type { ProblemCode } from "../http/problem.ts";
import type { Log } from "../logs/log.ts";
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
import { refer, toParameterSchema } from "./schemas.ts";

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
