import type { ResolvedEnvironment } from "./db/environment.ts";
import { requireEnvironment } from "./http/access.ts";
import { requireKnown } from "./http/parameters.ts";
import { overloaded } from "./http/problem.ts";
import { decodeText, readFormat } from "./http/read-body.ts";
import { type Route, route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { answerBatch, answerSingle, countOutcomes } from "./ingest/results.ts";
import { LOG_SLUGS, LOGS_BY_SLUG, type LogSlug } from "./logs/index.ts";
import type { Log } from "./logs/log.ts";
import type { AdaptedDelivery, Adapter } from "./webhooks/adapter.ts";
import { respondToAuthHook } from "./webhooks/answer-auth-hook.ts";
import { adaptAuth, isAuthHook } from "./webhooks/auth.ts";
import { adaptCloudEvents } from "./webhooks/cloudevents.ts";
import { adaptDatabaseWebhook } from "./webhooks/database-webhook.ts";
import { adaptLitellm } from "./webhooks/litellm.ts";
import { adaptPortkey } from "./webhooks/portkey.ts";
import { recordAdapted } from "./webhooks/record-adapted.ts";
import {
  type DeliveryContext,
  isSigned,
  requireSender,
} from "./webhooks/require-sender.ts";
import {
  findSettingFaults,
  type WebhookSettings,
} from "./webhooks/signatures.ts";
import { adaptStandardWebhook } from "./webhooks/standard-webhook.ts";

/**
 * The fetch handler of webhooks: `POST /webhooks/<format>` turns a sender's payload into
 * events of the logs. The path determines the format, and the payload is not sniffed.
 * Invalid secrets are logged at startup.
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
    notFound: `The path is unknown; use ${paths.join(", ")}, where <log> is ${
      LOG_SLUGS.join(", ")
    }`,
  });
}

/** The routes of a format: one, or one per log where the path names the log. */
function routesOf(format: Format, settings: WebhookSettings): Route[] {
  const { name, signedBy } = format;
  // A login must continue even when the instance is too busy to record it; a Database
  // Webhook with a key can wait.
  const priority = signedBy === "auth" ? isSigned : undefined;
  const routeTo = (path: string, log: LogSlug) =>
    route(
      "POST",
      path,
      requireSender(signedBy, settings, LOGS_BY_SLUG[log]),
      (ctx) => receive(ctx, format, log),
      { priority },
    );
  return format.log === null
    ? LOG_SLUGS.map((log) => routeTo(`${name}/${log}`, log))
    : [routeTo(name, format.log)];
}

/** Records a delivery. The response to an Auth hook does not depend on the outcome. */
async function receive(
  ctx: DeliveryContext,
  format: Format,
  log: LogSlug,
): Promise<Response> {
  if (format.signedBy !== "auth") return await record(ctx, format, log);
  // Lenient here: recording the delivery refuses bytes that are not UTF-8.
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
  // A signed message is one event, so it has no neighbours to lose.
  const lenient = format.signedBy === undefined;
  const text = decodeText(ctx.bytes, { lenient });
  const delivery = { text, headers, query: ctx.query };
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
    // Nothing was created: 200 instead of 201.
    return new Response(answerBatch([], false).body, {
      headers: { "content-type": "application/json" },
    });
  }
  return batch ? answerBatch(results, false) : answerSingle(log, results[0]);
}

/** A payload format with its own path. */
type Format = {
  /** The first segment of the path. */
  name: string;
  adapt: Adapter;
  /** The log of the events; null when the second segment of the path names it. */
  log: LogSlug | null;
  /** The secrets that verify signatures, for a format that may be signed. */
  signedBy?: keyof WebhookSettings;
  /** Whether the adapter checks the media type. */
  anyMediaType?: boolean;
};

/** The formats, in the order of the detail of a 404. */
const FORMATS: readonly Format[] = [
  { name: "litellm", adapt: adaptLitellm, log: "llm-usage" },
  { name: "portkey", adapt: adaptPortkey, log: "llm-usage" },
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
