import { auditLog } from "../logs/audit-log.ts";
import { llmUsageLog } from "../logs/llm-usage-log.ts";
import type { Log } from "../logs/log.ts";
import { modelUsageLog } from "../logs/model-usage-log.ts";
import { toolUsageLedger } from "../logs/tool-usage-ledger.ts";
import type { LogSlug } from "./adapter.ts";

/** Every log, by the slug that a webhook's URL names it with. */
export const LOGS: Record<LogSlug, Log> = {
  "llm-usage": llmUsageLog,
  "tool-usage": toolUsageLedger,
  "model-usage": modelUsageLog,
  "audit": auditLog,
};

/** Whether a part of a path names a log. */
export function isLogSlug(text: string): text is LogSlug {
  return Object.hasOwn(LOGS, text);
}
