import { anyCaller, serviceOnly } from "./endpoint/access.ts";
import {
  createBudget,
  reserveBudget,
  showBudgets,
} from "./endpoint/budgets.ts";
import { rateAgain } from "./endpoint/ratings.ts";
import { route } from "./endpoint/routes.ts";
import type { LogRoutes } from "./serve-log.ts";

/** The routes of `llm_usage_log` beyond those of every log. */
export const usageRoutes: LogRoutes = (log) => [
  route("GET", "budget", anyCaller, showBudgets),
  route("POST", "budget", serviceOnly("set a budget"), createBudget),
  route("POST", "reserve", serviceOnly("reserve a budget"), reserveBudget),
  route(
    "POST",
    "ratings",
    serviceOnly("rate usage again"),
    (ctx) => rateAgain(ctx, log),
  ),
];
