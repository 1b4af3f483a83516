import type { Adapted, Delivery } from "../adapters/adapter.ts";
import { adaptAuth } from "../adapters/auth.ts";
import { adaptCloudEvents } from "../adapters/cloudevents.ts";
import { adaptDatabaseWebhook } from "../adapters/database-webhook.ts";
import { adaptLitellm } from "../adapters/litellm.ts";
import { adaptStandardWebhook } from "../adapters/standard-webhook.ts";
import { createProblem, ProblemError } from "../endpoint/problem.ts";
import { isLogSlug, LOG_SLUGS, type LogSlug } from "../logs/index.ts";
import type { WebhookSettings } from "../signatures/webhook-settings.ts";

/** A format that is understood at a path of its own. */
export type Format = {
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
 * The format that the path of a request chooses, the log that its events belong
 * to, and what the path is called in the function's log. Nothing is guessed from
 * the body.
 *
 * @throws {ProblemError} 404 for any other path.
 */
export function readFormatPath(
  pathname: string,
): { format: Format; log: LogSlug; route: string } {
  // The platform shows a function its own name as the first part of the path.
  const [, name = "", ...rest] = pathname.split("/").filter(Boolean);
  const format = FORMATS.get(name);
  const log = format?.log ?? rest[0] ?? "";
  const depth = format?.log === null ? 1 : 0;
  if (format && rest.length === depth && isLogSlug(log)) {
    return { format, log, route: [name, ...rest].join("/") };
  }
  throw new ProblemError(createProblem(
    "not_found",
    `There is nothing at this path. There are ${PATHS}, where <log> is ${
      LOG_SLUGS.join(", ")
    }`,
  ));
}
