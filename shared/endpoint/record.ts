import { readReceipts } from "../evidence/receipts.ts";
import type { Log } from "../logs/log.ts";
import { recordEvents } from "../store/record-events.ts";
import { answerBatch, answerSingle, countOutcomes } from "./answer.ts";
import type { Caller } from "../store/caller.ts";
import type { CallerContext } from "./context.ts";
import { readIdempotencyKey } from "./event-ids.ts";
import { readAddress } from "./address.ts";
import { readRecordParameters } from "./parameters.ts";
import { type PreparedEvent, prepareEvents } from "./prepare-events.ts";
import type { Environment } from "../store/environment.ts";
import { createProblem, ProblemError } from "./problem.ts";
import { readBody } from "./read-body.ts";
import { readEvents } from "./read-events.ts";
import {
  abortEvent,
  type EventResult,
  rejectEvent,
  toEventResult,
} from "./results.ts";

/**
 * Records the events of a POST request: validates them all, writes the valid
 * ones in one call, and answers after the commit.
 *
 * @throws {ProblemError} when the request as a whole is not acceptable.
 * @throws {StoreError} when the events may not have been written.
 */
export async function record(
  ctx: CallerContext,
  log: Log,
): Promise<Response> {
  const { caller, env } = ctx;
  const { headers } = ctx.request;
  const { atomic } = readRecordParameters(ctx.query);
  const idempotencyKey = readIdempotencyKey(headers);
  const { text, format } = await readBody(ctx);
  const { batch, events } = readEvents(text, format);
  ctx.annotate({ events: events.length });
  ctx.permit.take("events", events.length);
  const prepared = await prepareEvents(log, events, {
    caller,
    idempotencyKey,
    address: readAddress(headers),
  });
  const results = await settle(log, prepared, caller, env, {
    atomic,
    representation: !batch,
  });
  ctx.annotate({
    ...countOutcomes(results),
    code: batch ? undefined : results[0].problem?.code,
  });
  const wantsReceipt = prefers(headers, "return=receipt");
  if (wantsReceipt) await addReceipts(log, results, env);
  const response = batch
    ? answerBatch(results, atomic)
    : answerSingle(log, results[0]);
  if (wantsReceipt) {
    response.headers.set("preference-applied", "return=receipt");
  }
  return response;
}

/** Whether a request states a preference (RFC 7240 §2), whatever its parameters. */
function prefers(headers: Headers, preference: string): boolean {
  return (headers.get("prefer") ?? "").split(",")
    .map((one) => one.split(";")[0].replaceAll(/[\s"]/g, "").toLowerCase())
    .includes(preference);
}

async function addReceipts(
  log: Log,
  results: EventResult[],
  env: Environment,
): Promise<void> {
  const stored = results.filter(({ outcome, id }) =>
    id !== null && (outcome === "recorded" || outcome === "duplicate")
  );
  const ids = stored.map(({ id }) => id!);
  const receipts = await readReceipts(env, log.table, ids);
  for (const result of stored) result.receipt = receipts.get(result.id!);
}

/**
 * Writes prepared events in one call, after which each has its result, in order.
 *
 * @throws {StoreError} when the events may not have been written.
 */
export async function settle(
  log: Log,
  prepared: PreparedEvent[],
  caller: Caller,
  env: Environment,
  options: { atomic: boolean; representation: boolean },
): Promise<EventResult[]> {
  const valid = prepared.filter((one) => one.event !== null);
  const aborted = options.atomic && valid.length < prepared.length;
  const actor = caller.kind === "user" && log.userWrites?.attributed
    ? { actor: caller.id }
    : {};
  const stored = aborted || valid.length === 0 ? [] : await recordEvents(
    log,
    valid.map((one) => one.event),
    { ...options, ...actor },
    env,
  );
  if (stored.some((result) => result.faults?.some(isWithoutFirm))) {
    throw new ProblemError(createProblem(
      "no_firm",
      "The signed-in user belongs to no firm, so there is no audit trail to write to",
    ));
  }
  let next = 0;
  return prepared.map((one) => {
    if (one.event === null) return rejectEvent(one, one.faults);
    if (aborted) return abortEvent(one);
    return toEventResult(log, caller, one.index, stored[next++]);
  });
}

function isWithoutFirm(fault: { code: string }): boolean {
  return fault.code === "no_firm";
}
