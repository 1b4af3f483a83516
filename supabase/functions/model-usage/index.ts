import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { modelUsageLog } from "../../../shared/logs/model-usage-log.ts";

const environment = readEnvironment((name) => Deno.env.get(name));

export default {
  fetch: serveLog(modelUsageLog, environment, {
    document: () => import("./document.ts"),
  }),
} satisfies Deno.ServeDefaultExport;
