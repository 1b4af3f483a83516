import type { Adapter } from "../adapters/adapter.ts";
import { adaptAuth } from "../adapters/auth.ts";
import { adaptCloudEvents } from "../adapters/cloudevents.ts";
import { adaptDatabaseWebhook } from "../adapters/database-webhook.ts";
import { adaptLitellm } from "../adapters/litellm.ts";
import { adaptStandardWebhook } from "../adapters/standard-webhook.ts";
import type { LogSlug } from "../logs/index.ts";
import type { WebhookSettings } from "../signatures/webhook-settings.ts";

/** A format that has a path of its own. */
export type Format = {
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
export const FORMATS: readonly Format[] = [
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
