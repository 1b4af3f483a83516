// Made from the migrations by scripts/generate-types.ts; not to be edited.

export type Json = string | number | boolean | null | {
  [key: string]: Json | undefined;
} | Json[];

export type Database = {
  "public": {
    Tables: {
      "agent_registry": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [];
      };
      "audit_log": {
        Row: {
          "action": string;
          "created_at": string | null;
          "entity_id": string | null;
          "entity_type": string;
          "firm_id": string;
          "id": string;
          "ip_address": string | null;
          "metadata": Json | null;
          "user_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "action": string;
          "created_at"?: string | null;
          "entity_id"?: string | null;
          "entity_type": string;
          "firm_id": string;
          "id"?: string;
          "ip_address"?: string | null;
          "metadata"?: Json | null;
          "user_id"?: string | null;
        };
        Update: {
          "action"?: string;
          "created_at"?: string | null;
          "entity_id"?: string | null;
          "entity_type"?: string;
          "firm_id"?: string;
          "id"?: string;
          "ip_address"?: string | null;
          "metadata"?: Json | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "audit_log_firm_id_fkey";
            columns: ["firm_id"];
            isOneToOne: false;
            referencedRelation: "firms";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "audit_log_user_id_fkey";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "users";
            referencedColumns: ["id"];
          },
        ];
      };
      "cma_projects": {
        Row: {
          "created_at": string;
          "firm_id": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "firm_id": string;
          "id"?: string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "firm_id"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "cma_projects_firm_id_fkey";
            columns: ["firm_id"];
            isOneToOne: false;
            referencedRelation: "firms";
            referencedColumns: ["id"];
          },
        ];
      };
      "firms": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [];
      };
      "llm_budgets": {
        Row: {
          "cma_project_id": string | null;
          "entered_at": string;
          "firm_id": string;
          "first_month": string;
          "id": string;
          "limit_usd": number;
          "thresholds": (number)[];
          "time_zone": string;
        };
        ComputedFields: never;
        Insert: {
          "cma_project_id"?: string | null;
          "entered_at"?: string;
          "firm_id": string;
          "first_month": string;
          "id"?: string;
          "limit_usd": number;
          "thresholds"?: (number)[];
          "time_zone"?: string;
        };
        Update: {
          "cma_project_id"?: string | null;
          "entered_at"?: string;
          "firm_id"?: string;
          "first_month"?: string;
          "id"?: string;
          "limit_usd"?: number;
          "thresholds"?: (number)[];
          "time_zone"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "llm_budgets_cma_project_id_fkey";
            columns: ["cma_project_id"];
            isOneToOne: false;
            referencedRelation: "cma_projects";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "llm_budgets_firm_id_fkey";
            columns: ["firm_id"];
            isOneToOne: false;
            referencedRelation: "firms";
            referencedColumns: ["id"];
          },
        ];
      };
      "llm_usage_details": {
        Row: {
          "api_flavor": string | null;
          "cache_read_tokens": number;
          "cache_write_1h_tokens": number;
          "cache_write_5m_tokens": number;
          "computed_cost_usd": number | null;
          "convention_basis": string | null;
          "cost_differs": boolean;
          "cost_is_floor": boolean;
          "cost_source": string;
          "cost_usd_exact": number;
          "firm_id": string;
          "id": string;
          "other_units": NonNullable<Json>;
          "price_id": string | null;
          "provider": string | null;
          "reasoning_tokens": number;
          "reported_cost_usd": number | null;
          "reservation_id": string | null;
          "service_tier": string;
          "token_convention": string | null;
          "uncached_input_tokens": number;
          "usage": Json | null;
          "visible_output_tokens": number;
        };
        ComputedFields: never;
        Insert: {
          "api_flavor"?: string | null;
          "cache_read_tokens"?: number;
          "cache_write_1h_tokens"?: number;
          "cache_write_5m_tokens"?: number;
          "computed_cost_usd"?: number | null;
          "convention_basis"?: string | null;
          "cost_differs": boolean;
          "cost_is_floor": boolean;
          "cost_source": string;
          "cost_usd_exact": number;
          "firm_id": string;
          "id": string;
          "other_units"?: NonNullable<Json>;
          "price_id"?: string | null;
          "provider"?: string | null;
          "reasoning_tokens"?: number;
          "reported_cost_usd"?: number | null;
          "reservation_id"?: string | null;
          "service_tier"?: string;
          "token_convention"?: string | null;
          "uncached_input_tokens": number;
          "usage"?: Json | null;
          "visible_output_tokens": number;
        };
        Update: {
          "api_flavor"?: string | null;
          "cache_read_tokens"?: number;
          "cache_write_1h_tokens"?: number;
          "cache_write_5m_tokens"?: number;
          "computed_cost_usd"?: number | null;
          "convention_basis"?: string | null;
          "cost_differs"?: boolean;
          "cost_is_floor"?: boolean;
          "cost_source"?: string;
          "cost_usd_exact"?: number;
          "firm_id"?: string;
          "id"?: string;
          "other_units"?: NonNullable<Json>;
          "price_id"?: string | null;
          "provider"?: string | null;
          "reasoning_tokens"?: number;
          "reported_cost_usd"?: number | null;
          "reservation_id"?: string | null;
          "service_tier"?: string;
          "token_convention"?: string | null;
          "uncached_input_tokens"?: number;
          "usage"?: Json | null;
          "visible_output_tokens"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "llm_usage_details_id_fkey";
            columns: ["id"];
            isOneToOne: true;
            referencedRelation: "llm_usage_log";
            referencedColumns: ["id"];
          },
        ];
      };
      "llm_usage_log": {
        Row: {
          "cma_project_id": string | null;
          "cost_usd": number;
          "created_at": string | null;
          "error_message": string | null;
          "firm_id": string;
          "id": string;
          "input_tokens": number;
          "latency_ms": number | null;
          "model": string;
          "output_tokens": number;
          "success": boolean | null;
          "task_type": string;
        };
        ComputedFields: never;
        Insert: {
          "cma_project_id"?: string | null;
          "cost_usd": number;
          "created_at"?: string | null;
          "error_message"?: string | null;
          "firm_id": string;
          "id"?: string;
          "input_tokens": number;
          "latency_ms"?: number | null;
          "model": string;
          "output_tokens": number;
          "success"?: boolean | null;
          "task_type": string;
        };
        Update: {
          "cma_project_id"?: string | null;
          "cost_usd"?: number;
          "created_at"?: string | null;
          "error_message"?: string | null;
          "firm_id"?: string;
          "id"?: string;
          "input_tokens"?: number;
          "latency_ms"?: number | null;
          "model"?: string;
          "output_tokens"?: number;
          "success"?: boolean | null;
          "task_type"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "llm_usage_log_cma_project_id_fkey";
            columns: ["cma_project_id"];
            isOneToOne: false;
            referencedRelation: "cma_projects";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "llm_usage_log_firm_id_fkey";
            columns: ["firm_id"];
            isOneToOne: false;
            referencedRelation: "firms";
            referencedColumns: ["id"];
          },
        ];
      };
      "llm_usage_ratings": {
        Row: {
          "cost_is_floor": boolean;
          "cost_source": string;
          "cost_usd_exact": number;
          "firm_id": string;
          "id": string;
          "price_id": string | null;
          "rated_at": string;
          "reason": string;
          "usage_id": string;
        };
        ComputedFields: never;
        Insert: {
          "cost_is_floor": boolean;
          "cost_source": string;
          "cost_usd_exact": number;
          "firm_id": string;
          "id"?: string;
          "price_id"?: string | null;
          "rated_at"?: string;
          "reason": string;
          "usage_id": string;
        };
        Update: {
          "cost_is_floor"?: boolean;
          "cost_source"?: string;
          "cost_usd_exact"?: number;
          "firm_id"?: string;
          "id"?: string;
          "price_id"?: string | null;
          "rated_at"?: string;
          "reason"?: string;
          "usage_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "llm_usage_ratings_usage_id_fkey";
            columns: ["usage_id"];
            isOneToOne: false;
            referencedRelation: "llm_usage_log";
            referencedColumns: ["id"];
          },
        ];
      };
      "model_prices": {
        Row: {
          "cache_read_usd_per_mtok": number | null;
          "cache_write_1h_usd_per_mtok": number | null;
          "cache_write_5m_usd_per_mtok": number | null;
          "context_tiers": NonNullable<Json>;
          "daily_from": string | null;
          "daily_to": string | null;
          "effective_from": string;
          "effective_to": string | null;
          "entered_at": string;
          "firm_id": string | null;
          "id": string;
          "implies_provider": boolean;
          "input_usd_per_mtok": number | null;
          "match_kind": string;
          "match_value": string;
          "other_usd_per_million": NonNullable<Json>;
          "output_usd_per_mtok": number | null;
          "provider": string;
          "published": boolean;
          "reasoning_usd_per_mtok": number | null;
          "request_usd": number | null;
          "service_tier": string;
          "source": string;
        };
        ComputedFields: never;
        Insert: {
          "cache_read_usd_per_mtok"?: number | null;
          "cache_write_1h_usd_per_mtok"?: number | null;
          "cache_write_5m_usd_per_mtok"?: number | null;
          "context_tiers"?: NonNullable<Json>;
          "daily_from"?: string | null;
          "daily_to"?: string | null;
          "effective_from": string;
          "effective_to"?: string | null;
          "entered_at"?: string;
          "firm_id"?: string | null;
          "id"?: string;
          "implies_provider"?: boolean;
          "input_usd_per_mtok"?: number | null;
          "match_kind": string;
          "match_value": string;
          "other_usd_per_million"?: NonNullable<Json>;
          "output_usd_per_mtok"?: number | null;
          "provider": string;
          "published"?: boolean;
          "reasoning_usd_per_mtok"?: number | null;
          "request_usd"?: number | null;
          "service_tier"?: string;
          "source": string;
        };
        Update: {
          "cache_read_usd_per_mtok"?: number | null;
          "cache_write_1h_usd_per_mtok"?: number | null;
          "cache_write_5m_usd_per_mtok"?: number | null;
          "context_tiers"?: NonNullable<Json>;
          "daily_from"?: string | null;
          "daily_to"?: string | null;
          "effective_from"?: string;
          "effective_to"?: string | null;
          "entered_at"?: string;
          "firm_id"?: string | null;
          "id"?: string;
          "implies_provider"?: boolean;
          "input_usd_per_mtok"?: number | null;
          "match_kind"?: string;
          "match_value"?: string;
          "other_usd_per_million"?: NonNullable<Json>;
          "output_usd_per_mtok"?: number | null;
          "provider"?: string;
          "published"?: boolean;
          "reasoning_usd_per_mtok"?: number | null;
          "request_usd"?: number | null;
          "service_tier"?: string;
          "source"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "model_prices_firm_id_fkey";
            columns: ["firm_id"];
            isOneToOne: false;
            referencedRelation: "firms";
            referencedColumns: ["id"];
          },
        ];
      };
      "model_usage_log": {
        Row: {
          "captured_at": string | null;
          "config_matches_reported": boolean | null;
          "id": string;
          "metadata": Json | null;
          "phase": string | null;
          "reported_model_id": string;
          "reported_model_name": string;
          "sd_id": string | null;
          "session_id": string | null;
          "subagent_configured_model": string | null;
          "subagent_type": string | null;
        };
        ComputedFields: never;
        Insert: {
          "captured_at"?: string | null;
          "config_matches_reported"?: boolean | null;
          "id"?: string;
          "metadata"?: Json | null;
          "phase"?: string | null;
          "reported_model_id": string;
          "reported_model_name": string;
          "sd_id"?: string | null;
          "session_id"?: string | null;
          "subagent_configured_model"?: string | null;
          "subagent_type"?: string | null;
        };
        Update: {
          "captured_at"?: string | null;
          "config_matches_reported"?: boolean | null;
          "id"?: string;
          "metadata"?: Json | null;
          "phase"?: string | null;
          "reported_model_id"?: string;
          "reported_model_name"?: string;
          "sd_id"?: string | null;
          "session_id"?: string | null;
          "subagent_configured_model"?: string | null;
          "subagent_type"?: string | null;
        };
        Relationships: [];
      };
      "tool_registry": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [];
      };
      "tool_usage_ledger": {
        Row: {
          "agent_id": string;
          "cost_usd": number | null;
          "created_at": string;
          "execution_ms": number | null;
          "id": string;
          "tokens_consumed": number | null;
          "tool_id": string;
          "venture_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "agent_id": string;
          "cost_usd"?: number | null;
          "created_at"?: string;
          "execution_ms"?: number | null;
          "id"?: string;
          "tokens_consumed"?: number | null;
          "tool_id": string;
          "venture_id"?: string | null;
        };
        Update: {
          "agent_id"?: string;
          "cost_usd"?: number | null;
          "created_at"?: string;
          "execution_ms"?: number | null;
          "id"?: string;
          "tokens_consumed"?: number | null;
          "tool_id"?: string;
          "venture_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "tool_usage_ledger_agent_id_fkey";
            columns: ["agent_id"];
            isOneToOne: false;
            referencedRelation: "agent_registry";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "tool_usage_ledger_tool_id_fkey";
            columns: ["tool_id"];
            isOneToOne: false;
            referencedRelation: "tool_registry";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "tool_usage_ledger_venture_id_fkey";
            columns: ["venture_id"];
            isOneToOne: false;
            referencedRelation: "ventures";
            referencedColumns: ["id"];
          },
        ];
      };
      "users": {
        Row: {
          "created_at": string;
          "email": string | null;
          "firm_id": string;
          "id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "email"?: string | null;
          "firm_id": string;
          "id"?: string;
        };
        Update: {
          "created_at"?: string;
          "email"?: string | null;
          "firm_id"?: string;
          "id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "users_firm_id_fkey";
            columns: ["firm_id"];
            isOneToOne: false;
            referencedRelation: "firms";
            referencedColumns: ["id"];
          },
        ];
      };
      "ventures": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      "add_ledger_checkpoint": {
        Args: {
          "after_size": number;
          "note": string;
          "root": string;
          "size": number;
        };
        Returns: boolean;
      };
      "export_ledger": {
        Args: { "first": number; "max_leaves"?: number };
        Returns: Json;
      };
      "export_pending_leaves": {
        Args: { "after_seq": number; "max_leaves"?: number };
        Returns: Json;
      };
      "fn_is_chairman": { Args: Record<PropertyKey, never>; Returns: boolean };
      "import_model_prices": {
        Args: {
          "accept_suspicious"?: boolean;
          "apply"?: boolean;
          "prices": Json;
          "source": string;
        };
        Returns: Json;
      };
      "list_log": {
        Args: {
          "after"?: Json;
          "ascending"?: boolean;
          "filters"?: Json;
          "log": unknown;
          "max_rows"?: number;
          "minimums"?: Json;
          "since"?: string;
          "time_column": unknown;
          "until"?: string;
        };
        Returns: Json;
      };
      "look_up_registries": {
        Args: { "agents": (string)[]; "tools": (string)[] };
        Returns: Json;
      };
      "rate_llm_usage": {
        Args: {
          "dry_run"?: boolean;
          "filters": Json;
          "max_rows"?: number;
          "reason": string;
          "since": string;
          "until": string;
        };
        Returns: Json;
      };
      "read_ledger_checkpoints": {
        Args: { "first_size"?: number };
        Returns: Json;
      };
      "read_ledger_entries": {
        Args: { "ids": (string)[]; "log": string };
        Returns: Json;
      };
      "read_ledger_state": { Args: Record<PropertyKey, never>; Returns: Json };
      "read_ledger_tiles": { Args: { "wanted": Json }; Returns: Json };
      "read_llm_budgets": {
        Args: { "at"?: string; "firm": string };
        Returns: Json;
      };
      "read_unsealed_rows": { Args: { "log": string }; Returns: Json };
      "read_witnessed": { Args: { "origin": string }; Returns: Json };
      "record_audit_log": {
        Args: {
          "actor"?: string;
          "atomic"?: boolean;
          "brief"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "record_llm_usage_log": {
        Args: {
          "atomic"?: boolean;
          "brief"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "record_model_usage_log": {
        Args: {
          "atomic"?: boolean;
          "brief"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "record_tool_usage_ledger": {
        Args: {
          "atomic"?: boolean;
          "brief"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "reserve_llm_budget": {
        Args: {
          "amount": number;
          "firm": string;
          "project": string;
          "reservation": string;
          "seconds": number;
        };
        Returns: Json;
      };
      "seal_ledger": { Args: { "max_leaves"?: number }; Returns: Json };
      "set_llm_budget": {
        Args: {
          "firm": string;
          "limit_usd": number;
          "project": string;
          "thresholds": (number)[];
          "time_zone": string;
        };
        Returns: Json;
      };
      "summarise_log": {
        Args: {
          "as_of"?: string;
          "bucket"?: string;
          "filters"?: Json;
          "groups"?: (string)[];
          "log": unknown;
          "max_groups"?: number;
          "minimums"?: Json;
          "since"?: string;
          "time_column": unknown;
          "until"?: string;
          "zone"?: string;
        };
        Returns: Json;
      };
      "witness_checkpoint": {
        Args: {
          "note": string;
          "old_size": number;
          "origin": string;
          "root": string;
          "size": number;
        };
        Returns: boolean;
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema =
  DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
        "Tables"
      ]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
        "Views"
      ]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends
  { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Tables"
    ]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Views"
    ]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends
    keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[
      DefaultSchemaTableNameOrOptions
    ] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Tables"
    ]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends
  { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
    "Tables"
  ][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
      "Tables"
    ]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends
  { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]][
    "Tables"
  ][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]][
      "Enums"
    ]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends
  { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][
    EnumName
  ]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[
      PublicCompositeTypeNameOrOptions["schema"]
    ]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends
  { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]][
    "CompositeTypes"
  ][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends
    keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {},
  },
} as const;
