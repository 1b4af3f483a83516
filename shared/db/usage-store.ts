import { READ_TIMEOUT_MS, RECORD_TIMEOUT_MS } from "../limits.ts";
import {
  callFunction,
  requireList,
  requireMember,
  type Session,
  StoreError,
} from "./call-function.ts";
import type { StoreIssue } from "./record-events.ts";
import type { Selection } from "./read-log.ts";

/** What a budget covers: all of a firm, or one of its projects. */
export type BudgetScope = { firm_id: string; cma_project_id?: string };

/** A budget and its month, as `read_llm_budgets` says it. */
export type Budget =
  & { id: string; cma_project_id: string | null }
  & Record<
    string,
    unknown
  >;

/** What became of a reservation. */
export type ReserveResult =
  | { outcome: "reserved" | "duplicate"; expires_at: string }
  | { outcome: "no_budget" | "exceeded" | "conflict" | "settled" }
  | { outcome: "rejected"; faults: StoreIssue[] };

/** SQLSTATE of `rate_llm_usage` (an HTTP status to PostgREST) for a selection that is too large. */
const TOO_MANY_ROWS = "PT413";

/** The budgets of a firm that the caller may see, in the month of now. */
export async function readBudgets(
  session: Session,
  firmId: string,
): Promise<Budget[]> {
  const parameters = { firm: firmId };
  const budgets = await callFunction(
    session,
    "read_llm_budgets",
    parameters,
    READ_TIMEOUT_MS,
  );
  requireList(budgets);
  return budgets as Budget[];
}

/** Sets a budget, or says why not. */
export async function setBudget(
  session: Session,
  scope: BudgetScope,
  budget: { limit_usd: string; thresholds: number[]; time_zone: string },
): Promise<{ id: string } | { faults: StoreIssue[] }> {
  const result = await callFunction(session, "set_llm_budget", {
    firm: scope.firm_id,
    project: scope.cma_project_id ?? null,
    ...budget,
  }, RECORD_TIMEOUT_MS);
  requireMember(result, "id", "faults");
  return result as { id: string } | { faults: StoreIssue[] };
}

/** Holds an amount in the budgets of a scope. */
export async function reserve(
  session: Session,
  scope: BudgetScope,
  reservation: { id: string; amount_usd: string; seconds: number },
): Promise<ReserveResult> {
  const result = await callFunction(session, "reserve_llm_budget", {
    reservation: reservation.id,
    firm: scope.firm_id,
    project: scope.cma_project_id ?? null,
    amount: reservation.amount_usd,
    seconds: reservation.seconds,
  }, RECORD_TIMEOUT_MS);
  requireMember(result, "outcome");
  return result as ReserveResult;
}

/** Rates usage rows again; null when there are more than `maxRows` of them. */
export async function rateUsage(
  session: Session,
  selection: Selection,
  rating: { reason: string; dryRun: boolean; maxRows: number },
): Promise<Record<string, unknown> | null> {
  try {
    const result = await callFunction(session, "rate_llm_usage", {
      filters: selection.filters,
      since: selection.from,
      until: selection.to,
      reason: rating.reason,
      dry_run: rating.dryRun,
      max_rows: rating.maxRows,
    }, READ_TIMEOUT_MS);
    requireMember(result, "changed");
    return result as Record<string, unknown>;
  } catch (error) {
    if (error instanceof StoreError && error.reason.code === TOO_MANY_ROWS) {
      return null;
    }
    throw error;
  }
}
