import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { llmUsageLog } from "../../../shared/logs/llm-usage-log.ts";
import { usageRoutes } from "../../../shared/usage/routes.ts";

export default {
  fetch: serveLog(
    llmUsageLog,
    readEnvironment((name) => Deno.env.get(name)),
    usageRoutes,
  ),
} satisfies Deno.ServeDefaultExport;
