import { readEnvironment } from "../../../shared/endpoint/environment.ts";
import { serveLog } from "../../../shared/endpoint/serve-log.ts";
import { modelUsageLog } from "../../../shared/logs/model-usage-log.ts";

export default {
  fetch: serveLog(modelUsageLog, readEnvironment()),
} satisfies Deno.ServeDefaultExport;
