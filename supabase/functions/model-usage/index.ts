import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { modelUsageLog } from "../../../shared/logs/model-usage-log.ts";

export default {
  fetch: serveLog(modelUsageLog, readEnvironment((name) => Deno.env.get(name))),
} satisfies Deno.ServeDefaultExport;
