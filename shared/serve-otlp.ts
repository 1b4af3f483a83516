import type { ResolvedEnvironment } from "./db/environment.ts";
import type { Caller } from "./db/call-function.ts";
import { lookUpRegistries } from "./db/read-log.ts";
import { writerOf } from "./http/access.ts";
import type { CallerContext } from "./http/context.ts";
import { createProblem, ProblemError } from "./http/problem.ts";
import { readBytes } from "./http/read-body.ts";
import { route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { ingest } from "./ingest/ingest.ts";
import { countOutcomes, type EventResult } from "./ingest/results.ts";
import { MAX_EVENTS, MAX_EXPORT_BYTES } from "./limits.ts";
import { llmUsageLog } from "./logs/llm-usage-log.ts";
import type { Log, LogEvent } from "./logs/log.ts";
import { toolUsageLedger } from "./logs/tool-usage-ledger.ts";
import { LEDGER_NAMES, readUrlSettings } from "./otlp/attributes.ts";
import { correctUrl } from "./otlp/endpoint-url.ts";
import {
  readOtlpEncoding,
  readTraces,
  type TraceReading,
} from "./otlp/receive-traces.ts";
import {
  explainIssues,
  type ExportNotes,
  respondExport,
  respondFailure,
} from "./otlp/respond.ts";
import type { Rejection } from "./otlp/span.ts";
import { collectNames, completeToolUses } from "./otlp/tool-uses.ts";

/** The event of a span, not validated yet. */
type SpanEvent = { spanId: string; event: LogEvent };

/**
 * The fetch handler of an OTLP/HTTP receiver of traces (`POST /otlp/v1/traces`): spans
 * of model calls and of tools become rows, others are ignored. Errors are
 * google.rpc.Status in the encoding of the request, as OTLP specifies.
 */
export function serveOtlp(
  environment: ResolvedEnvironment,
): (request: Request) => Promise<Response> {
  const sender = writerOf(llmUsageLog, {
    purpose: "send traces",
    users: false,
    parameters: LEDGER_NAMES,
  });
  const handle = serve({
    name: "otlp",
    environment,
    routes: [
      route("POST", "v1/traces", sender, receive, { name: "traces" }),
      // OpenRouter can be configured to send PUT.
      route("PUT", "v1/traces", sender, receive, { name: "traces" }),
    ],
    notFound: "The path is unknown; send traces to /otlp/v1/traces",
    fail: (request, { problem: { status, detail }, headers }) =>
      respondFailure(encodingOf(request), status, detail, headers),
  });
  return (request) => {
    const url = correctUrl(request.url);
    return handle(url === null ? request : new Request(url, request));
  };
}

function encodingOf({ headers }: Request) {
  return readOtlpEncoding(headers.get("content-type"));
}

async function receive(ctx: CallerContext): Promise<Response> {
  const encoding = encodingOf(ctx.request);
  const url = readUrlSettings(ctx.query);
  const bytes = await readBytes(ctx, { maxBytes: MAX_EXPORT_BYTES });
  if (encoding === null) {
    // Senders test the connection with an empty body.
    if (bytes.length === 0) return respondExport("json", []);
    throw new ProblemError(createProblem(
      "unsupported_media_type",
      "The Content-Type is not supported; send application/x-protobuf or application/json",
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
  const { rejected, ...notes } = await recordReading(ctx, reading);
  return respondExport(encoding, rejected, notes);
}

/** Records the events of an export. */
async function recordReading(
  ctx: CallerContext,
  { modelCalls, toolUses, rejected, hint }: TraceReading,
): Promise<ExportNotes & { rejected: Rejection[] }> {
  const registries = await lookUpRegistries(collectNames(toolUses), ctx.env);
  const tools = selectPermitted(
    ctx.caller,
    completeToolUses(toolUses, registries),
  );
  const count = modelCalls.length + tools.uses.length;
  ctx.permit.take("events", count);
  const unreadable = rejected.length + tools.rejected.length;
  ctx.annotate({ events: count + unreadable });
  const calls = await recordSpans(ctx, llmUsageLog, modelCalls);
  const uses = await recordSpans(ctx, toolUsageLedger, tools.uses);
  const counts = countOutcomes([...calls, ...uses]);
  ctx.annotate({ ...counts, rejected: counts.rejected + unreadable });
  return {
    rejected: [
      ...rejected,
      ...tools.rejected,
      ...explainResults(modelCalls, calls),
      ...explainResults(tools.uses, uses),
    ],
    warnings: explainWarnings(modelCalls, calls),
    hint,
  };
}

/** The tool uses that the caller may record; without a key for them, all are rejected. */
function selectPermitted(
  caller: Caller,
  { uses, rejected }: ReturnType<typeof completeToolUses>,
): ReturnType<typeof completeToolUses> {
  const isPermitted = caller.kind !== "producer" ||
    caller.key.logs.includes(toolUsageLedger.table);
  if (isPermitted) return { uses, rejected };
  const reason =
    `The producer key is not for ${toolUsageLedger.table}; create one with npm run keys -- create --logs llm-usage,tool-usage`;
  const refused = uses.map(({ spanId }) => ({ spanId, reason }));
  return { uses: [], rejected: [...rejected, ...refused] };
}

/** Records the events of spans, `MAX_EVENTS` per call; results are in their order. */
async function recordSpans(
  { caller, env }: CallerContext,
  log: Log,
  spans: readonly SpanEvent[],
): Promise<EventResult[]> {
  const results: EventResult[] = [];
  for (let from = 0; from < spans.length; from += MAX_EVENTS) {
    const events = spans.slice(from, from + MAX_EVENTS).map(({ event }) => ({
      value: event,
      issues: [],
      adapterMembers: true,
    }));
    results.push(
      ...await ingest(
        log,
        events,
        { caller, idempotencyKey: null, address: null },
        { representation: false },
        env,
      ),
    );
  }
  return results;
}

/** The reason for each rejected span. */
function explainResults(
  spans: readonly SpanEvent[],
  results: readonly EventResult[],
): Rejection[] {
  return results.flatMap(({ problem }, index) => {
    if (!problem) return [];
    const reason = problem.errors
      ? explainIssues(problem.errors)
      : "The span is recorded with different content, and recorded rows never change; send new content as a new span";
    return [{ spanId: spans[index].spanId, reason }];
  });
}

/** The warnings about a cost that is unknown or a floor, the most important first. */
const COST_WARNINGS = [
  "usage_missing",
  "unpriced",
  "usage_unread",
  "partly_unpriced",
];

/** The first of `COST_WARNINGS` about each recorded span. */
function explainWarnings(
  spans: readonly SpanEvent[],
  results: readonly EventResult[],
): Rejection[] {
  return results.flatMap(({ warnings = [] }, index) => {
    const found = COST_WARNINGS
      .map((code) => warnings.find((warning) => warning.code === code))
      .find((warning) => warning !== undefined);
    return found === undefined
      ? []
      : [{ spanId: spans[index].spanId, reason: found.detail }];
  });
}
