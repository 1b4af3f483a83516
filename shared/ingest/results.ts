import { type Log, type LogEvent, orderRow } from "../logs/log.ts";
import type { Receipt, StoreIssue, StoreResult } from "../db/record-events.ts";
import type { Caller } from "../db/call-function.ts";
import type { Issue } from "../issue.ts";
import type { PreparedEvent } from "./prepare-events.ts";
import {
  createProblem,
  type Problem,
  respondProblem,
} from "../http/problem.ts";
import type { OutcomeCounts } from "../http/access-log.ts";

/** The four outcomes of an event. */
export type Outcome = "recorded" | "duplicate" | "conflict" | "rejected";

/** What the caller of a recorded event should know. */
export type Warning = {
  /** Stable and machine-readable. */
  code: string;
  detail: string;
};

/** What became of one event. */
export type EventResult = {
  index: number;
  /** The row's id; null when the event was rejected before it had one. */
  id: string | null;
  outcome: Outcome;
  problem?: Problem;
  warnings?: Warning[];
  row?: LogEvent;
  /** What proves later that it was recorded, when it was asked for. */
  receipt?: Receipt;
};

/** What the issues that the database finds mean. */
export const STORE_ISSUE_DETAILS: Record<StoreIssue["code"], string> = {
  not_found: "Refers to a row that does not exist",
  other_firm: "Belongs to another firm than the event",
  no_firm: "The signed-in user belongs to no firm",
  out_of_range:
    "Comes to 10,000 US dollars or more, which the column cannot hold: check the token counts",
  refused: "A constraint or trigger of the project's own refuses it",
};

/** The result of an event that never reached the database. */
export function rejectEvent(
  { index, id }: Pick<PreparedEvent, "index" | "id">,
  issues: Issue[],
): EventResult {
  const detail = issues.length === 1
    ? `${issues[0].pointer || "The event"}: ${issues[0].detail}`
    : `${issues.length} issues; errors lists them all`;
  const problem = createProblem("invalid_event", detail, { errors: issues });
  return { index, id, outcome: "rejected", problem };
}

/** The result of an acceptable event whose atomic batch failed. */
export function abortEvent(
  { index, id }: Pick<PreparedEvent, "index" | "id">,
): EventResult {
  const problem = createProblem(
    "batch_aborted",
    "The event is acceptable, but was not recorded because another event of the atomic batch failed",
  );
  return { index, id, outcome: "rejected", problem };
}

/** The result of an event as the database decided it. */
export function toEventResult(
  log: Log,
  caller: Caller,
  index: number,
  stored: StoreResult,
): EventResult {
  const { id, outcome } = stored;
  switch (outcome) {
    case "aborted":
      return abortEvent({ index, id });
    case "rejected":
      return rejectEvent(
        { index, id },
        (stored.faults ?? []).map(({ column, code }) => ({
          pointer: column === undefined ? "" : `/${column}`,
          code,
          detail: STORE_ISSUE_DETAILS[code],
        })),
      );
    case "conflict":
      return {
        index,
        id,
        outcome,
        problem: createConflict(caller, stored.fields ?? []),
      };
    default:
      return {
        index,
        id,
        outcome,
        warnings: stored.warnings?.map((code) => ({
          code,
          detail: log.warnings?.[code] ?? "",
        })),
        row: stored.row && orderRow(log, stored.row),
        receipt: stored.receipt,
      };
  }
}

/** A user learns nothing of a row of another firm but that its id is taken. */
function createConflict(caller: Caller, fields: string[]): Problem {
  const hidden = caller.kind === "user" && fields.includes("firm_id");
  return createProblem(
    "conflict",
    "This id is recorded with different content, and a recorded row never changes; send new content under a new id",
    hidden ? {} : { fields },
  );
}

/** The answer to a request with one bare event. */
export function answerSingle(log: Log, result: EventResult): Response {
  if (result.problem) return respondProblem(result.problem);
  // Left out when there is nothing to warn of.
  const { warnings, receipt } = result;
  const body = { ...result.row, warnings, receipt };
  if (result.outcome === "duplicate") return Response.json(body);
  return Response.json(body, {
    status: 201,
    headers: { location: `/functions/v1/${log.slug}/${result.id}` },
  });
}

/** The answer to a batch: counts per outcome, and one result per event. */
export function answerBatch(results: EventResult[], atomic: boolean): Response {
  const counts = countOutcomes(results);
  return Response.json({
    ...counts,
    results: results.map((
      { index, id, outcome, problem, warnings, receipt },
    ) => ({
      index,
      id,
      outcome,
      problem,
      warnings,
      receipt,
    })),
  }, { status: batchStatus(counts, results.length, atomic) });
}

/** How many events had each outcome. */
export function countOutcomes(results: EventResult[]): OutcomeCounts {
  const counts = { recorded: 0, duplicate: 0, conflict: 0, rejected: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

function batchStatus(
  counts: OutcomeCounts,
  total: number,
  atomic: boolean,
): number {
  if (counts.recorded === total) return 201;
  if (counts.duplicate === total) return 200;
  if (atomic && counts.conflict > 0) return 409;
  if (atomic && counts.rejected > 0) return 422;
  return 207;
}
