import * as z from "zod";
import { rateUsage } from "../db/usage-store.ts";
import { readerOf, reserverOf, serviceOnly } from "../http/access.ts";
import type { CallerContext } from "../http/context.ts";
import { readRatingParameters } from "../http/parameters.ts";
import { createProblem, ProblemError } from "../http/problem.ts";
import { readMembers } from "../http/read-body.ts";
import { type Route, route } from "../http/routes.ts";
import { MAX_RATED_ROWS } from "../limits.ts";
import { text } from "../logs/fields.ts";
import type { Log } from "../logs/log.ts";
import { createPrice } from "./prices.ts";
import { createBudget, reserveBudget, showBudgets } from "./budgets.ts";

/** The routes of `llm_usage_log` in addition to those of every log. */
export const usageRoutes = (log: Log): readonly Route[] => [
  route("GET", "budget", readerOf(log, ["firm_id"]), showBudgets),
  route("POST", "budget", serviceOnly("set a budget"), createBudget),
  route("POST", "reserve", reserverOf(log), reserveBudget),
  route("POST", "prices", serviceOnly("enter a price"), createPrice),
  route(
    "POST",
    "ratings",
    serviceOnly("rate usage again"),
    (ctx) => rateAgain(ctx, log),
  ),
];

/** The body of `POST /llm-usage/ratings`. */
export const ratingSchema = z.strictObject({
  reason: text(256).describe("The reason, stored with every rating"),
  dry_run: z.boolean("Expected true or false")
    .describe("true: report the changes without adding ratings")
    .default(false),
});

/**
 * Answers `POST /llm-usage/ratings?from=…&to=…`: rates the selected rows by the current
 * price list, and reports the changes. Charges stay.
 *
 * @throws {ProblemError} 400 for an invalid parameter, 413 for more than
 * `MAX_RATED_ROWS` rows, 422 with all issues.
 */
async function rateAgain(ctx: CallerContext, log: Log) {
  const selection = readRatingParameters(log, ctx.query);
  const { reason, dry_run } = await readMembers(
    ctx,
    ratingSchema,
  ) as z.output<typeof ratingSchema>;
  const result = await rateUsage(ctx, selection, {
    reason,
    dryRun: dry_run,
    maxRows: MAX_RATED_ROWS,
  });
  if (result === null) {
    throw new ProblemError(createProblem(
      "too_many_rows",
      `The selection has more than ${MAX_RATED_ROWS} rows; narrow from and to, or filter`,
    ));
  }
  const { from, to } = selection;
  return Response.json({ from, to, reason, dry_run, ...result }, {
    status: dry_run || result.changed === 0 ? 200 : 201,
  });
}
