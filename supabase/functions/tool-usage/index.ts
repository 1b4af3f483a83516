import { readEnvironment } from "../../../shared/endpoint/environment.ts";
import { serveLog } from "../../../shared/endpoint/serve-log.ts";
import { toolUsageLedger } from "../../../shared/logs/tool-usage-ledger.ts";

export default {
  fetch: serveLog(toolUsageLedger, readEnvironment()),
} satisfies Deno.ServeDefaultExport;
