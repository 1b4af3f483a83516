import { readEnvironment } from "../../../shared/db/environment.ts";
import { serveLog } from "../../../shared/serve-log.ts";
import { auditLog } from "../../../shared/logs/audit-log.ts";

const environment = readEnvironment((name) => Deno.env.get(name));

export default {
  fetch: serveLog(auditLog, environment, {
    document: () => import("./document.ts"),
  }),
} satisfies Deno.ServeDefaultExport;
