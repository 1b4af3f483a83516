-- What each use of a tool by an agent consumed and cost.

create table public.tool_usage_ledger (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null references public.agent_registry (id),
  venture_id uuid references public.ventures (id),
  tool_id uuid not null references public.tool_registry (id),
  tokens_consumed integer default 0,
  cost_usd numeric(10, 6) default 0,
  execution_ms integer,
  created_at timestamptz not null default now()
);
comment on table public.tool_usage_ledger is 'Append-only: one row per use of a tool by an agent.';
create index idx_ledger_agent on public.tool_usage_ledger (agent_id, created_at desc);
create index idx_ledger_venture_cost on public.tool_usage_ledger (venture_id, created_at desc, cost_usd);

alter table public.tool_usage_ledger enable row level security;
create policy chairman_read_ledger on public.tool_usage_ledger
  for select to authenticated using (fn_is_chairman());
create policy ledger_no_delete on public.tool_usage_ledger
  for delete to authenticated using (false);
create policy ledger_no_update on public.tool_usage_ledger
  for update to authenticated using (false);
create policy service_role_all_ledger on public.tool_usage_ledger
  for all to service_role using (true) with check (true);

revoke all on public.tool_usage_ledger from public, anon, authenticated, service_role;
grant select on public.tool_usage_ledger to authenticated;
grant select, insert on public.tool_usage_ledger to service_role;

select ledger.create_record_function('tool_usage_ledger');
