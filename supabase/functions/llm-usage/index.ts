import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { llmUsageLog } from "../../../shared/logs/llm-usage-log.ts";
import { usageRoutes } from "../../../shared/usage/routes.ts";

const environment = readEnvironment((name) => Deno.env.get(name));

export default {
  fetch: serveLog(llmUsageLog, environment, {
    document: () => import("./document.ts"),
    routes: usageRoutes,
  }),
} satisfies Deno.ServeDefaultExport;
