import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { toolUsageLedger } from "../../../shared/logs/tool-usage-ledger.ts";

const environment = readEnvironment((name) => Deno.env.get(name));

export default {
  fetch: serveLog(toolUsageLedger, environment, {
    document: () => import("./document.ts"),
  }),
} satisfies Deno.ServeDefaultExport;
