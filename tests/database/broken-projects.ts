import { APPEND_ONLY } from "../support/side-tables.ts";

/**
 * What makes a project less than append-only, for the doctor to find: what it
 * is, the SQL of it, and the findings, as
 * `[check, part of the object, part of the problem]`, sorted.
 */
export const BREAKS: [string, string, [string, string, string][]][] = [
  [
    "a guard trigger that is disabled",
    "alter table audit_log disable trigger guard_before",
    [["guard trigger", "guard_before", "disabled"]],
  ],
  [
    "a guard trigger of ratings that is disabled",
    "alter table llm_usage_ratings disable trigger guard_before",
    [["guard trigger", "guard_before on public.llm_usage_ratings", "disabled"]],
  ],
  [
    "a guard trigger that replica mode silences",
    "alter table audit_log enable trigger guard_after",
    [["guard trigger", "guard_after", "not ENABLE ALWAYS"]],
  ],
  [
    "a guard trigger that fires in replica mode only",
    "alter table audit_log enable replica trigger guard_after",
    [["guard trigger", "guard_after", "not ENABLE ALWAYS"]],
  ],
  [
    "a guard trigger that is gone",
    "drop trigger guard_statement on model_usage_log",
    [["guard trigger", "guard_statement on public.model_usage_log", "missing"]],
  ],
  [
    "a guard trigger with a condition",
    "create or replace trigger guard_before before update or delete on audit_log for each row when (false) execute function ledger.guard_audit_log(); alter table audit_log enable always trigger guard_before",
    [["guard trigger", "guard_before", "WHEN"]],
  ],
  [
    "a guard that lets everything through",
    "create or replace function ledger.guard_audit_log() returns trigger language plpgsql as 'begin return coalesce(new, old); end'",
    [["guard", "guard_audit_log", "not the function that would be written"]],
  ],
  [
    "a guard that lost its search_path",
    "alter function ledger.guard_audit_log() reset search_path",
    [["guard", "guard_audit_log", "not the function"]],
  ],
  [
    "a guard that runs as its caller",
    "alter function ledger.guard_audit_log() security invoker",
    [["guard", "guard_audit_log", "not the function"]],
  ],
  [
    "a guard that everyone may execute",
    "grant execute on function ledger.guard_audit_log() to anon",
    [["guard", "guard_audit_log", "executed by other roles"]],
  ],
  [
    "a function of row security that answers another firm",
    "create or replace function ledger.member_firm_id() returns uuid language sql as 'select gen_random_uuid()'",
    [["function", "ledger.member_firm_id()", "it was: security definer"]],
  ],
  [
    "everyone a chairman",
    "create or replace function public.fn_is_chairman() returns boolean language sql as 'select true'",
    [["function", "public.fn_is_chairman()", "is now"]],
  ],
  [
    "budgets that are not charged",
    "create or replace function ledger.charge_budgets(ids uuid[]) returns jsonb language sql as 'select ''{}''::jsonb'",
    [["function", "ledger.charge_budgets(uuid[])", "is now"]],
  ],
  [
    "a read function that runs as its owner",
    "alter function public.read_ledger_state() security definer",
    [["function", "public.read_ledger_state()", "security definer"]],
  ],
  [
    "a privileged function with another search_path",
    "alter function ledger.seal(int) set search_path = public",
    [["function", "ledger.seal(integer)", "search_path=public"]],
  ],
  [
    "a function that a signed-in user may execute",
    "grant execute on function ledger.entries(text, uuid[]) to authenticated",
    [["function", "ledger.entries(text,uuid[])", "authenticated"]],
  ],
  [
    "a function that is missing",
    "drop function public.read_witnessed(text)",
    [["function", "public.read_witnessed(text)", "is missing"]],
  ],
  [
    "a function of the machinery that was added",
    "create function ledger.backdoor() returns int language sql as 'select 1'; revoke all on function ledger.backdoor() from public",
    [["function", "ledger.backdoor()", "was added"]],
  ],
  [
    "leaves that a role of the server may write",
    "grant insert, delete on ledger.leaves to pg_monitor",
    [["privilege", "ledger.leaves", "pg_monitor may delete, insert it"]],
  ],
  [
    "a subscription that writes rows without leaves",
    // Postgres adds this row when it copies the publication's tables.
    `create subscription feed connection 'dbname=x' publication p with (connect = false, slot_name = none);
     set local allow_system_table_mods = on;
     insert into pg_catalog.pg_subscription_rel (srsubid, srrelid, srsubstate)
     select oid, 'public.audit_log'::regclass, 'r' from pg_catalog.pg_subscription where subname = 'feed'`,
    [["subscription", "feed", "audit_log without leaves"]],
  ],
  [
    "a guard of another owner",
    "alter function ledger.guard_audit_log() owner to service_role",
    [["guard", "guard_audit_log", "belongs to service_role"]],
  ],
  [
    "UPDATE granted to service_role",
    "grant update on audit_log to service_role",
    [
      ["grant", "service_role on public.audit_log", "insert, select, update"],
      ["privilege", "public.audit_log", "service_role may update"],
    ],
  ],
  [
    "UPDATE of a price granted to service_role",
    "grant update (input_usd_per_mtok) on model_prices to service_role",
    [
      [
        "grant",
        "service_role on public.model_prices, columns",
        "update (input_usd_per_mtok)",
      ],
      ["privilege", "public.model_prices", "service_role may update"],
    ],
  ],
  [
    "INSERT of budgets granted to service_role",
    "grant insert on llm_budgets to service_role",
    [["grant", "service_role on public.llm_budgets", "insert, select"]],
  ],
  [
    "UPDATE of one column granted to anon",
    "grant update (action) on audit_log to anon",
    [
      ["grant", "anon on public.audit_log, columns", "update (action)"],
      ["privilege", "public.audit_log", "anon may update"],
    ],
  ],
  [
    "TRIGGER granted to everyone",
    "grant trigger on audit_log to public",
    [
      ["grant", "public on public.audit_log", "grant trigger"],
      ["privilege", "public.audit_log", "public may trigger"],
    ],
  ],
  [
    "SELECT granted to anon",
    "grant select on audit_log to anon",
    [["grant", "anon on public.audit_log", "added: grant select"]],
  ],
  [
    "a grant that may be passed on",
    "grant select on audit_log to service_role with grant option",
    [
      [
        "grant",
        "service_role on public.audit_log",
        "with grant option; it was",
      ],
    ],
  ],
  [
    "INSERT taken from service_role",
    "revoke insert on audit_log from service_role",
    [["grant", "service_role on public.audit_log", "it was"]],
  ],
  [
    "membership in a role that writes everything",
    "grant pg_write_all_data to service_role",
    [...APPEND_ONLY].sort().map((table) => [
      "membership",
      `public.${table}`,
      "can become pg_write_all_data",
    ]),
  ],
  [
    "membership in a role that holds DELETE",
    "create role janitor; grant delete on audit_log to janitor; grant janitor to authenticated",
    [
      ["grant", "janitor on public.audit_log", "delete"],
      ["membership", "public.audit_log", "authenticated can become janitor"],
      ["privilege", "public.audit_log", "janitor may delete"],
    ],
  ],
  [
    "tables that will be open to anon",
    "alter default privileges grant all on tables to anon",
    [["default privileges", "every schema", "can be changed by anon"]],
  ],
  [
    "tables of the machinery that will be open to authenticated",
    "alter default privileges in schema ledger grant delete on tables to authenticated",
    [["default privileges", "schema ledger", "authenticated (delete)"]],
  ],
  [
    "a machinery that everyone may extend",
    "grant create on schema ledger to authenticated",
    [["privilege", "schema ledger", "authenticated may create"]],
  ],
  [
    "a machinery function that everyone may execute",
    "grant execute on function ledger.guard(name) to public",
    [
      ["function", "ledger.guard(name)", "executable by public"],
      ["privilege", "ledger.guard(name)", "everyone may execute"],
    ],
  ],
  [
    "an accepted state that others may change",
    "grant insert on ledger.accepted_state to service_role",
    [["privilege", "ledger.accepted_state", "service_role may insert"]],
  ],
  [
    "counts of budgets that others may change",
    "grant update on ledger.budget_months to service_role",
    [["privilege", "ledger.budget_months", "service_role may update"]],
  ],
  [
    "row security that is off",
    "alter table audit_log disable row level security",
    [["row security", "public.audit_log", "disable row level security"]],
  ],
  [
    "row security that binds the owner",
    "alter table audit_log force row level security",
    [["row security", "public.audit_log", " force row level security"]],
  ],
  [
    "a policy with another condition",
    "alter policy ledger_no_delete on tool_usage_ledger using (true)",
    [["policy", "ledger_no_delete", "using (true)"]],
  ],
  [
    "a policy that shows every firm's prices",
    "alter policy member_read_model_prices on model_prices using (true)",
    [["policy", "member_read_model_prices", "using (true)"]],
  ],
  [
    "a policy for another role",
    "alter policy chairman_read_ledger on tool_usage_ledger to anon",
    [["policy", "chairman_read_ledger", "to anon"]],
  ],
  [
    "a policy of another command",
    `drop policy authenticated_select_model_usage_log on model_usage_log;
     create policy authenticated_select_model_usage_log on model_usage_log for all to authenticated using (true)`,
    [["policy", "authenticated_select_model_usage_log", "for all"]],
  ],
  [
    "a policy that is restrictive now",
    `drop policy "Allow all for anon" on model_usage_log;
     create policy "Allow all for anon" on model_usage_log as restrictive for all to anon using (true) with check (true)`,
    [["policy", "Allow all for anon", "restrictive"]],
  ],
  [
    "a policy of another name",
    "alter policy ledger_no_update on tool_usage_ledger rename to renamed",
    [["policy", "ledger_no_update", "gone"], ["policy", "renamed", "added"]],
  ],
  [
    "an extra policy",
    "create policy everyone on llm_usage_log for select using (true)",
    [["policy", "everyone on public.llm_usage_log", "added"]],
  ],
  [
    "a rule",
    "create rule nothing as on insert to audit_log do instead nothing",
    [["rule", "nothing on public.audit_log", "added"]],
  ],
  [
    "an inheriting table",
    "create table heir () inherits (model_usage_log)",
    [
      ["guard", "guard_model_usage_log", "inherits"],
      ["inheritance", "public.heir", "added"],
    ],
  ],
  [
    "a log that became a partition",
    `create table whole (like model_usage_log) partition by range (captured_at);
     alter table whole attach partition model_usage_log default`,
    [
      ["guard", "guard_model_usage_log", "not a plain table"],
      ["inheritance", "public.model_usage_log", "added"],
    ],
  ],
  [
    "a foreign key with another action",
    `alter table audit_log drop constraint audit_log_user_id_fkey, add constraint audit_log_user_id_fkey
       foreign key (user_id) references users on delete cascade`,
    [
      ["capture", "capture_delete_audit_log", "not the function"],
      ["capture", "capture_insert_audit_log", "not the function"],
      ["capture", "capture_update_audit_log", "not the function"],
      ["foreign key", "audit_log_user_id_fkey", "ON DELETE CASCADE"],
      ["guard", "guard_audit_log", "not the function"],
    ],
  ],
  [
    "a foreign key with another action, and its guard written again",
    `alter table audit_log drop constraint audit_log_user_id_fkey, add constraint audit_log_user_id_fkey
       foreign key (user_id) references users on delete cascade;
     select ledger.guard('audit_log')`,
    [
      ["capture", "capture_delete_audit_log", "not the function"],
      ["capture", "capture_insert_audit_log", "not the function"],
      ["capture", "capture_update_audit_log", "not the function"],
      ["foreign key", "audit_log_user_id_fkey", "ON DELETE CASCADE"],
    ],
  ],
  [
    "a foreign key with an action that no guard can allow",
    `alter table audit_log drop constraint audit_log_user_id_fkey, add constraint audit_log_user_id_fkey
       foreign key (user_id) references users on update cascade`,
    [
      ["capture", "capture_delete_audit_log", "not the function"],
      ["capture", "capture_insert_audit_log", "not the function"],
      ["capture", "capture_update_audit_log", "not the function"],
      ["foreign key", "audit_log_user_id_fkey", "ON UPDATE CASCADE"],
      ["guard", "guard_audit_log", "wanted ON UPDATE NO ACTION or RESTRICT"],
    ],
  ],
  [
    "a foreign key that is gone",
    "alter table llm_usage_log drop constraint llm_usage_log_firm_id_fkey",
    [
      ["foreign key", "llm_usage_log_firm_id_fkey", "gone"],
      ["guard", "guard_llm_usage_log", "not the function"],
    ],
  ],
  [
    "details that outlive their call",
    "alter table llm_usage_details drop constraint llm_usage_details_id_fkey",
    [
      ["foreign key", "llm_usage_details_id_fkey", "gone"],
      ["guard", "guard_llm_usage_details", "not the function"],
    ],
  ],
  [
    "a foreign key whose triggers are off",
    "alter table cma_projects disable trigger all",
    [
      ["foreign key", "llm_budgets_cma_project_id_fkey", "not in force"],
      ["foreign key", "llm_usage_log_cma_project_id_fkey", "not in force"],
    ],
  ],
  [
    "a CHECK that is gone",
    "alter table model_usage_log drop constraint model_usage_log_phase_check",
    [["constraint", "model_usage_log_phase_check", "gone"]],
  ],
  [
    "a default that stamps another time",
    "alter table audit_log alter created_at set default '2020-01-01'",
    [["column", "audit_log.created_at", "2020-01-01"]],
  ],
  [
    "another trigger on a log",
    "create trigger t before update on audit_log for each row execute function suppress_redundant_updates_trigger()",
    [["trigger", "t on public.audit_log", "added"]],
  ],
  [
    "another owner",
    "alter table model_usage_log owner to service_role",
    [
      ["grant", "service_role on public.model_usage_log", "gone"],
      ["guard", "guard_model_usage_log", "not to the owner of the log"],
      ["owner", "public.model_usage_log", "owner to service_role"],
    ],
  ],
  [
    "a record function that runs as its owner",
    "alter function record_audit_log security definer",
    [["record function", "record_audit_log", "security definer"]],
  ],
  [
    "a record function without its search_path",
    "alter function record_audit_log reset search_path",
    [["record function", "record_audit_log", "settings TimeZone=UTC"]],
  ],
  [
    "a record function that anon may execute",
    "grant execute on function record_audit_log to anon",
    [["record function", "record_audit_log", "executable by anon"]],
  ],
  [
    "a record function that does something else",
    `create or replace function record_model_usage_log(events jsonb, atomic boolean default false, representation boolean default false)
       returns jsonb language sql security invoker set search_path = pg_catalog, pg_temp set timezone = 'UTC' as 'select ''[]''::jsonb'`,
    [["record function", "record_model_usage_log", "body"]],
  ],
  [
    "a second record function",
    "create function record_audit_log(x text) returns jsonb language sql as 'select null::jsonb'",
    [["record function", "record_audit_log(text)", "added"]],
  ],
  [
    "a role whose sessions run as a replica",
    "alter role service_role set session_replication_role = replica",
    [["setting", "role service_role", "session_replication_role=replica"]],
  ],
  [
    "a function that lends replica mode",
    "create function lend() returns int language sql set session_replication_role = replica as 'select 1'",
    [["setting", "lend()", "session_replication_role=replica"]],
  ],
  [
    "an unlogged table",
    "alter table audit_log set unlogged",
    [["storage", "public.audit_log", "unlogged"]],
  ],
  [
    "a log that is gone",
    "drop table tool_usage_ledger",
    [["log", "public.tool_usage_ledger", "missing"]],
  ],
  [
    "a log whose state was forgotten",
    "delete from ledger.accepted_state where log = 'audit_log'",
    [["log", "public.audit_log", "never accepted"]],
  ],
];
