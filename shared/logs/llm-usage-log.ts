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
  error_message: text(16_384)
    .describe("Only with success: false. Secrets in it are redacted.")
    .transform(redactSecrets).pipe(z.string()).optional(),
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
  description: "What each LLM call of a firm consumed and cost",
  table: "llm_usage_log",
  recordFunction: "record_llm_usage_log",
  slug: "llm-usage",
  columns: Object.keys(event.shape),
  timeColumn: "created_at",
  event,
  example: {
    id: "70000000-0000-4000-8000-000000000001",
    firm_id: "10000000-0000-4000-8000-000000000001",
    cma_project_id: "30000000-0000-4000-8000-000000000001",
    model: "gemini-2.0-flash",
    task_type: "extraction",
    input_tokens: 1200,
    output_tokens: 80,
    cost_usd: "0.000124",
    latency_ms: 912,
    success: true,
    created_at: "2026-01-31T12:00:00.123456+00:00",
  },
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
