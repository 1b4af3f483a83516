/**
 * Two databases as projects have them before the first push, written from the
 * documents of their tables. They share no table, so a project can have both.
 *
 * @module
 */

/** What a project grants that was created before grants had to be explicit. */
const WIDE_GRANTS = `
  grant usage on schema public to anon, authenticated, service_role;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
  grant all on all tables in schema public to anon, authenticated, service_role;
  grant all on all functions in schema public to anon, authenticated, service_role;
  grant all on all sequences in schema public to anon, authenticated, service_role;
`;

/** Ids of the first database: two agents of one name, a tool, a venture, a chairman. */
export const AGENTS = [
  "a1000000-0000-4000-8000-000000000001",
  "a1000000-0000-4000-8000-000000000002",
];
export const TOOL_ID = "b1000000-0000-4000-8000-000000000001";
export const VENTURE_ID = "c1000000-0000-4000-8000-000000000001";
export const CHAIRMAN = "d1000000-0000-4000-8000-000000000001";

/** How many rows the document of model_usage_log counts. */
export const MODEL_USAGE_ROWS = 863;

/** The tables of the first database that the logs refer to, or that it has besides. */
export const FIRST_OTHERS = [
  "agent_registry",
  "tool_registry",
  "ventures",
  "chairmen",
];
export const FIRST_LOGS = ["model_usage_log", "tool_usage_ledger"] as const;

/** The first database: model_usage_log with its rows, and tool_usage_ledger beside its registries. */
export const FIRST_DATABASE = `
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

  create table public.agent_registry (
    id uuid primary key default gen_random_uuid(),
    name text, role text not null default 'worker', created_at timestamptz default now()
  );
  create table public.tool_registry (
    id uuid primary key default gen_random_uuid(),
    name varchar(80) not null, is_active boolean not null default true
  );
  create table public.ventures (
    id uuid primary key default gen_random_uuid(),
    title text not null, stage int not null default 1 check (stage between 1 and 40), budget numeric(20, 2)
  );
  create table public.chairmen (user_id uuid primary key);

  -- As such functions are usually written: no settings, and tables without their schema.
  create function public.fn_is_chairman() returns boolean language sql stable security definer as $$
    select exists (
      select 1 from chairmen c
      where c.user_id = (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid)
  $$;

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
  create index idx_ledger_agent on public.tool_usage_ledger (agent_id, created_at desc);
  create index idx_ledger_venture_cost on public.tool_usage_ledger (venture_id, created_at desc, cost_usd);
  alter table public.tool_usage_ledger enable row level security;
  create policy chairman_read_ledger on public.tool_usage_ledger
    for select to authenticated using (fn_is_chairman());
  create policy ledger_no_delete on public.tool_usage_ledger for delete to authenticated using (false);
  create policy ledger_no_update on public.tool_usage_ledger for update to authenticated using (false);
  create policy service_role_all_ledger on public.tool_usage_ledger
    for all to service_role using (true) with check (true);

  insert into public.agent_registry (id, name)
    values ('${AGENTS[0]}', 'planner'), ('${AGENTS[1]}', 'planner');
  insert into public.tool_registry (id, name) values ('${TOOL_ID}', 'search');
  insert into public.ventures (id, title) values ('${VENTURE_ID}', 'Venture');
  insert into public.chairmen values ('${CHAIRMAN}');
  insert into public.model_usage_log
  select md5('model usage ' || n)::uuid, case when n % 5 > 0 then 'session ' || n / 7 end,
    case when n % 3 > 0 then 'SD-' || n / 11 end,
    (array['LEAD', 'PLAN', 'EXEC', 'UNKNOWN', null])[n % 5 + 1], case when n % 2 > 0 then 'design' end,
    case when n % 4 > 0 then 'opus' end, 'Claude ' || n % 6, 'claude-' || n % 6, (array[true, false, null])[n % 3 + 1],
    case when n % 50 > 0 then timestamptz '2026-01-01 00:00:00.123456+00' + n * interval '37 minutes' end,
    case n % 4 when 0 then null when 1 then '{}' else jsonb_build_object('run', n, 'text', 'ü "' || n || '"') end
  from generate_series(1, ${MODEL_USAGE_ROWS}) n;
  ${WIDE_GRANTS}
`;

/** Rows of tool_usage_ledger, of which its document counts none. */
export const TOOL_USAGE_ROWS = `
  insert into public.tool_usage_ledger
  select md5('tool usage ' || n)::uuid, (array['${AGENTS[0]}', '${
  AGENTS[1]
}'])[n % 2 + 1]::uuid,
    case when n % 3 > 0 then '${VENTURE_ID}'::uuid end, '${TOOL_ID}', nullif(n * 10, 50), nullif(n * 0.001234, 0.006170),
    nullif(n, 3), timestamptz '2026-01-01 00:00+00' + n * interval '1 hour'
  from generate_series(1, 20) n;
`;

/** Ids of the second database: two firms, each with a user and a project of the same number. */
export const FIRMS = [
  "f1000000-0000-4000-8000-000000000001",
  "f1000000-0000-4000-8000-000000000002",
];
export const USERS = [
  "e1000000-0000-4000-8000-000000000001",
  "e1000000-0000-4000-8000-000000000002",
];
export const PROJECTS = [
  "91000000-0000-4000-8000-000000000001",
  "91000000-0000-4000-8000-000000000002",
];

export const SECOND_OTHERS = ["firms", "users", "cma_projects"];
export const SECOND_LOGS = ["llm_usage_log", "audit_log"] as const;
/** How many rows each log of the second database has. */
export const SECOND_ROWS = 120;

/** The second database: llm_usage_log and audit_log, without row security. */
export const SECOND_DATABASE = `
  create table public.firms (
    id uuid primary key default gen_random_uuid(),
    name text not null, plan text not null default 'trial', settings jsonb not null default '{}'
  );
  create table public.users (
    id uuid primary key,
    firm_id uuid not null references public.firms (id) on delete cascade,
    email text not null unique, full_name text, role text not null default 'member'
  );
  create table public.cma_projects (
    id uuid primary key default gen_random_uuid(),
    firm_id uuid not null references public.firms (id) on delete cascade,
    client_name text not null, status text not null default 'draft', created_by uuid references public.users (id)
  );
  create table public.llm_usage_log (
    id uuid primary key default gen_random_uuid(),
    firm_id uuid not null references public.firms (id) on delete cascade,
    cma_project_id uuid references public.cma_projects (id) on delete set null,
    model text not null,
    task_type text not null check (task_type in ('extraction', 'classification', 'validation', 'fallback')),
    input_tokens integer not null,
    output_tokens integer not null,
    cost_usd numeric(10, 6) not null,
    latency_ms integer,
    success boolean default true,
    error_message text,
    created_at timestamptz default now()
  );
  create index on public.llm_usage_log (firm_id);
  create index on public.llm_usage_log (cma_project_id);
  create index on public.llm_usage_log (created_at);
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
  create index on public.audit_log (firm_id);
  create index on public.audit_log (created_at);
  create index on public.audit_log (action);

  insert into public.firms (id, name) values ('${FIRMS[0]}', 'One'), ('${
  FIRMS[1]
}', 'Two');
  insert into public.users (id, firm_id, email)
    values ('${USERS[0]}', '${FIRMS[0]}', 'ada@one.example'), ('${
  USERS[1]
}', '${FIRMS[1]}', 'ben@two.example');
  insert into public.cma_projects (id, firm_id, client_name)
    values ('${PROJECTS[0]}', '${FIRMS[0]}', 'P1'), ('${PROJECTS[1]}', '${
  FIRMS[1]
}', 'P2');
  insert into public.llm_usage_log
  select md5('llm usage ' || n)::uuid, ('{${FIRMS}}'::uuid[])[n % 2 + 1],
    case when n % 3 > 0 then ('{${PROJECTS}}'::uuid[])[n % 2 + 1] end, 'gemini-2.0-flash',
    (array['extraction', 'classification', 'validation', 'fallback'])[n % 4 + 1], n * 10, n, n * 0.000124,
    nullif(n, 7), (array[true, false, null])[n % 3 + 1], case when n % 3 = 1 then 'It said "no"' end,
    case when n % 40 > 0 then timestamptz '2026-01-01 00:00+00' + n * interval '1 hour' end
  from generate_series(1, ${SECOND_ROWS}) n;
  insert into public.audit_log
  select md5('audit ' || n)::uuid, ('{${FIRMS}}'::uuid[])[n % 2 + 1],
    case when n % 3 > 0 then ('{${USERS}}'::uuid[])[n % 2 + 1] end, 'upload_file', 'uploaded_file',
    case when n % 2 > 0 then md5('file ' || n)::uuid end, case when n % 4 > 0 then jsonb_build_object('files', n) end,
    case when n % 5 > 0 then '203.0.113.' || n end, timestamptz '2026-01-01 00:00+00' + n * interval '1 hour'
  from generate_series(1, ${SECOND_ROWS}) n;
  ${WIDE_GRANTS}
`;
