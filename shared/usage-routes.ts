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
  route({
    method: "GET",
    path: "budget",
    name: "budget",
    access: anyCaller,
    handler: showBudgets,
  }),
  route({
    method: "POST",
    path: "budget",
    name: "budget",
    access: serviceOnly("set a budget"),
    handler: createBudget,
  }),
  route({
    method: "POST",
    path: "reserve",
    name: "reserve",
    access: serviceOnly("reserve a budget"),
    handler: reserveBudget,
  }),
  route({
    method: "POST",
    path: "ratings",
    name: "ratings",
    access: serviceOnly("rate usage again"),
    handler: (ctx) => rateAgain(ctx, log),
  }),
];
