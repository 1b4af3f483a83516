import * as z from "zod";
import type { Log } from "../logs/log.ts";
import { answerBatch, answerSingle, countOutcomes } from "./results.ts";
import type { CallerContext } from "../http/context.ts";
import { readIdempotencyKey } from "./ids.ts";
import { ingest } from "./ingest.ts";
import { readRecordParameters } from "../http/parameters.ts";
import { readBody } from "../http/read-body.ts";
import { readEvents } from "./read-events.ts";

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
  const receipts = prefers(headers, "return=receipt");
  const idempotencyKey = readIdempotencyKey(headers);
  const { text, format } = await readBody(ctx);
  const { batch, events } = readEvents(text, format);
  ctx.annotate({ events: events.length });
  ctx.permit.take("events", events.length);
  const results = await ingest(
    log,
    events,
    { caller, idempotencyKey, address: readClientAddress(headers) },
    { atomic, representation: !batch, receipts },
    env,
  );
  ctx.annotate({
    ...countOutcomes(results),
    code: batch ? undefined : results[0].problem?.code,
  });
  const response = batch
    ? answerBatch(results, atomic)
    : answerSingle(log, results[0]);
  if (receipts) {
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

/**
 * The header in which the platform's edge states the client's address. It
 * overwrites what a client sends there; X-Forwarded-For it only appends to, so
 * a client could put any address in front.
 */
const TRUSTED_HEADER = "cf-connecting-ip";

const ADDRESS = z.union([z.ipv4(), z.ipv6()]);

/** The address that a request came from, or null when the edge did not say. */
export function readClientAddress(headers: Headers): string | null {
  return ADDRESS.safeParse(headers.get(TRUSTED_HEADER)).data ?? null;
}
