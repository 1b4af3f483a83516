import type { AdaptedDelivery, Adapter } from "./webhooks/adapter.ts";
import { adaptAuth, isAuthHook } from "./webhooks/auth.ts";
import { recordAdapted } from "./webhooks/record-adapted.ts";
import { requireEnvironment } from "./http/access.ts";
import { overloaded } from "./http/admission.ts";
import { answerBatch, answerSingle, countOutcomes } from "./ingest/results.ts";
import { requireKnown } from "./http/parameters.ts";
import { decodeText, readFormat } from "./http/read-body.ts";
import { type Route, route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { LOG_SLUGS, LOGS_BY_SLUG, type LogSlug } from "./logs/index.ts";
import type { Log } from "./logs/log.ts";
import {
  findSettingFaults,
  type WebhookSettings,
} from "./webhooks/signatures.ts";
import type { ResolvedEnvironment } from "./db/environment.ts";
import { respondToAuthHook } from "./webhooks/answer-auth-hook.ts";
import {
  type DeliveryContext,
  requireSender,
} from "./webhooks/require-sender.ts";
import { adaptCloudEvents } from "./webhooks/cloudevents.ts";
import { adaptDatabaseWebhook } from "./webhooks/database-webhook.ts";
import { adaptLitellm } from "./webhooks/litellm.ts";
import { adaptStandardWebhook } from "./webhooks/standard-webhook.ts";

/**
 * The target of webhooks: `POST /webhooks/<format>` adapts a sender's payload to
 * events of the logs. The path chooses the format; nothing is guessed. Secrets
 * that cannot be used are logged at the start.
 */
export function serveWebhooks(
  environment: ResolvedEnvironment,
  settings: WebhookSettings,
): (request: Request) => Promise<Response> {
  for (const fault of findSettingFaults(settings)) console.error(fault);
  const paths = FORMATS.map(({ name, log }) =>
    `/webhooks/${name}${log === null ? "/<log>" : ""}`
  );
  return serve({
    name: "webhooks",
    environment,
    routes: FORMATS.flatMap((format) => routesOf(format, settings)),
    notFound: `There is nothing at this path. There are ${
      paths.join(", ")
    }, where <log> is ${LOG_SLUGS.join(", ")}`,
  });
}

/** One route, or one per log for a format whose path names the log. */
function routesOf(format: Format, settings: WebhookSettings): Route[] {
  const { name, signedBy } = format;
  const access = requireSender(signedBy, settings);
  // A login continues even when the instance is too busy to record it.
  const priority = signedBy === "auth";
  const routeTo = (path: string, log: LogSlug) =>
    route("POST", path, access, (ctx) => receive(ctx, format, log), {
      priority,
    });
  return format.log === null
    ? LOG_SLUGS.map((log) => routeTo(`${name}/${log}`, log))
    : [routeTo(name, format.log)];
}

/** Records a delivery. The response to an Auth hook does not show the outcome. */
async function receive(
  ctx: DeliveryContext,
  format: Format,
  log: LogSlug,
): Promise<Response> {
  if (format.signedBy !== "auth") return await record(ctx, format, log);
  // Bytes that are not UTF-8 are refused when they are to be recorded.
  const text = new TextDecoder().decode(ctx.bytes);
  return isAuthHook(text)
    ? await respondToAuthHook(ctx, text, record(ctx, format, log))
    : await record(ctx, format, log);
}

async function record(
  ctx: DeliveryContext,
  format: Format,
  log: LogSlug,
): Promise<Response> {
  if (ctx.permit.overCapacity) throw overloaded();
  const { headers } = ctx.request;
  if (!format.anyMediaType) readFormat(headers.get("content-type"));
  requireKnown(ctx.query, [...LOGS_BY_SLUG[log].urlDefaults]);
  const delivery = { text: decodeText(ctx.bytes), headers, query: ctx.query };
  return await recordAll(
    ctx,
    LOGS_BY_SLUG[log],
    await format.adapt(delivery, log),
  );
}

async function recordAll(
  ctx: DeliveryContext,
  log: Log,
  adapted: AdaptedDelivery,
): Promise<Response> {
  const { batch, events } = adapted;
  ctx.annotate({ events: events.length });
  ctx.permit.take("events", events.length);
  const env = requireEnvironment(ctx);
  const results = await recordAdapted(log, adapted, {
    caller: ctx.caller,
    env,
  });
  ctx.annotate({
    ...countOutcomes(results),
    code: batch ? undefined : results[0]?.problem?.code,
  });
  if (results.length === 0) {
    // Nothing was created, so this is not a 201.
    return new Response(answerBatch([], false).body, {
      headers: { "content-type": "application/json" },
    });
  }
  return batch ? answerBatch(results, false) : answerSingle(log, results[0]);
}

/** A format that has a path of its own. */
type Format = {
  /** The first part of its path. */
  name: string;
  adapt: Adapter;
  /** The log of its events; null when the second part of the path names it. */
  log: LogSlug | null;
  /** Which secrets verify its signatures, when it may be signed. */
  signedBy?: keyof WebhookSettings;
  /** The adapter checks the media type. */
  anyMediaType?: boolean;
};

/** Every format, in the order in which a 404 lists them. */
const FORMATS: readonly Format[] = [
  { name: "litellm", adapt: adaptLitellm, log: "llm-usage" },
  { name: "database", adapt: adaptDatabaseWebhook, log: "audit" },
  { name: "auth", adapt: adaptAuth, log: "audit", signedBy: "auth" },
  {
    name: "standard",
    adapt: adaptStandardWebhook,
    log: null,
    signedBy: "standard",
  },
  {
    name: "cloudevents",
    adapt: adaptCloudEvents,
    log: null,
    anyMediaType: true,
  },
];
