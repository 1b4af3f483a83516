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
import { placeOf } from "./endpoint/admission.ts";
import { countOutcomes } from "./endpoint/answer.ts";
import { authenticate } from "./endpoint/authenticate.ts";
import { answerPreflight } from "./endpoint/cors.ts";
import { requireService } from "./endpoint/prepare-events.ts";
import { createProblem, ProblemError } from "./endpoint/problem.ts";
import { readBytes } from "./endpoint/read-body.ts";
import { noteOn } from "./endpoint/request-notes.ts";
import { serve } from "./endpoint/serve.ts";
import { MAX_EXPORT_BYTES } from "./limits.ts";
import type { Environment, ResolvedEnvironment } from "./store/environment.ts";
import { lookUpRegistries } from "./store/look-up-registries.ts";

/**
 * An OTLP/HTTP receiver of traces (`POST /otlp/v1/traces`): spans of model calls
 * and of tools become rows, all others are ignored. Errors are google.rpc.Status
 * in the encoding of the request, as OTLP wants them.
 */
export function serveOtlp(
  environment: ResolvedEnvironment,
): (request: Request) => Promise<Response> {
  return serve("otlp", async (request) => {
    if (request.method === "OPTIONS") return answerPreflight(METHODS);
    return await receive(request, encodingOf(request), environment);
  }, {
    fail: (request, { problem: { status, detail }, headers }) =>
      respondFailure(encodingOf(request), status, detail, headers),
  });
}

function encodingOf({ headers }: Request) {
  return readOtlpEncoding(headers.get("content-type"));
}

const METHODS = "POST, PUT, OPTIONS";

async function receive(
  request: Request,
  encoding: ReturnType<typeof readOtlpEncoding>,
  environment: ResolvedEnvironment,
): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  requirePath(pathname);
  noteOn(request, { route: "traces" });
  // OpenRouter sends PUT when it is told to.
  if (!["POST", "PUT"].includes(request.method)) {
    throw new ProblemError(
      createProblem("method_not_allowed", "Traces are sent with POST"),
      { allow: METHODS },
    );
  }
  if (environment.error) throw environment.error;
  const env = environment.data;
  requireService(await authenticate(request, env), "send traces");
  const url = readUrlSettings(searchParams);
  const bytes = await readBytes(request, MAX_EXPORT_BYTES);
  if (encoding === null) {
    // The empty ping of a sender that is being set up.
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
  return respondExport(encoding, await recordReading(request, reading, env));
}

/** Records what was read; returns the spans that were not recorded. */
async function recordReading(
  request: Request,
  { modelCalls, toolUses, rejected }: TraceReading,
  env: Environment,
): Promise<Rejection[]> {
  const registries = await lookUpRegistries(collectNames(toolUses), env);
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
  placeOf(request)?.take("events", events.length);
  const unreadable = rejected.length + tools.rejected.length;
  noteOn(request, { events: events.length + unreadable });
  const results = await recordAdapted(events, env);
  const counts = countOutcomes(results);
  noteOn(request, { ...counts, rejected: counts.rejected + unreadable });
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

function requirePath(pathname: string): void {
  const [, ...path] = pathname.split("/").filter(Boolean);
  if (path.join("/") === "v1/traces") return;
  throw new ProblemError(createProblem(
    "not_found",
    "There is nothing at this path: traces are sent to /otlp/v1/traces",
  ));
}
