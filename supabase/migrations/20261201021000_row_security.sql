-- Row security of llm_usage_log and audit_log: a member of a firm reads its rows. The two
-- tables are documented to be created without it, so until here only the service role
-- has privileges on them.
--
-- No policy is for writing: INSERT belongs to the service role, which row security does
-- not bind.

alter table public.llm_usage_log enable row level security;
create policy member_read_llm_usage_log on public.llm_usage_log
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
grant select on public.llm_usage_log to authenticated;

alter table public.audit_log enable row level security;
create policy member_read_audit_log on public.audit_log
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
grant select on public.audit_log to authenticated;
