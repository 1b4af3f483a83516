import type { Adapted } from "./adapters/adapter.ts";
import { isAuthHook } from "./adapters/auth.ts";
import { recordAdapted } from "./adapters/record-adapted.ts";
import { requireEnvironment } from "./http/access.ts";
import { overloaded } from "./http/admission.ts";
import { answerBatch, answerSingle, countOutcomes } from "./ingest/answer.ts";
import { requireKnown } from "./http/query.ts";
import { decodeText, readFormat } from "./http/read-body.ts";
import { type Route, route } from "./http/routes.ts";
import { serve } from "./http/serve.ts";
import { LOG_SLUGS, LOGS_BY_SLUG, type LogSlug } from "./logs/index.ts";
import type { Log } from "./logs/log.ts";
import {
  findSettingFaults,
  type WebhookSettings,
} from "./signatures/webhook-settings.ts";
import type { ResolvedEnvironment } from "./db/environment.ts";
import { answerHook } from "./webhooks/answer-hook.ts";
import { type Format, FORMATS } from "./webhooks/formats.ts";
import { type DeliveryContext, senderOf } from "./webhooks/require-sender.ts";

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
  const access = senderOf(signedBy, settings);
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
    ? await answerHook(ctx, text, record(ctx, format, log))
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
  adapted: Adapted,
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
