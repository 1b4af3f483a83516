import { readEnvironment } from "../../../shared/endpoint/environment.ts";
import { serveLog } from "../../../shared/endpoint/serve-log.ts";
import { llmUsageLog } from "../../../shared/logs/llm-usage-log.ts";

export default {
  fetch: serveLog(llmUsageLog, readEnvironment()),
} satisfies Deno.ServeDefaultExport;
