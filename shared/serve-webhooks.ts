import type { Adapted, AdaptedEvent, Delivery } from "./adapters/adapter.ts";
import type { LogSlug } from "./adapters/adapter.ts";
import { answerAuthHook } from "./adapters/answer-auth-hook.ts";
import { adaptAuth, isAuthHook } from "./adapters/auth.ts";
import { adaptCloudEvents } from "./adapters/cloudevents.ts";
import { adaptDatabaseWebhook } from "./adapters/database-webhook.ts";
import { adaptLitellm } from "./adapters/litellm.ts";
import { isLogSlug, LOGS } from "./adapters/logs-by-slug.ts";
import { QUERY_MEMBERS } from "./adapters/query-members.ts";
import { recordAdapted } from "./adapters/record-adapted.ts";
import { adaptStandardWebhook } from "./adapters/standard-webhook.ts";
import { answerBatch, answerSingle } from "./endpoint/answer.ts";
import { authenticate } from "./endpoint/authenticate.ts";
import { answerPreflight } from "./endpoint/cors.ts";
import { requireService } from "./endpoint/prepare-events.ts";
import { createProblem, ProblemError } from "./endpoint/problem.ts";
import { requireKnown } from "./endpoint/query.ts";
import { decodeText, readBytes, readFormat } from "./endpoint/read-body.ts";
import { type Report, serve } from "./endpoint/serve.ts";
import { AUTH_HOOK_TIMEOUT_MS } from "./limits.ts";
import { verifySignature } from "./signatures/standard-webhooks.ts";
import {
  findSettingFaults,
  SECRET_VARIABLES,
  type WebhookSettings,
} from "./signatures/webhook-settings.ts";
import type { Environment, ResolvedEnvironment } from "./store/environment.ts";

/** A format that is understood at a path of its own. */
type Format = {
  adapt: (delivery: Delivery, log: LogSlug) => Promise<Adapted>;
  /** The log that its events belong to; null when the path names one. */
  log: LogSlug | null;
  /** Which secrets verify its signatures, when it may be signed. */
  signedBy?: keyof WebhookSettings;
  /** The media type is the adapter's business. */
  anyMediaType?: boolean;
};

const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ["litellm", { adapt: adaptLitellm, log: "llm-usage" }],
  ["database", { adapt: adaptDatabaseWebhook, log: "audit" }],
  ["auth", { adapt: adaptAuth, log: "audit", signedBy: "auth" }],
  ["standard", {
    adapt: adaptStandardWebhook,
    log: null,
    signedBy: "standard",
  }],
  ["cloudevents", { adapt: adaptCloudEvents, log: null, anyMediaType: true }],
]);

const PATHS = [...FORMATS].map(([name, { log }]) =>
  `/webhooks/${name}${log === null ? "/<log>" : ""}`
).join(", ");

/**
 * The target of webhooks: `POST /webhooks/<format>` turns what a sender says into
 * events of the logs. The path chooses the format; nothing is guessed.
 */
export function serveWebhooks(
  environment: ResolvedEnvironment,
  settings: WebhookSettings,
): (request: Request) => Promise<Response> {
  for (const fault of findSettingFaults(settings)) console.error(fault);
  return serve("webhooks", async (request, report) => {
    const { format, log } = readPath(request);
    if (request.method === "OPTIONS") return answerPreflight("POST, OPTIONS");
    if (request.method !== "POST") throw refuseMethod();
    if (environment.error) throw environment.error;
    const env = environment.data;
    const { searchParams } = new URL(request.url);
    const bytes = await readBytes(request);
    await requireSender(request, bytes, format, settings, env);
    if (!format.anyMediaType) readFormat(request.headers.get("content-type"));
    const { headers } = request;
    const delivery = { text: decodeText(bytes), headers, query: searchParams };
    const work = async () => {
      requireKnown(searchParams, [...QUERY_MEMBERS[log]]);
      return await answer(await format.adapt(delivery, log), env);
    };
    return format.signedBy === "auth" && isAuthHook(delivery.text)
      ? await answerHook(delivery.text, work(), report)
      : await work();
  });
}

async function answer(
  { batch, events }: Adapted,
  env: Environment,
): Promise<Response> {
  const results = await recordAdapted(events, env, { representation: !batch });
  return batch || results.length === 0
    ? answerBatch(results, false)
    : answerSingle(logOf(results[0].adapted), results[0]);
}

/** Whatever became of the event, Auth goes on: a log must not lock anybody out. */
async function answerHook(
  text: string,
  work: Promise<Response>,
  report: Report,
): Promise<Response> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    const error = new Error("recording an Auth hook took too long");
    timer = setTimeout(() => reject(error), AUTH_HOOK_TIMEOUT_MS);
  });
  const outcome = await Promise.race([work, late]).catch(report);
  clearTimeout(timer);
  if (outcome && !outcome.ok) {
    report(new Error(`an Auth hook was not recorded: ${await outcome.text()}`));
  }
  const { status, headers, body } = answerAuthHook(text);
  return new Response(body, { status, headers });
}

function logOf({ log }: AdaptedEvent) {
  return LOGS[log];
}

function readPath(request: Request): { format: Format; log: LogSlug } {
  const [, name = "", ...rest] = new URL(request.url).pathname.split("/")
    .filter(Boolean);
  const format = FORMATS.get(name);
  const log = format?.log ?? rest[0];
  const depth = format?.log === null ? 1 : 0;
  if (!format || rest.length !== depth || !isLogSlug(log ?? "")) {
    throw new ProblemError(createProblem(
      "not_found",
      `There is nothing at this path. There are ${PATHS}, where <log> is ${
        Object.keys(LOGS).join(", ")
      }`,
    ));
  }
  return { format, log: log as LogSlug };
}

/** A secret key or a signature, never neither. */
async function requireSender(
  request: Request,
  body: Uint8Array<ArrayBuffer>,
  { signedBy }: Format,
  settings: WebhookSettings,
  env: Environment,
): Promise<void> {
  const isSigned = request.headers.has("webhook-signature");
  if (!signedBy || (!isSigned && request.headers.has("apikey"))) {
    requireService(await authenticate(request, env), "push webhooks");
    return;
  }
  const secrets = settings[signedBy];
  if (secrets?.error) {
    throw new Error(`${SECRET_VARIABLES[signedBy]}: ${secrets.error}`);
  }
  const { headers } = request;
  const { ok, reason } = await verifySignature(
    { headers, body },
    secrets?.secrets ?? [],
    new Date(),
  );
  if (ok) return;
  const detail = {
    no_secrets: `No secret is set up for signatures here: set ${
      SECRET_VARIABLES[signedBy]
    }, or send a secret API key in the apikey header`,
    missing_headers:
      "Sign the request (webhook-id, webhook-timestamp, webhook-signature), or send a secret API key in the apikey header",
    malformed_headers: "The signature's headers cannot be read",
    too_old: "The signature is more than five minutes old",
    too_new: "The signature's time lies more than five minutes in the future",
    wrong_signature:
      "The signature is not one that a secret of this endpoint makes",
  }[reason];
  const code = reason === "missing_headers"
    ? "missing_credentials"
    : "invalid_credentials";
  throw new ProblemError(createProblem(code, detail));
}

function refuseMethod(): ProblemError {
  return new ProblemError(
    createProblem("method_not_allowed", "Webhooks are sent with POST"),
    { allow: "POST, OPTIONS" },
  );
}
