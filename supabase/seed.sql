-- A small demo world with fixed ids, for trying things out. Loaded into a fresh
-- local database; `supabase db push` loads it only with --include-seed.

insert into public.firms (id, name) values
  ('10000000-0000-4000-8000-000000000001', 'First Firm'),
  ('10000000-0000-4000-8000-000000000002', 'Second Firm')
on conflict do nothing;

insert into public.users (id, firm_id, email) values
  ('20000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'ada@first.example'),
  ('20000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000002', 'ben@second.example')
on conflict do nothing;

insert into public.cma_projects (id, firm_id, name) values
  ('30000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'First project'),
  ('30000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000002', 'Second project')
on conflict do nothing;

insert into public.agent_registry (id, name) values
  ('40000000-0000-4000-8000-000000000001', 'research-agent')
on conflict do nothing;

insert into public.tool_registry (id, name) values
  ('50000000-0000-4000-8000-000000000001', 'web-search')
on conflict do nothing;

insert into public.ventures (id, name) values
  ('60000000-0000-4000-8000-000000000001', 'First venture')
on conflict do nothing;
