-- What model calls cost, and who did what. Row security follows in a migration
-- of its own; until then nobody but the service role holds any privilege.

create table public.llm_usage_log (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references public.firms (id) on delete cascade,
  cma_project_id uuid references public.cma_projects (id) on delete set null,
  model text not null,
  task_type text not null
    check (task_type in ('extraction', 'classification', 'validation', 'fallback')),
  input_tokens integer not null,
  output_tokens integer not null,
  cost_usd numeric(10, 6) not null,
  latency_ms integer,
  success boolean default true,
  error_message text,
  created_at timestamptz default now()
);
comment on table public.llm_usage_log is 'Append-only: one row per LLM call, for billing and debugging.';
create index idx_llm_usage_log_firm_id on public.llm_usage_log (firm_id);
create index idx_llm_usage_log_cma_project_id on public.llm_usage_log (cma_project_id);
create index idx_llm_usage_log_created_at on public.llm_usage_log (created_at);

create table public.audit_log (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references public.firms (id) on delete cascade,
  user_id uuid references public.users (id) on delete set null,
  action text not null,
  entity_type text not null,
  entity_id uuid,
  metadata jsonb,
  ip_address text,
  created_at timestamptz default now()
);
comment on table public.audit_log is
  'Append-only: who did what to which entity. metadata holds references and counts, never financial data.';
create index idx_audit_log_firm_id on public.audit_log (firm_id);
create index idx_audit_log_created_at on public.audit_log (created_at);
create index idx_audit_log_action on public.audit_log (action);

revoke all on public.llm_usage_log, public.audit_log
  from public, anon, authenticated, service_role;
grant select, insert on public.llm_usage_log, public.audit_log to service_role;

select ledger.create_record_function('llm_usage_log', same_firm => '{cma_project_id}');
select ledger.create_record_function('audit_log', actor => 'user_id');
