import type { Adapted, AdaptedEvent } from "./adapters/adapter.ts";
import { isAuthHook } from "./adapters/auth.ts";
import { recordAdapted } from "./adapters/record-adapted.ts";
import { overloaded, placeOf } from "./endpoint/admission.ts";
import { answerBatch, answerSingle, countOutcomes } from "./endpoint/answer.ts";
import { authenticate } from "./endpoint/authenticate.ts";
import { answerPreflight } from "./endpoint/cors.ts";
import { requireService } from "./endpoint/prepare-events.ts";
import { createProblem, ProblemError } from "./endpoint/problem.ts";
import { requireKnown } from "./endpoint/query.ts";
import { decodeText, readBytes, readFormat } from "./endpoint/read-body.ts";
import { noteOn } from "./endpoint/request-notes.ts";
import { type Report, serve } from "./endpoint/serve.ts";
import { LOGS_BY_SLUG, type LogSlug } from "./logs/index.ts";
import {
  findSettingFaults,
  type WebhookSettings,
} from "./signatures/webhook-settings.ts";
import type { Environment, ResolvedEnvironment } from "./store/environment.ts";
import { answerHook } from "./webhooks/answer-hook.ts";
import { type Format, readFormatPath } from "./webhooks/formats.ts";
import { isSigned, requireSignature } from "./webhooks/require-sender.ts";

/** What a function was started with. */
type Setup = { environment: ResolvedEnvironment; settings: WebhookSettings };

const METHODS = "POST, OPTIONS";

/**
 * The target of webhooks: `POST /webhooks/<format>` turns what a sender says into
 * events of the logs. The path chooses the format; nothing is guessed. Secrets
 * that cannot be used are told to the function's log when it starts.
 */
export function serveWebhooks(
  environment: ResolvedEnvironment,
  settings: WebhookSettings,
): (request: Request) => Promise<Response> {
  for (const fault of findSettingFaults(settings)) console.error(fault);
  return serve("webhooks", async (request, report) => {
    const { pathname } = new URL(request.url);
    const { format, log, route } = readFormatPath(pathname);
    noteOn(request, { route });
    if (request.method === "OPTIONS") return answerPreflight(METHODS);
    if (request.method !== "POST") {
      throw new ProblemError(
        createProblem("method_not_allowed", "Webhooks are sent with POST"),
        { allow: METHODS },
      );
    }
    const bytes = await receive(request, format, { environment, settings });
    const recording = () => record(request, bytes, format, log, environment);
    return await answer(request, bytes, format, recording, report);
  }, { isUrgent: isForAuth });
}

/** Auth is told to go on even when there is too much in progress to record. */
function isForAuth({ url }: Request): boolean {
  return new URL(url).pathname.split("/").filter(Boolean)[1] === "auth";
}

/** The body of a request whose sender has a secret key or signed it. */
async function receive(
  request: Request,
  format: Format,
  { environment, settings }: Setup,
): Promise<Uint8Array<ArrayBuffer>> {
  if (isSigned(request, format)) {
    const bytes = await readBytes(request);
    const { headers } = request;
    await requireSignature(headers, bytes, format.signedBy!, settings);
    noteOn(request, { caller: `signature:${format.signedBy}` });
    return bytes;
  }
  const caller = await authenticate(request, requireEnvironment(environment));
  requireService(caller, "push webhooks");
  return await readBytes(request);
}

/** Auth waits for an answer of its own, in which the outcome does not show. */
async function answer(
  request: Request,
  bytes: Uint8Array<ArrayBuffer>,
  format: Format,
  recording: () => Promise<Response>,
  report: Report,
): Promise<Response> {
  if (format.signedBy !== "auth") return await recording();
  // What is no UTF-8 is refused when it is to be recorded.
  const text = new TextDecoder().decode(bytes);
  return isAuthHook(text)
    ? await answerHook(request, text, recording(), report)
    : await recording();
}

async function record(
  request: Request,
  bytes: Uint8Array<ArrayBuffer>,
  format: Format,
  log: LogSlug,
  environment: ResolvedEnvironment,
): Promise<Response> {
  if (placeOf(request)?.isSpare) throw overloaded();
  const { headers } = request;
  if (!format.anyMediaType) readFormat(headers.get("content-type"));
  const query = new URL(request.url).searchParams;
  requireKnown(query, [...LOGS_BY_SLUG[log].urlDefaults]);
  const delivery = { text: decodeText(bytes), headers, query };
  const adapted = await format.adapt(delivery, log);
  return await recordAll(request, adapted, requireEnvironment(environment));
}

async function recordAll(
  request: Request,
  { batch, events }: Adapted,
  env: Environment,
): Promise<Response> {
  noteOn(request, { events: events.length });
  placeOf(request)?.take("events", events.length);
  const results = await recordAdapted(events, env, { representation: !batch });
  noteOn(request, {
    ...countOutcomes(results),
    code: batch ? undefined : results[0]?.problem?.code,
  });
  if (results.length === 0) {
    // Nothing was made, so that this is no 201.
    return new Response(answerBatch([], false).body, {
      headers: { "content-type": "application/json" },
    });
  }
  return batch
    ? answerBatch(results, false)
    : answerSingle(logOf(results[0].adapted), results[0]);
}

function logOf({ log }: AdaptedEvent) {
  return LOGS_BY_SLUG[log];
}

function requireEnvironment(environment: ResolvedEnvironment): Environment {
  if (environment.error) throw environment.error;
  return environment.data;
}
