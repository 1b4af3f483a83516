import { anyCaller, serviceOnly } from "../http/access.ts";
import { createBudget, reserveBudget, showBudgets } from "./budgets.ts";
import { rateAgain } from "./ratings.ts";
import { type Route, route } from "../http/routes.ts";
import type { Log } from "../logs/log.ts";

/** The routes of `llm_usage_log` beyond those of every log. */
export const usageRoutes = (log: Log): readonly Route[] => [
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
