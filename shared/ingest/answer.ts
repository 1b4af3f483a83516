import type { Log } from "../logs/log.ts";
import type { OutcomeCounts } from "../http/access-log.ts";
import { respondProblem } from "../http/problem.ts";
import type { EventResult } from "./results.ts";

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
