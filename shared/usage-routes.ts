import {
  createBudget,
  reserveBudget,
  showBudgets,
} from "./endpoint/budgets.ts";
import { rateAgain } from "./endpoint/ratings.ts";
import type { Routes } from "./serve-log.ts";

/** What the endpoint of `llm_usage_log` answers beyond every log's. */
export const usageRoutes: Routes = new Map([
  ["budget", { GET: showBudgets, POST: createBudget }],
  ["reserve", { POST: reserveBudget }],
  ["ratings", { POST: rateAgain }],
]);
