import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveWebhooks } from "../../../shared/serve-webhooks.ts";
import { readWebhookSettings } from "../../../shared/webhooks/signatures.ts";

export default {
  fetch: serveWebhooks(
    readEnvironment((name) => Deno.env.get(name)),
    readWebhookSettings((name) => Deno.env.get(name)),
  ),
} satisfies Deno.ServeDefaultExport;
