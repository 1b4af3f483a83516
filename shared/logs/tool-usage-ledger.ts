import * as z from "zod";
import { MAX_INTEGER } from "../limits.ts";
import { integer, money, timestamp, uuid } from "./fields.ts";
import { defineLog, plain } from "./log.ts";

const event = z.strictObject({
  id: uuid().optional(),
  agent_id: uuid(),
  venture_id: uuid().optional(),
  tool_id: uuid(),
  // Negative tokens and cost reverse an earlier entry.
  tokens_consumed: integer(-MAX_INTEGER).optional(),
  cost_usd: money({ negative: true }).optional(),
  execution_ms: integer(0).optional(),
  created_at: timestamp().optional(),
});

/** What each use of a tool by an agent consumed and cost. */
export const toolUsageLedger = defineLog({
  description: "What each use of a tool by an agent consumed and cost",
  table: "tool_usage_ledger",
  slug: "tool-usage",
  columns: Object.keys(event.shape),
  leaf: [
    plain("agent_id", "uuid"),
    plain("venture_id", "uuid"),
    plain("tool_id", "uuid"),
    plain("tokens_consumed", "integer"),
    plain("cost_usd", "numeric"),
    plain("execution_ms", "integer"),
    plain("created_at", "timestamptz"),
  ],
  timeColumn: "created_at",
  event,
  example: {
    id: "70000000-0000-4000-8000-000000000001",
    agent_id: "40000000-0000-4000-8000-000000000001",
    venture_id: "60000000-0000-4000-8000-000000000001",
    tool_id: "50000000-0000-4000-8000-000000000001",
    tokens_consumed: 42,
    cost_usd: "0.002500",
    execution_ms: 350,
    created_at: "2026-01-31T12:00:00.123456+00:00",
  },
  userWrites: null,
  filters: { agent_id: uuid(), tool_id: uuid(), venture_id: uuid() },
  minimums: { cost_usd: money({ negative: true }) },
  groups: ["agent_id", "tool_id", "venture_id"],
  urlDefaults: ["agent_id", "tool_id", "venture_id"],
});
