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
      "fn_is_chairman": { Args: Record<PropertyKey, never>; Returns: boolean };
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
      "record_audit_log": {
        Args: {
          "actor"?: string;
          "atomic"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "record_llm_usage_log": {
        Args: {
          "atomic"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "record_model_usage_log": {
        Args: {
          "atomic"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "record_tool_usage_ledger": {
        Args: {
          "atomic"?: boolean;
          "events": Json;
          "representation"?: boolean;
        };
        Returns: Json;
      };
      "summarise_log": {
        Args: {
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
