import {
  type Filters,
  idOf,
  lastMonth,
  listCall,
  memberOf,
  SERVICE,
  summaryCall,
} from "./callers.ts";
import type { Caller, Session } from "./session.ts";

/** Something that the database can have or not, and what it is good for. */
export interface Choice {
  name: string;
  log: string;
  /** Run in a transaction, makes the database one with it, or one without it. */
  with?: string;
  without?: string;
  /** Whether what is recorded pays for it. */
  isIndex: boolean;
  queries: { label: string; caller: Caller; text: string }[];
}

/**
 * Every index that reading has beyond the documents', what might stand in its
 * place or was not added, and what the functions do for their plans.
 */
export async function listChoices(session: Session): Promise<Choice[]> {
  const month = await lastMonth(session);
  const small = await memberOf(session, 40);
  const gone = await memberOf(session, 20);
  const stranger = await memberOf(session, 1);
  const large = { firm_id: [await idOf(session, "firm 1")] };
  const list = (
    label: string,
    caller: Caller,
    log: string,
    filters: Filters = {},
  ) => ({
    label,
    caller,
    text: listCall(log, { filters }),
  });
  const summary = (
    label: string,
    caller: Caller,
    log: string,
    filters: Filters = {},
  ) => ({
    label,
    caller,
    text: summaryCall(log, month, {
      filters,
      groups: [log === "audit_log" ? "action" : "model"],
    }),
  });
  const ofFirm = (log: string) => [
    list("page of a small firm", small, log),
    list("page of a firm that left", gone, log),
    summary("month of a small firm", small, log),
    summary("month of the largest firm", SERVICE, log, large),
  ];
  const inMigration = { isIndex: true };
  const llm = "llm_usage_log", audit = "audit_log", tool = "tool_usage_ledger";
  const oneEntity = { entity_id: [await idOf(session, "entity 3 77")] };
  return [
    {
      ...inMigration,
      name: "idx_llm_usage_log_firm_id_created_at",
      log: llm,
      without: "drop index public.idx_llm_usage_log_firm_id_created_at",
      queries: [
        ...ofFirm(llm),
        list("page of a rare model of a small firm", small, llm, {
          model: ["model-12"],
        }),
      ],
    },
    {
      ...inMigration,
      name: "idx_audit_log_firm_id_created_at",
      log: audit,
      without: "drop index public.idx_audit_log_firm_id_created_at",
      queries: ofFirm(audit),
    },
    {
      ...inMigration,
      name: "idx_audit_log_entity_id",
      log: audit,
      without: "drop index public.idx_audit_log_entity_id",
      queries: [
        list("page of an entity", SERVICE, audit, oneEntity),
        list(
          "page of an entity of her firm",
          await memberOf(session, 3),
          audit,
          oneEntity,
        ),
      ],
    },
    {
      ...inMigration,
      name: "idx_tool_usage_ledger_created_at",
      log: tool,
      without: "drop index public.idx_tool_usage_ledger_created_at",
      queries: [
        list("page", SERVICE, tool),
        list("page of the rarest tool", SERVICE, tool, {
          tool_id: [await idOf(session, "tool 30")],
        }),
        {
          label: "month",
          caller: SERVICE,
          text: summaryCall(tool, month, { groups: ["tool_id"] }),
        },
      ],
    },
    {
      isIndex: true,
      name: "instead: llm_usage_log (firm_id, created_at, id)",
      log: llm,
      with: `drop index public.idx_llm_usage_log_firm_id_created_at;
        create index candidate on public.llm_usage_log (firm_id, created_at, id)`,
      queries: [
        list("page of a small firm", small, llm),
        summary("month of the largest firm", SERVICE, llm, large),
      ],
    },
    {
      isIndex: true,
      name: "instead: tool_usage_ledger (created_at, id)",
      log: tool,
      with: `drop index public.idx_tool_usage_ledger_created_at;
        create index candidate on public.tool_usage_ledger (created_at, id)`,
      queries: [list("page", SERVICE, tool)],
    },
    {
      isIndex: true,
      name: "not added: audit_log (user_id)",
      log: audit,
      with: "create index candidate on public.audit_log (user_id)",
      queries: [
        list("page of a user", SERVICE, audit, {
          user_id: [await idOf(session, "user 40 5")],
        }),
      ],
    },
    {
      isIndex: true,
      name: "not added: model_usage_log (session_id)",
      log: "model_usage_log",
      with: "create index candidate on public.model_usage_log (session_id)",
      queries: [
        list("page of a session", SERVICE, "model_usage_log", {
          session_id: ["session-777"],
        }),
      ],
    },
    {
      isIndex: false,
      name: "page costs of the functions",
      log: llm,
      without: ["list_log", "summarise_log"].map((name) =>
        `alter function public.${name} reset seq_page_cost; alter function public.${name} reset random_page_cost`
      ).join("; "),
      queries: [
        ...ofFirm(llm),
        list("page of a rare model of a small firm", small, llm, {
          model: ["model-12"],
        }),
      ],
    },
    {
      isIndex: false,
      name: "the gate",
      log: tool,
      without:
        `create or replace function ledger.build_gate(log regclass) returns text
        language sql stable set search_path = '' as 'select null'`,
      queries: [list("page of a user who is not the chairman", stranger, tool)],
    },
  ];
}
