import * as z from "zod";
import { redactSecrets } from "../sensitive/secrets.ts";
import { flag, integer, moment, money, text, uuid } from "./fields.ts";
import type { Log } from "./log.ts";

const taskType = z.enum(
  ["extraction", "classification", "validation", "fallback"],
  "Expected extraction, classification, validation or fallback",
);

const event = z.strictObject({
  id: uuid().optional(),
  firm_id: uuid(),
  cma_project_id: uuid().optional(),
  model: text(256),
  task_type: taskType,
  input_tokens: integer(0),
  output_tokens: integer(0),
  cost_usd: money({ negative: false }),
  latency_ms: integer(0).optional(),
  success: z.boolean("Expected true or false").optional(),
  // Losing the row would be worse than losing the secret in it.
  error_message: text(16_384).transform(redactSecrets).optional(),
  created_at: moment().optional(),
}).refine(
  (event) => event.error_message === undefined || event.success === false,
  {
    path: ["error_message"],
    error:
      "A successful call has no error message; send success: false with it",
    // Checked whatever else is wrong, so that all faults come at once.
    when: () => true,
  },
);

/** What each LLM call of a firm consumed and cost. */
export const llmUsageLog: Log = {
  table: "llm_usage_log",
  recordFunction: "record_llm_usage_log",
  slug: "llm-usage",
  columns: Object.keys(event.shape),
  timeColumn: "created_at",
  event,
  userWrites: null,
  filters: {
    firm_id: uuid(),
    cma_project_id: uuid(),
    model: text(256),
    task_type: taskType,
    success: flag(),
  },
  minimums: { cost_usd: money({ negative: false }) },
  groups: ["model", "task_type", "firm_id", "cma_project_id", "success"],
};
