import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { toolUsageLedger } from "../../../shared/logs/tool-usage-ledger.ts";

export default {
  fetch: serveLog(
    toolUsageLedger,
    readEnvironment((name) => Deno.env.get(name)),
  ),
} satisfies Deno.ServeDefaultExport;
