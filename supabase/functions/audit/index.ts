import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { auditLog } from "../../../shared/logs/audit-log.ts";

export default {
  fetch: serveLog(auditLog, readEnvironment((name) => Deno.env.get(name))),
} satisfies Deno.ServeDefaultExport;
