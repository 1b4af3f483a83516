import { readEnvironment } from "../../../shared/endpoint/environment.ts";
import { serveLog } from "../../../shared/endpoint/serve-log.ts";
import { auditLog } from "../../../shared/logs/audit-log.ts";

export default {
  fetch: serveLog(auditLog, readEnvironment()),
} satisfies Deno.ServeDefaultExport;
