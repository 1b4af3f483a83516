import type { CallerContext } from "../http/context.ts";
import { readRecordParameters } from "../http/parameters.ts";
import { readBody } from "../http/read-body.ts";
import { ipAddress } from "../logs/fields.ts";
import type { Log } from "../logs/log.ts";
import { readIdempotencyKey } from "./ids.ts";
import { ingest } from "./ingest.ts";
import { readEvents } from "./read-events.ts";
import { answerBatch, answerSingle, countOutcomes } from "./results.ts";

/**
 * Answers `POST /<log>`: validates the events, writes the valid ones in one call, and
 * responds after the commit.
 *
 * @throws {ProblemError} when the request as a whole is invalid.
 * @throws {StoreError} when it is unknown whether the events were written.
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
  if (results.some(({ receipt }) => receipt !== undefined)) {
    response.headers.set("preference-applied", "return=receipt");
  }
  return response;
}

/** Whether a request states a preference (RFC 7240 §2), with any parameters. */
function prefers(headers: Headers, preference: string): boolean {
  return (headers.get("prefer") ?? "").split(",")
    .map((item) => item.split(";")[0].replaceAll(/[\s"]/g, "").toLowerCase())
    .includes(preference);
}

/**
 * The header in which the platform's edge sets the client's IP address. The edge
 * overwrites it, but only appends to X-Forwarded-For, which a client can forge.
 */
const CLIENT_ADDRESS_HEADER = "cf-connecting-ip";

const ADDRESS = ipAddress();

/** The IP address of the client, or null without the edge's header. */
function readClientAddress(headers: Headers): string | null {
  return ADDRESS.safeParse(headers.get(CLIENT_ADDRESS_HEADER)).data ?? null;
}
