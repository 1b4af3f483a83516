-- Members of a firm read their own firm's usage and audit trail. There is no
-- policy for writing: only the service role, which row security does not bind,
-- holds INSERT.

alter table public.llm_usage_log enable row level security;
alter table public.audit_log enable row level security;

create policy member_read_llm_usage_log on public.llm_usage_log
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
create policy member_read_audit_log on public.audit_log
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));

grant select on public.llm_usage_log, public.audit_log to authenticated;
