import type { Receipt, StoreIssue, StoreResult } from "../db/record-events.ts";
import type { OutcomeCounts } from "../http/access-log.ts";
import {
  createProblem,
  type Problem,
  respondProblem,
} from "../http/problem.ts";
import type { Issue } from "../issue.ts";
import { type Log, type LogEvent, orderRow } from "../logs/log.ts";
import type { PreparedEvent } from "./prepare-events.ts";

/** The four outcomes of an event. */
export type Outcome = "recorded" | "duplicate" | "conflict" | "rejected";

/** A warning about a recorded event. */
export type Warning = {
  /** Stable and machine-readable. */
  code: string;
  detail: string;
};

/** The result of one event. */
export type EventResult = {
  index: number;
  /** The id of the row; null for a rejected event without a valid id. */
  id: string | null;
  outcome: Outcome;
  problem?: Problem;
  warnings?: Warning[];
  row?: LogEvent;
  /** The receipt, when requested. */
  receipt?: Receipt;
};

/** Details of the issues that only the database finds. */
export const STORE_ISSUE_DETAILS: Record<StoreIssue["code"], string> = {
  not_found: "Refers to a row that does not exist; create it first",
  other_firm:
    "Belongs to another firm; use the firm of the event, which for a user is their own",
  no_firm: "The user belongs to no firm; assign them to one",
  out_of_range:
    "Amounts to 10,000 US dollars or more, which the column cannot hold; check the token counts",
  refused:
    "Violates a constraint or trigger of this project; check its definition",
};

/** The result of an event with issues. */
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

/** The result of a valid event in an aborted atomic batch. */
export function abortEvent(
  { index, id }: Pick<PreparedEvent, "index" | "id">,
): EventResult {
  const problem = createProblem(
    "batch_aborted",
    "The event is valid, but was not recorded because another event of the atomic batch failed; correct that one and send the batch again",
  );
  return { index, id, outcome: "rejected", problem };
}

/** The result of an event from that of the record function. */
export function toEventResult(
  log: Log,
  index: number,
  stored: StoreResult,
  unread: readonly string[] = [],
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
        problem: createConflict(stored.fields),
      };
    default:
      return {
        index,
        id,
        outcome,
        warnings: stored.warnings?.map((code) => ({
          code,
          detail: describeWarning(log, code, unread),
        })),
        row: stored.row && orderRow(log, stored.row),
        receipt: stored.receipt,
      };
  }
}

/** The detail of a warning, which names the members of the usage that were not read. */
function describeWarning(
  { warnings }: Log,
  code: string,
  unread: readonly string[],
): string {
  const detail = warnings?.[code] ?? "";
  return code === "usage_unread" && unread.length > 0
    ? `${unread.join(", ")}: ${detail}`
    : detail;
}

/** The database names no fields of a row that was deleted or that the caller may not see. */
function createConflict(fields: string[] | undefined): Problem {
  return createProblem(
    "conflict",
    fields === undefined
      ? "The id was used before, and ids are not reused; send new content under a new id"
      : "The id is recorded with different content, and recorded rows never change; send new content under a new id",
    fields === undefined ? {} : { fields },
  );
}

/** The response to a request with one bare event. */
export function answerSingle(log: Log, result: EventResult): Response {
  if (result.problem) return respondProblem(result.problem);
  // JSON omits undefined members.
  const { id, row = { id }, warnings, receipt } = result;
  const body = { ...row, warnings, receipt };
  if (result.outcome === "duplicate") return Response.json(body);
  return Response.json(body, {
    status: 201,
    headers: { location: `/functions/v1/${log.slug}/${result.id}` },
  });
}

/** The response to a batch: counts by outcome, and one result per event. */
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

/** Counts events by outcome. */
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
