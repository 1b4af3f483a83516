import type { Issue } from "../../shared/issue.ts";
import { refuseParameter } from "../../shared/http/parameters.ts";
import { refuseRequest } from "../../shared/http/read-body.ts";
import {
  answerSingle,
  STORE_ISSUE_DETAILS,
  toEventResult,
} from "../../shared/ingest/results.ts";
import type { Log, LogEvent } from "../../shared/logs/log.ts";
import { validateEvent } from "../../shared/logs/validate-event.ts";
import { budgetSchema } from "../../shared/usage/budgets.ts";
import { priceSchema } from "../../shared/usage/prices.ts";
import { type Example, exampleRow } from "./operation.ts";
import { COMMON, problemReply, secondOf, UNKNOWN_ID } from "./read-examples.ts";
import { recordExample } from "./record-examples.ts";

const JSON_TYPE = "application/json";

/** A firm of the demo world that has no budget and no calls. */
const OTHER_FIRM = "10000000-0000-4000-8000-000000000002";

/**
 * The examples of `llm-usage` only. A new budget or reservation has a random id and the
 * current time, so only refusals are shown.
 */
export async function usageExamples(log: Log): Promise<Example[]> {
  const { firm_id } = log.example;
  return [
    await unpricedExample(log),
    {
      ...COMMON,
      name: "no-budget",
      operation: "showBudgets",
      parameters: { firm_id: OTHER_FIRM },
      status: 200,
      reply: {
        type: JSON_TYPE,
        body: { firm_id: OTHER_FIRM, budgets: [] },
      },
    },
    {
      ...COMMON,
      name: "no-firm",
      operation: "showBudgets",
      ...problemReply(refuseParameter("firm_id", "is required").problem),
    },
    refused(
      "setBudget",
      { firm_id, limit_usd: "250", time_zone: "Mars/Olympus" },
      (body) => validateEvent(budgetSchema, body).issues,
    ),
    refused(
      "reserve",
      { firm_id, cma_project_id: UNKNOWN_ID, amount_usd: "0.05" },
      () => [{
        pointer: "/cma_project_id",
        code: "not_found",
        detail: STORE_ISSUE_DETAILS.not_found,
      }],
    ),
    refused(
      "enterPrice",
      {
        provider: "house",
        match_kind: "starts_with",
        match_value: "House-",
        effective_from: "2026-10-01T00:00:00Z",
        input_usd_per_mtok: "0.8",
        source: "contract 7",
      },
      (body) => validateEvent(priceSchema, body).issues,
    ),
    dryRunExample(log),
  ];
}

/** A call of a model without a price. */
async function unpricedExample(log: Log): Promise<Example> {
  const { cost_usd: _, ...call } = log.example;
  const id = "70000000-0000-4000-8000-000000000007";
  const body = { ...call, id, created_at: "2026-01-31T11:00:00+00:00" };
  const row = {
    ...exampleRow(log),
    ...body,
    cost_usd: "0.000000",
    cost_source: "unpriced",
    cost_usd_exact: "0",
    reported_cost_usd: null,
    cost_is_floor: true,
  };
  const result = toEventResult(log, 0, {
    index: 0,
    id,
    outcome: "recorded",
    warnings: ["unpriced"],
    row,
  });
  return await recordExample(
    "unpriced",
    { type: JSON_TYPE, body },
    answerSingle(log, result),
  );
}

/** The example event's cost was reported, so there is nothing to rate. */
function dryRunExample(log: Log): Example {
  const range = secondOf(log);
  const body = { reason: "The price list was corrected", dry_run: true };
  return {
    ...COMMON,
    name: "dry-run",
    operation: "rate",
    parameters: { ...range, firm_id: [log.example.firm_id] },
    request: { type: JSON_TYPE, body },
    status: 200,
    reply: {
      type: JSON_TYPE,
      body: {
        ...range,
        ...body,
        rated_at: null,
        considered: 0,
        changed: 0,
        unpriced: 0,
        cost_usd_before: "0",
        cost_usd_after: "0",
        changes: [],
      },
    },
  };
}

function refused(
  operation: string,
  body: LogEvent,
  findIssues: (body: LogEvent) => Issue[],
): Example {
  return {
    ...COMMON,
    name: "refused",
    operation,
    request: { type: JSON_TYPE, body },
    ...problemReply(refuseRequest(findIssues(body)).problem),
  };
}
