-- Which model a sub-agent reported to be, against the one it was configured for.

create table public.model_usage_log (
  id uuid primary key default gen_random_uuid(),
  session_id text,
  sd_id text,
  phase text check (phase in ('LEAD', 'PLAN', 'EXEC', 'UNKNOWN')),
  subagent_type text,
  subagent_configured_model text,
  reported_model_name text not null,
  reported_model_id text not null,
  config_matches_reported boolean,
  captured_at timestamptz default now(),
  metadata jsonb default '{}'::jsonb
);
comment on table public.model_usage_log is 'Append-only: one row per model that a session or sub-agent reported.';
create index idx_model_usage_sd on public.model_usage_log (sd_id);
create index idx_model_usage_subagent on public.model_usage_log (subagent_type);
create index idx_model_usage_time on public.model_usage_log (captured_at desc);

alter table public.model_usage_log enable row level security;
create policy "Allow all for anon" on public.model_usage_log
  for all to anon using (true) with check (true);
create policy authenticated_insert_model_usage_log on public.model_usage_log
  for insert to authenticated with check (true);
create policy authenticated_select_model_usage_log on public.model_usage_log
  for select to authenticated using (true);

-- The policy for anon says ALL; the grants say what of it is possible.
revoke all on public.model_usage_log from public, anon, authenticated, service_role;
grant select, insert on public.model_usage_log to anon, authenticated, service_role;

select ledger.create_record_function('model_usage_log');
