import * as z from "zod";
import type { StoreIssue } from "../db/record-events.ts";
import {
  type BudgetScope,
  readBudgets,
  reserve,
  setBudget,
} from "../db/usage-store.ts";
import { scopeFor } from "../http/access.ts";
import type { CallerContext } from "../http/context.ts";
import {
  PARAMETERS,
  readOne,
  refuseParameter,
  requireKnown,
} from "../http/parameters.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { readMembers, refuseRequest } from "../http/read-body.ts";
import { eventId, readIdempotencyKey } from "../ingest/ids.ts";
import { STORE_ISSUE_DETAILS } from "../ingest/results.ts";
import {
  DEFAULT_RESERVATION_SECONDS,
  MAX_RESERVATION_SECONDS,
} from "../limits.ts";
import { uuid } from "../logs/fields.ts";

const AMOUNT_FORMAT =
  "Expected US dollars, more than 0, with at most 9 integer and 6 decimal digits, as a string or a number, without exponent";

const exactAmount = z.string()
  .regex(/^(?=.*[1-9])(?:0|[1-9]\d{0,8})(?:\.\d{1,6})?$/, AMOUNT_FORMAT)
  .meta({ format: "decimal", description: "US dollars, exact" });

/** US dollars as a string or a number; the output is a string. */
const amount = z.union([
  exactAmount,
  z.number().refine(
    (value) => exactAmount.safeParse(String(value)).success,
    AMOUNT_FORMAT,
  ),
], AMOUNT_FORMAT).transform(String).pipe(exactAmount);

/** The body of `POST /llm-usage/budget`. */
export const budgetSchema = z.strictObject({
  firm_id: uuid(),
  cma_project_id: uuid()
    .describe("A budget of this project; of the whole firm when left out")
    .optional(),
  limit_usd: amount.describe("US dollars per month, exact"),
  thresholds: z.array(
    z.int("Expected whole percents of the limit, from 1 to 1000")
      .min(1, "Expected at least 1 percent")
      .max(1000, "Expected at most 1000 percent"),
    "Expected an array of percents of the limit",
  ).min(1, "Expected at least one threshold")
    .max(20, "Expected at most 20 thresholds")
    .describe("Percents of the limit; crossing one adds a warning")
    .default([50, 80, 100]),
  time_zone: PARAMETERS.tz.describe("The time zone of the months").default(
    "UTC",
  ),
});

const SECONDS_FORMAT =
  `Expected whole seconds from 1 to ${MAX_RESERVATION_SECONDS}`;

/** The body of `POST /llm-usage/reserve`. */
export const reservationSchema = z.strictObject({
  reservation_id: uuid()
    .describe(
      "Makes a retry idempotent, as Idempotency-Key does",
    )
    .optional(),
  firm_id: uuid(),
  cma_project_id: uuid().optional(),
  amount_usd: amount.describe("US dollars that the call may cost at most"),
  expires_in: z.int(SECONDS_FORMAT).min(1, SECONDS_FORMAT)
    .max(MAX_RESERVATION_SECONDS, SECONDS_FORMAT)
    .describe("Seconds").default(DEFAULT_RESERVATION_SECONDS),
});

/**
 * Answers `GET /llm-usage/budget?firm_id=…`: the amounts spent, reserved and left in the
 * current month.
 *
 * @throws {ProblemError} 400 for an invalid parameter.
 */
export async function showBudgets(ctx: CallerContext) {
  requireKnown(ctx.query, ["firm_id"]);
  const firmId = readOne(ctx.query, "firm_id", uuid());
  if (firmId === null) throw refuseParameter("firm_id", "is required");
  return Response.json({
    firm_id: firmId,
    budgets: await readBudgets(ctx, firmId),
  });
}

/**
 * Answers `POST /llm-usage/budget`: the new budget, which replaces that of the same
 * scope.
 *
 * @throws {ProblemError} 422 with all issues.
 */
export async function createBudget(ctx: CallerContext) {
  requireKnown(ctx.query, []);
  const { firm_id, cma_project_id, ...budget } = await readMembers(
    ctx,
    budgetSchema,
  ) as z.output<typeof budgetSchema>;
  const result = await setBudget(ctx, { firm_id, cma_project_id }, budget);
  if ("faults" in result) throw refuseRequest(result.faults.map(toIssue));
  const budgets = await readBudgets(ctx, firm_id);
  const created = budgets.find(({ id }) => id === result.id);
  return Response.json({ firm_id, ...created }, { status: 201 });
}

/**
 * Answers `POST /llm-usage/reserve`: the amount is reserved in every budget of the
 * scope, or in none.
 *
 * @throws {ProblemError} 402 when a budget has less left, 404 without a budget, 409 for
 * another open or settled reservation, 422 with all issues.
 */
export async function reserveBudget(ctx: CallerContext) {
  requireKnown(ctx.query, []);
  const key = readIdempotencyKey(ctx.request.headers);
  const { reservation_id, firm_id, cma_project_id, amount_usd, expires_in } =
    await readMembers(
      ctx,
      reservationSchema,
      scopeFor(ctx.caller, reservationSchema),
    ) as z.output<typeof reservationSchema>;
  const scope: BudgetScope = { firm_id, cma_project_id };
  const id = reservation_id ??
    await eventId(key, { log: "reservation", caller: ctx.caller }, 0);
  const result = await reserve(ctx, scope, {
    id,
    amount_usd,
    seconds: expires_in,
  });
  if (result.outcome === "rejected") {
    throw refuseRequest(result.faults.map(toIssue));
  }
  if (!("expires_at" in result)) throw refuseReservation(result.outcome);
  const budgets = await readBudgets(ctx, firm_id);
  return Response.json({
    reservation_id: id,
    expires_at: result.expires_at,
    budgets: budgets.filter((budget) =>
      budget.cma_project_id === null || budget.cma_project_id === cma_project_id
    ),
  }, { status: result.outcome === "reserved" ? 201 : 200 });
}

function refuseReservation(
  outcome: "no_budget" | "exceeded" | "conflict" | "settled",
): ProblemError {
  switch (outcome) {
    case "no_budget":
      return new ProblemError(createProblem(
        "not_found",
        "The firm has no budget to reserve from; set one with POST /llm-usage/budget",
      ));
    case "exceeded":
      return new ProblemError(createProblem(
        "budget_exceeded",
        "A budget has less left this month than this amount; reserve less, or see GET /llm-usage/budget",
      ));
    case "conflict":
      return new ProblemError(createProblem(
        "conflict",
        "The reservation is open with another amount; reserve under a new id",
      ));
    case "settled":
      return new ProblemError(createProblem(
        "conflict",
        "The reservation was settled by a recorded call; reserve under a new id",
      ));
  }
}

function toIssue({ column, code }: StoreIssue) {
  return { pointer: `/${column}`, code, detail: STORE_ISSUE_DETAILS[code] };
}
