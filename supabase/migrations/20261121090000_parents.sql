-- The tables that the logs refer to, each created only where it is missing: a
-- project that already has its own keeps it as it is, columns, policies, grants
-- and rows.

-- Tables that this role creates later in this schema start with no privileges
-- for the API roles: a grant is always written down.
alter default privileges in schema public
  revoke all on tables from anon, authenticated, service_role;

create schema ledger;
comment on schema ledger is 'Machinery of the append-only logs. Not exposed by the REST API.';

do $parents$
declare
  created text[] := '{}';
  parent record;
begin
  if to_regclass('public.firms') is null then
    create table public.firms (
      id uuid primary key default gen_random_uuid(),
      name text not null,
      created_at timestamptz not null default now()
    );
    comment on table public.firms is 'A tenant.';
    created := created || 'firms'::text;
  end if;

  if to_regclass('public.users') is null then
    create table public.users (
      id uuid primary key default gen_random_uuid(),
      firm_id uuid not null references public.firms (id) on delete cascade,
      email text,
      created_at timestamptz not null default now()
    );
    create index users_firm_id_idx on public.users (firm_id);
    comment on table public.users is 'A member of a firm; id is the subject of her tokens.';
    created := created || 'users'::text;
  elsif not exists (
    select from pg_attribute
    where attrelid = 'public.users'::regclass and attname = 'firm_id' and not attisdropped
  ) then
    raise exception 'public.users has no column firm_id, which must name the firm that a user belongs to: add it, then push again';
  end if;

  if to_regclass('public.cma_projects') is null then
    create table public.cma_projects (
      id uuid primary key default gen_random_uuid(),
      firm_id uuid not null references public.firms (id) on delete cascade,
      name text not null,
      created_at timestamptz not null default now()
    );
    create index cma_projects_firm_id_idx on public.cma_projects (firm_id);
    comment on table public.cma_projects is 'A project of a firm.';
    created := created || 'cma_projects'::text;
  end if;

  if to_regclass('public.agent_registry') is null then
    create table public.agent_registry (
      id uuid primary key default gen_random_uuid(),
      name text not null unique,
      created_at timestamptz not null default now()
    );
    comment on table public.agent_registry is 'An agent that uses tools.';
    created := created || 'agent_registry'::text;
  end if;

  if to_regclass('public.tool_registry') is null then
    create table public.tool_registry (
      id uuid primary key default gen_random_uuid(),
      name text not null unique,
      created_at timestamptz not null default now()
    );
    comment on table public.tool_registry is 'A tool that agents use.';
    created := created || 'tool_registry'::text;
  end if;

  if to_regclass('public.ventures') is null then
    create table public.ventures (
      id uuid primary key default gen_random_uuid(),
      name text not null,
      created_at timestamptz not null default now()
    );
    comment on table public.ventures is 'What an agent works for.';
    created := created || 'ventures'::text;
  end if;

  -- The claims are read as PostgREST passes them on, not by auth.jwt(), so that
  -- a database without Supabase's auth schema works too.
  if to_regprocedure('public.fn_is_chairman()') is null then
    create function public.fn_is_chairman() returns boolean
    language sql stable set search_path = ''
    as $$
      select coalesce(
        nullif(current_setting('request.jwt.claims', true), '')::jsonb
          #>> '{app_metadata,role}' = 'chairman',
        false)
    $$;
    comment on function public.fn_is_chairman() is
      'True when the caller''s JWT carries app_metadata.role = chairman.';
    revoke all on function public.fn_is_chairman() from public, anon;
    grant execute on function public.fn_is_chairman() to authenticated, service_role;
  end if;

  -- SECURITY DEFINER, because the caller may not be allowed to read
  -- public.users; it tells her nothing but her own firm.
  create function ledger.member_firm_id() returns uuid
  language sql stable security definer set search_path = ''
  as $$
    select u.firm_id from public.users u
    where u.id = (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
  $$;
  comment on function ledger.member_firm_id() is
    'The firm of the user whose JWT the request carries; NULL when there is none.';
  revoke all on function ledger.member_firm_id() from public;
  grant execute on function ledger.member_firm_id() to authenticated;

  for parent in
    select * from (values
      ('firms', 'member_read_firms', 'id = (select ledger.member_firm_id())'),
      ('users', 'member_read_users', 'firm_id = (select ledger.member_firm_id())'),
      ('cma_projects', 'member_read_cma_projects', 'firm_id = (select ledger.member_firm_id())'),
      ('agent_registry', 'chairman_read_agent_registry', '(select public.fn_is_chairman())'),
      ('tool_registry', 'chairman_read_tool_registry', '(select public.fn_is_chairman())'),
      ('ventures', 'chairman_read_ventures', '(select public.fn_is_chairman())')
    ) as t (name, policy, condition)
  loop
    if parent.name = any (created) then
      execute format('alter table public.%I enable row level security', parent.name);
      execute format('create policy %I on public.%I for select to authenticated using (%s)',
        parent.policy, parent.name, parent.condition);
      execute format('revoke all on public.%I from public, anon, authenticated, service_role', parent.name);
      execute format('grant select on public.%I to authenticated', parent.name);
      execute format('grant select, insert, update, delete on public.%I to service_role', parent.name);
    elsif not has_table_privilege('service_role', format('public.%I', parent.name), 'select') then
      raise warning 'service_role may not read public.%, so recording fails for every event that refers to it: grant select on public.% to service_role',
        parent.name, parent.name;
    end if;
  end loop;
end
$parents$;
