import type { AdaptedEvent } from "./adapters/adapter.ts";
import {
  type AdaptedResult,
  recordAdapted,
} from "./adapters/record-adapted.ts";
import {
  collectNames,
  completeToolUses,
} from "./adapters/otlp/complete-tool-uses.ts";
import { readOtlpEncoding } from "./adapters/otlp/encoding.ts";
import { explainFaults } from "./adapters/otlp/explain-rejections.ts";
import { readUrlSettings } from "./adapters/otlp/ledger-settings.ts";
import {
  readTraces,
  type TraceReading,
} from "./adapters/otlp/receive-traces.ts";
import { respondExport, respondFailure } from "./adapters/otlp/respond.ts";
import type { Rejection } from "./adapters/otlp/span.ts";
import { serviceOnly } from "./endpoint/access.ts";
import { countOutcomes } from "./endpoint/answer.ts";
import type { CallerContext } from "./endpoint/context.ts";
import { createProblem, ProblemError } from "./endpoint/problem.ts";
import { readBytes } from "./endpoint/read-body.ts";
import { route } from "./endpoint/routes.ts";
import { serve } from "./endpoint/serve.ts";
import { MAX_EXPORT_BYTES } from "./limits.ts";
import type { ResolvedEnvironment } from "./store/environment.ts";
import { lookUpRegistries } from "./store/look-up-registries.ts";

/**
 * An OTLP/HTTP receiver of traces (`POST /otlp/v1/traces`): spans of model calls
 * and of tools become rows, all others are ignored. Errors are google.rpc.Status
 * in the encoding of the request, as OTLP wants them.
 */
export function serveOtlp(
  environment: ResolvedEnvironment,
): (request: Request) => Promise<Response> {
  const receiveTraces = (method: "POST" | "PUT") =>
    route({
      method,
      path: "v1/traces",
      name: "traces",
      access: serviceOnly("send traces"),
      handler: receive,
    });
  return serve({
    name: "otlp",
    environment,
    // OpenRouter can be set to send PUT.
    routes: [receiveTraces("POST"), receiveTraces("PUT")],
    notFound:
      "There is nothing at this path: traces are sent to /otlp/v1/traces",
    fail: (request, { problem: { status, detail }, headers }) =>
      respondFailure(encodingOf(request), status, detail, headers),
  });
}

function encodingOf({ headers }: Request) {
  return readOtlpEncoding(headers.get("content-type"));
}

async function receive(ctx: CallerContext): Promise<Response> {
  const encoding = encodingOf(ctx.request);
  const url = readUrlSettings(ctx.query);
  const bytes = await readBytes(ctx, MAX_EXPORT_BYTES);
  if (encoding === null) {
    // A sender that is being set up tests the connection with an empty body.
    if (bytes.length === 0) return respondExport("json", []);
    throw new ProblemError(createProblem(
      "unsupported_media_type",
      "The Content-Type is not supported: send application/x-protobuf or application/json",
    ));
  }
  const reading = await readTraces(bytes, encoding, url);
  if ("fault" in reading) {
    return respondFailure(
      encoding,
      reading.fault.status,
      reading.fault.message,
    );
  }
  return respondExport(encoding, await recordReading(ctx, reading));
}

/** Records what was read; returns the spans that were not recorded. */
async function recordReading(
  ctx: CallerContext,
  { modelCalls, toolUses, rejected }: TraceReading,
): Promise<Rejection[]> {
  const registries = await lookUpRegistries(collectNames(toolUses), ctx.env);
  const tools = completeToolUses(toolUses, registries);
  const spans = [
    ...modelCalls.map((call) => ({ ...call, log: "llm-usage" as const })),
    ...tools.uses.map((use) => ({ ...use, log: "tool-usage" as const })),
  ];
  const events = spans.map(({ log, event }): AdaptedEvent => ({
    log,
    event,
    faults: [],
    decides: true,
    origins: listOrigins(event),
  }));
  ctx.permit.take("events", events.length);
  const unreadable = rejected.length + tools.rejected.length;
  ctx.annotate({ events: events.length + unreadable });
  const results = await recordAdapted(events, ctx.env);
  const counts = countOutcomes(results);
  ctx.annotate({ ...counts, rejected: counts.rejected + unreadable });
  const refused = results.flatMap((result) => {
    const reason = explainResult(result);
    return reason ? [{ spanId: spans[result.index].spanId, reason }] : [];
  });
  return [...rejected, ...tools.rejected, ...refused];
}

/** Each member comes from itself; `explainFaults` names its attribute. */
function listOrigins(event: Record<string, unknown>): Record<string, string> {
  const origins = Object.keys(event).map((member) => [member, `/${member}`]);
  return {
    // The column that the reported cost becomes.
    ..."reported_cost_usd" in event && { cost_usd: "/reported_cost_usd" },
    ...Object.fromEntries(origins),
  };
}

function explainResult({ problem }: AdaptedResult): string | null {
  if (!problem) return null;
  if (problem.errors) return explainFaults(problem.errors);
  return "This span was recorded before with different content, and a recorded row never changes";
}
