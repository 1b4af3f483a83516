/**
 * The four tables as their documents describe them: what the migrations must
 * produce, taken from the documents and not from the migrations. Constraint and index
 * definitions are in PostgreSQL's own words (`pg_get_constraintdef`,
 * `pg_get_indexdef`), names that the documents leave open are PostgreSQL's
 * defaults, and index names follow the pattern `idx_<table>_<column>`.
 *
 * @module
 */

/** `[name, type as format_type prints it, nullable, default as pg_get_expr prints it]` */
export type Column = [string, string, "null" | "not null", string | null];

/** One policy, as the view pg_policies shows it. */
export interface Policy {
  name: string;
  command: "ALL" | "SELECT" | "INSERT" | "UPDATE" | "DELETE";
  roles: string[];
  using: string | null;
  check: string | null;
}

/** One log's table. */
interface TableSpecification {
  columns: Column[];
  /** Definition by name: primary key, foreign keys and checks, and no other. */
  constraints: Record<string, string>;
  /** Definition by name, the primary key's included, and no other but {@linkcode MEASURED_INDEXES}. */
  indexes: Record<string, string>;
  /** Undefined where the document asks for row security by firm and names no policy. */
  policies?: Policy[];
  /** Privileges by role; a role or privilege that is not here is not granted. */
  grants: Record<string, string[]>;
}

const ID: Column = ["id", "uuid", "not null", "gen_random_uuid()"];

/** The names of the four logs. */
export type LogName =
  | "llm_usage_log"
  | "audit_log"
  | "tool_usage_ledger"
  | "model_usage_log";

/** The specification by table name. */
export const TABLES: Record<LogName, TableSpecification> = {
  llm_usage_log: {
    columns: [
      ID,
      ["firm_id", "uuid", "not null", null],
      ["cma_project_id", "uuid", "null", null],
      ["model", "text", "not null", null],
      ["task_type", "text", "not null", null],
      ["input_tokens", "integer", "not null", null],
      ["output_tokens", "integer", "not null", null],
      ["cost_usd", "numeric(10,6)", "not null", null],
      ["latency_ms", "integer", "null", null],
      ["success", "boolean", "null", "true"],
      ["error_message", "text", "null", null],
      ["created_at", "timestamp with time zone", "null", "now()"],
    ],
    constraints: {
      llm_usage_log_pkey: "PRIMARY KEY (id)",
      llm_usage_log_firm_id_fkey:
        "FOREIGN KEY (firm_id) REFERENCES firms(id) ON DELETE CASCADE",
      llm_usage_log_cma_project_id_fkey:
        "FOREIGN KEY (cma_project_id) REFERENCES cma_projects(id) ON DELETE SET NULL",
      llm_usage_log_task_type_check:
        "CHECK ((task_type = ANY (ARRAY['extraction'::text, 'classification'::text, 'validation'::text, 'fallback'::text])))",
    },
    indexes: {
      llm_usage_log_pkey:
        "CREATE UNIQUE INDEX llm_usage_log_pkey ON public.llm_usage_log USING btree (id)",
      idx_llm_usage_log_firm_id:
        "CREATE INDEX idx_llm_usage_log_firm_id ON public.llm_usage_log USING btree (firm_id)",
      idx_llm_usage_log_cma_project_id:
        "CREATE INDEX idx_llm_usage_log_cma_project_id ON public.llm_usage_log USING btree (cma_project_id)",
      idx_llm_usage_log_created_at:
        "CREATE INDEX idx_llm_usage_log_created_at ON public.llm_usage_log USING btree (created_at)",
    },
    grants: { authenticated: ["SELECT"], service_role: ["SELECT", "INSERT"] },
  },

  audit_log: {
    columns: [
      ID,
      ["firm_id", "uuid", "not null", null],
      ["user_id", "uuid", "null", null],
      ["action", "text", "not null", null],
      ["entity_type", "text", "not null", null],
      ["entity_id", "uuid", "null", null],
      ["metadata", "jsonb", "null", null],
      ["ip_address", "text", "null", null],
      ["created_at", "timestamp with time zone", "null", "now()"],
    ],
    constraints: {
      audit_log_pkey: "PRIMARY KEY (id)",
      audit_log_firm_id_fkey:
        "FOREIGN KEY (firm_id) REFERENCES firms(id) ON DELETE CASCADE",
      audit_log_user_id_fkey:
        "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE SET NULL",
    },
    indexes: {
      audit_log_pkey:
        "CREATE UNIQUE INDEX audit_log_pkey ON public.audit_log USING btree (id)",
      idx_audit_log_firm_id:
        "CREATE INDEX idx_audit_log_firm_id ON public.audit_log USING btree (firm_id)",
      idx_audit_log_created_at:
        "CREATE INDEX idx_audit_log_created_at ON public.audit_log USING btree (created_at)",
      idx_audit_log_action:
        "CREATE INDEX idx_audit_log_action ON public.audit_log USING btree (action)",
    },
    grants: { authenticated: ["SELECT"], service_role: ["SELECT", "INSERT"] },
  },

  tool_usage_ledger: {
    columns: [
      ID,
      ["agent_id", "uuid", "not null", null],
      ["venture_id", "uuid", "null", null],
      ["tool_id", "uuid", "not null", null],
      ["tokens_consumed", "integer", "null", "0"],
      ["cost_usd", "numeric(10,6)", "null", "0"],
      ["execution_ms", "integer", "null", null],
      ["created_at", "timestamp with time zone", "not null", "now()"],
    ],
    constraints: {
      tool_usage_ledger_pkey: "PRIMARY KEY (id)",
      tool_usage_ledger_agent_id_fkey:
        "FOREIGN KEY (agent_id) REFERENCES agent_registry(id)",
      tool_usage_ledger_tool_id_fkey:
        "FOREIGN KEY (tool_id) REFERENCES tool_registry(id)",
      tool_usage_ledger_venture_id_fkey:
        "FOREIGN KEY (venture_id) REFERENCES ventures(id)",
    },
    indexes: {
      tool_usage_ledger_pkey:
        "CREATE UNIQUE INDEX tool_usage_ledger_pkey ON public.tool_usage_ledger USING btree (id)",
      idx_ledger_agent:
        "CREATE INDEX idx_ledger_agent ON public.tool_usage_ledger USING btree (agent_id, created_at DESC)",
      idx_ledger_venture_cost:
        "CREATE INDEX idx_ledger_venture_cost ON public.tool_usage_ledger USING btree (venture_id, created_at DESC, cost_usd)",
    },
    policies: [
      {
        name: "chairman_read_ledger",
        command: "SELECT",
        roles: ["authenticated"],
        using: "fn_is_chairman()",
        check: null,
      },
      {
        name: "ledger_no_delete",
        command: "DELETE",
        roles: ["authenticated"],
        using: "false",
        check: null,
      },
      {
        name: "ledger_no_update",
        command: "UPDATE",
        roles: ["authenticated"],
        using: "false",
        check: null,
      },
      {
        name: "service_role_all_ledger",
        command: "ALL",
        roles: ["service_role"],
        using: "true",
        check: "true",
      },
    ],
    grants: { authenticated: ["SELECT"], service_role: ["SELECT", "INSERT"] },
  },

  model_usage_log: {
    columns: [
      ID,
      ["session_id", "text", "null", null],
      ["sd_id", "text", "null", null],
      ["phase", "text", "null", null],
      ["subagent_type", "text", "null", null],
      ["subagent_configured_model", "text", "null", null],
      ["reported_model_name", "text", "not null", null],
      ["reported_model_id", "text", "not null", null],
      ["config_matches_reported", "boolean", "null", null],
      ["captured_at", "timestamp with time zone", "null", "now()"],
      ["metadata", "jsonb", "null", "'{}'::jsonb"],
    ],
    constraints: {
      model_usage_log_pkey: "PRIMARY KEY (id)",
      model_usage_log_phase_check:
        "CHECK ((phase = ANY (ARRAY['LEAD'::text, 'PLAN'::text, 'EXEC'::text, 'UNKNOWN'::text])))",
    },
    indexes: {
      model_usage_log_pkey:
        "CREATE UNIQUE INDEX model_usage_log_pkey ON public.model_usage_log USING btree (id)",
      idx_model_usage_sd:
        "CREATE INDEX idx_model_usage_sd ON public.model_usage_log USING btree (sd_id)",
      idx_model_usage_subagent:
        "CREATE INDEX idx_model_usage_subagent ON public.model_usage_log USING btree (subagent_type)",
      idx_model_usage_time:
        "CREATE INDEX idx_model_usage_time ON public.model_usage_log USING btree (captured_at DESC)",
    },
    policies: [
      {
        name: "Allow all for anon",
        command: "ALL",
        roles: ["anon"],
        using: "true",
        check: "true",
      },
      {
        name: "authenticated_insert_model_usage_log",
        command: "INSERT",
        roles: ["authenticated"],
        using: null,
        check: "true",
      },
      {
        name: "authenticated_select_model_usage_log",
        command: "SELECT",
        roles: ["authenticated"],
        using: "true",
        check: null,
      },
    ],
    grants: {
      anon: ["SELECT", "INSERT"],
      authenticated: ["SELECT", "INSERT"],
      service_role: ["SELECT", "INSERT"],
    },
  },
};

/**
 * The indexes beyond the documents', by log: each is in a migration of its own,
 * whose comment has the figures that ask for it.
 */
export const MEASURED_INDEXES: Record<LogName, Record<string, string>> = {
  llm_usage_log: {
    idx_llm_usage_log_firm_id_created_at:
      "CREATE INDEX idx_llm_usage_log_firm_id_created_at ON public.llm_usage_log USING btree (firm_id, created_at)",
  },
  audit_log: {
    idx_audit_log_firm_id_created_at:
      "CREATE INDEX idx_audit_log_firm_id_created_at ON public.audit_log USING btree (firm_id, created_at)",
    idx_audit_log_entity_id:
      "CREATE INDEX idx_audit_log_entity_id ON public.audit_log USING btree (entity_id)",
  },
  tool_usage_ledger: {
    idx_tool_usage_ledger_created_at:
      "CREATE INDEX idx_tool_usage_ledger_created_at ON public.tool_usage_ledger USING btree (created_at)",
  },
  model_usage_log: {},
};

/** The names of the four logs, in the order of the migrations' documents. */
export const LOGS: LogName[] = Object.keys(TABLES) as LogName[];
