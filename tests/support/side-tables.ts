import { LOGS, type Policy, TABLES } from "./specification.ts";

/**
 * The append-only tables beside the logs: prices, what usage rows consist of, what
 * they cost by later prices, and budgets. Who may do what to them, and which rows
 * go with which, in the words of `pg_get_expr` and `pg_get_constraintdef`.
 *
 * @module
 */

/** One table beside the logs. */
interface SideTable {
  /** Definition by name, and no other. */
  foreignKeys: Record<string, string>;
  policies: Policy[];
  /** Privileges by role; a role or privilege that is not here is not granted. */
  grants: Record<string, string[]>;
}

/** The names of the tables beside the logs. */
export type SideTableName =
  | "model_prices"
  | "llm_usage_details"
  | "llm_usage_ratings"
  | "llm_budgets";

const OWN_FIRM =
  "(firm_id = ( SELECT ledger.member_firm_id() AS member_firm_id))";

const read = (table: SideTableName, using = OWN_FIRM): Policy => ({
  name: `member_read_${table}`,
  command: "SELECT",
  roles: ["authenticated"],
  using,
  check: null,
});

/** The specification by table name. */
export const SIDE_TABLES: Record<SideTableName, SideTable> = {
  model_prices: {
    foreignKeys: {
      model_prices_firm_id_fkey:
        "FOREIGN KEY (firm_id) REFERENCES firms(id) ON DELETE CASCADE",
    },
    policies: [read("model_prices", `((firm_id IS NULL) OR ${OWN_FIRM})`)],
    grants: { authenticated: ["SELECT"], service_role: ["SELECT"] },
  },

  llm_usage_details: {
    foreignKeys: {
      llm_usage_details_id_fkey:
        "FOREIGN KEY (id) REFERENCES llm_usage_log(id) ON DELETE CASCADE",
    },
    policies: [read("llm_usage_details")],
    grants: { authenticated: ["SELECT"], service_role: ["SELECT", "INSERT"] },
  },

  llm_usage_ratings: {
    foreignKeys: {
      llm_usage_ratings_usage_id_fkey:
        "FOREIGN KEY (usage_id) REFERENCES llm_usage_log(id) ON DELETE CASCADE",
    },
    policies: [read("llm_usage_ratings")],
    grants: { authenticated: ["SELECT"], service_role: ["SELECT", "INSERT"] },
  },

  // Set by a function alone, which counts what the month holds already.
  llm_budgets: {
    foreignKeys: {
      llm_budgets_firm_id_fkey:
        "FOREIGN KEY (firm_id) REFERENCES firms(id) ON DELETE CASCADE",
      llm_budgets_cma_project_id_fkey:
        "FOREIGN KEY (cma_project_id) REFERENCES cma_projects(id) ON DELETE CASCADE",
    },
    policies: [read("llm_budgets")],
    grants: { authenticated: ["SELECT"], service_role: ["SELECT"] },
  },
};

/** The names of the tables beside the logs, in the order of their migrations. */
export const SIDE_TABLE_NAMES = Object.keys(SIDE_TABLES) as SideTableName[];

/** Every guarded table: the logs, then those beside them. */
export const APPEND_ONLY = [...LOGS, ...SIDE_TABLE_NAMES];

/** Privileges by role on every guarded table. */
export const GRANTS: Record<string, Record<string, string[]>> = Object
  .fromEntries(
    Object.entries({ ...TABLES, ...SIDE_TABLES })
      .map(([table, { grants }]) => [table, grants]),
  );
