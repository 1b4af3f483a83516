import { READ_TIMEOUT_MS, RECORD_TIMEOUT_MS } from "../limits.ts";
import {
  callFunction,
  requireList,
  requireMember,
  type Session,
  SQLSTATES,
  StoreError,
} from "./call-function.ts";
import type { Selection } from "./read-log.ts";
import type { StoreIssue } from "./record-events.ts";

/** The scope of a budget: a firm, or one of its projects. */
export type BudgetScope = { firm_id: string; cma_project_id?: string };

/** A budget with the amounts of the current month, from `read_llm_budgets`. */
export type Budget =
  & { id: string; cma_project_id: string | null }
  & Record<string, unknown>;

/** The result of a reservation. */
export type ReserveResult =
  | { outcome: "reserved" | "duplicate"; expires_at: string }
  | { outcome: "no_budget" | "exceeded" | "conflict" | "settled" }
  | { outcome: "rejected"; faults: StoreIssue[] };

/** Reads the budgets of a firm that are visible to the caller, in the current month. */
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

/** Sets a budget; returns its id, or the issues of the scope. */
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

/** Reserves an amount in US dollars, for some seconds, in the budgets of a scope. */
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

/** Enters a price; answers the row in force, or the issues that only the database finds. */
export async function enterPrice(
  session: Session,
  price: Record<string, unknown>,
): Promise<
  | { entered: boolean; row: Record<string, unknown> }
  | {
    faults: {
      /** Omitted for an issue of the price as a whole. */
      column?: string;
      code: "not_found" | "invalid_value" | "refused";
    }[];
  }
> {
  const result = await callFunction(
    session,
    "enter_model_price",
    { price },
    RECORD_TIMEOUT_MS,
  );
  requireMember(result, "row", "faults");
  return result as Awaited<ReturnType<typeof enterPrice>>;
}

/** Rates usage rows again; null, without effect, when the selection exceeds `maxRows`. */
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
    if (
      error instanceof StoreError && error.reason.code === SQLSTATES.tooManyRows
    ) {
      return null;
    }
    throw error;
  }
}
