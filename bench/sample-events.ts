/** An event of each log, as a service sends it; the rows it refers to are in the seed. */
export interface Sample {
  /** Where it is posted. */
  slug: string;
  table: string;
  /** A new event every time: another id, otherwise much the same. */
  make(): Record<string, unknown>;
}

const FIRM = "10000000-0000-4000-8000-000000000001";

/** One sample per log. */
export const SAMPLES: Sample[] = [
  {
    slug: "audit",
    table: "audit_log",
    make: () => ({
      id: crypto.randomUUID(),
      firm_id: FIRM,
      user_id: "20000000-0000-4000-8000-000000000001",
      action: "upload_file",
      entity_type: "cma_project",
      entity_id: crypto.randomUUID(),
      metadata: { file_count: 3, source: "upload" },
      ip_address: "192.0.2.1",
      created_at: new Date().toISOString(),
    }),
  },
  {
    slug: "llm-usage",
    table: "llm_usage_log",
    make: () => ({
      id: crypto.randomUUID(),
      firm_id: FIRM,
      cma_project_id: "30000000-0000-4000-8000-000000000001",
      model: "claude-sonnet-4-5",
      task_type: "extraction",
      input_tokens: 18_495,
      output_tokens: 120,
      cost_usd: "0.057285",
      latency_ms: 912,
      success: true,
      created_at: new Date().toISOString(),
    }),
  },
  {
    slug: "tool-usage",
    table: "tool_usage_ledger",
    make: () => ({
      id: crypto.randomUUID(),
      agent_id: "40000000-0000-4000-8000-000000000001",
      venture_id: "60000000-0000-4000-8000-000000000001",
      tool_id: "50000000-0000-4000-8000-000000000001",
      tokens_consumed: 42,
      cost_usd: "0.0025",
      execution_ms: 350,
      created_at: new Date().toISOString(),
    }),
  },
  {
    slug: "model-usage",
    table: "model_usage_log",
    make: () => ({
      id: crypto.randomUUID(),
      session_id: "session-7",
      sd_id: "SD-7",
      phase: "EXEC",
      subagent_type: "code-reviewer",
      subagent_configured_model: "claude-sonnet-4-5",
      reported_model_name: "Claude Sonnet 4.5",
      reported_model_id: "claude-sonnet-4-5-20250929",
      config_matches_reported: true,
      captured_at: new Date().toISOString(),
      metadata: { turn: 3 },
    }),
  },
];

/** The sample of a log. */
export function sampleOf(table: string): Sample {
  return SAMPLES.find((sample) => sample.table === table)!;
}

/** The row of llm_usage_details that the endpoint writes for a call of a model. */
export function toDetails(call: Record<string, unknown>) {
  return {
    id: call.id,
    firm_id: call.firm_id,
    provider: "anthropic",
    service_tier: "standard",
    uncached_input_tokens: call.input_tokens,
    cache_read_tokens: 0,
    cache_write_5m_tokens: 0,
    cache_write_1h_tokens: 0,
    visible_output_tokens: call.output_tokens,
    reasoning_tokens: 0,
    other_units: {},
    cost_source: "reported",
    cost_usd_exact: call.cost_usd,
    reported_cost_usd: call.cost_usd,
    computed_cost_usd: call.cost_usd,
    cost_is_floor: false,
    cost_differs: false,
  };
}

/** A batch of new events. */
export function makeBatch(sample: Sample, size: number) {
  return Array.from({ length: size }, sample.make);
}
