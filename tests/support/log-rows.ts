import { beforeEach } from "vitest";
import type { Query, TestDatabase } from "./databases.ts";

/** The ids of rows that logs can refer to. */
export interface ParentRows {
  firm1: string;
  firm2: string;
  /** Members of firm 1 and firm 2. */
  user1: string;
  user2: string;
  /** Projects of firm 1 and firm 2. */
  project1: string;
  project2: string;
  agent: string;
  tool: string;
  venture: string;
}

/** Inserts two firms, with a user and a project each, an agent, a tool and a venture. */
export async function insertParents(
  { query }: Pick<TestDatabase, "query">,
): Promise<ParentRows> {
  const id = () => crypto.randomUUID();
  const parents: ParentRows = {
    firm1: id(),
    firm2: id(),
    user1: id(),
    user2: id(),
    project1: id(),
    project2: id(),
    agent: id(),
    tool: id(),
    venture: id(),
  };
  const p = parents;
  const statements: [string, string[]][] = [
    ["firms (id, name) values ($1, 'One'), ($2, 'Two')", [p.firm1, p.firm2]],
    [
      "users (id, firm_id) values ($1, $2), ($3, $4)",
      [p.user1, p.firm1, p.user2, p.firm2],
    ],
    [
      "cma_projects (id, firm_id, name) values ($1, $2, 'P1'), ($3, $4, 'P2')",
      [p.project1, p.firm1, p.project2, p.firm2],
    ],
    ["agent_registry (id, name) values ($1, 'agent ' || $2)", [
      p.agent,
      p.agent,
    ]],
    ["tool_registry (id, name) values ($1, 'tool ' || $2)", [p.tool, p.tool]],
    ["ventures (id, name) values ($1, 'Venture')", [p.venture]],
  ];
  for (const [row, values] of statements) {
    await query(`insert into ${row}`, values);
  }
  return parents;
}

/** New parent rows before each test of a `describe`, or once with `beforeAll`. */
export function useParents(
  db: TestDatabase,
  hook: (insert: () => Promise<void>) => void = beforeEach,
): ParentRows {
  const parents = {} as ParentRows;
  hook(async () => void Object.assign(parents, await insertParents(db)));
  return parents;
}

/** Inserts one row of llm_usage_log and returns its id; `columns` replace the defaults. */
export function addLlmUsage(
  query: Query,
  columns: { firm_id: string } & Record<string, unknown>,
): Promise<string> {
  return insert(query, "llm_usage_log", {
    model: "gemini-2.0-flash",
    task_type: "extraction",
    input_tokens: 1200,
    output_tokens: 80,
    cost_usd: "0.000152",
    ...columns,
  });
}

/** Inserts one row of audit_log and returns its id; `columns` replace the defaults. */
export function addAudit(
  query: Query,
  columns: { firm_id: string } & Record<string, unknown>,
): Promise<string> {
  return insert(query, "audit_log", {
    action: "create_project",
    entity_type: "cma_project",
    ...columns,
  });
}

/** Inserts one row of tool_usage_ledger and returns its id; `columns` replace the defaults. */
export function addToolUsage(
  query: Query,
  columns: { agent_id: string; tool_id: string } & Record<string, unknown>,
): Promise<string> {
  return insert(query, "tool_usage_ledger", columns);
}

/** Inserts one row of model_usage_log and returns its id; `columns` replace the defaults. */
export function addModelUsage(
  query: Query,
  columns: Record<string, unknown> = {},
): Promise<string> {
  return insert(query, "model_usage_log", {
    reported_model_name: "Opus",
    reported_model_id: "opus-1",
    ...columns,
  });
}

/** Inserts the details of a usage row and returns its id; `columns` replace the defaults. */
export function addDetails(
  query: Query,
  columns: { id: string; firm_id: string } & Record<string, unknown>,
): Promise<string> {
  return insert(query, "llm_usage_details", {
    uncached_input_tokens: 1200,
    visible_output_tokens: 80,
    cost_source: "reported",
    cost_usd_exact: "0.000152",
    reported_cost_usd: "0.000152",
    cost_is_floor: false,
    cost_differs: false,
    ...columns,
  });
}

/** Inserts one row of llm_usage_ratings and returns its id; `columns` replace the defaults. */
export function addRating(
  query: Query,
  columns: { usage_id: string; firm_id: string } & Record<string, unknown>,
): Promise<string> {
  return insert(query, "llm_usage_ratings", {
    cost_source: "computed",
    price_id: crypto.randomUUID(),
    cost_usd_exact: "0.000152",
    cost_is_floor: false,
    reason: "the price arrived late",
    ...columns,
  });
}

/** Inserts one row of model_prices and returns its id; `columns` replace the defaults. */
export function addPrice(
  query: Query,
  columns: Record<string, unknown> = {},
): Promise<string> {
  return insert(query, "model_prices", {
    provider: "house",
    match_kind: "equals",
    match_value: "house-model-1",
    effective_from: "2026-01-01T00:00:00Z",
    input_usd_per_mtok: "0.1",
    output_usd_per_mtok: "0.4",
    source: "a contract",
    ...columns,
  });
}

/** Inserts one row of llm_budgets and returns its id; `columns` replace the defaults. */
export function addBudget(
  query: Query,
  columns: { firm_id: string } & Record<string, unknown>,
): Promise<string> {
  return insert(query, "llm_budgets", {
    limit_usd: "100",
    first_month: "2026-01-01T00:00:00Z",
    ...columns,
  });
}

async function insert(
  query: Query,
  table: string,
  columns: Record<string, unknown>,
): Promise<string> {
  const names = Object.keys(columns);
  const [{ id }] = await query<{ id: string }>(
    `insert into public.${table} (${names.join(", ")})
      values (${names.map((_, i) => `$${i + 1}`).join(", ")}) returning id`,
    Object.values(columns),
  );
  return id;
}
