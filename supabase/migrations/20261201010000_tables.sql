-- The documented tables: created where they are missing, taken over where a project has
-- them already. Everything here happens in one transaction, before anything else is
-- touched, and either the whole of it or nothing.
--
-- Each table is first drafted, as documented, in a schema of its own. A table that
-- public lacks is moved there from the drafts. A log that public has is compared with
-- its draft: it must hold what the document says, may hold more, and gains the indexes,
-- policies and grants that it lacks. Tables that the logs refer to stay as they are,
-- and need only the columns that are used.

do $$
begin
  if to_regnamespace('ledger') is not null then
    raise exception 'this database has a schema ledger, so nothing was changed: %', case
        when to_regclass('ledger.logs') is not null then 'these migrations were applied already'
        else 'rename it (alter schema ledger rename to ledger_before), then push again' end
      using errcode = '42P06';
  end if;
end
$$;

create schema ledger;
comment on schema ledger is 'Machinery of the append-only logs. Not exposed by the REST API.';
grant usage on schema ledger to authenticated, service_role;

-- The registry of logs: whatever treats a log by its columns reads them here. A log may
-- hold further columns of the project's own; recording leaves them to their defaults,
-- reading does not show them, and evidence does not cover them.
create table ledger.logs (
  name name primary key,
  columns name[] not null,
  committed name[] not null default '{}',
  details name
);
comment on table ledger.logs is 'The logs, each a table in public.';
comment on column ledger.logs.columns is 'The documented columns, in the document''s order.';
comment on column ledger.logs.committed is
  'Columns that a leaf holds only as salted commitments, beside the foreign keys that a deleted parent nulls.';
comment on column ledger.logs.details is
  'The side table in public whose primary key refers to the log''s, and whose columns a row shows too; NULL for none.';
revoke all on ledger.logs from public, anon, authenticated, service_role;

grant select on ledger.logs to authenticated, service_role;

create function ledger.log_columns(log name)
returns table (name name, type regtype, type_name text, is_nulled boolean, "position" int)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod),
    exists (
      select from pg_constraint k
      where k.conrelid = a.attrelid and k.contype = 'f' and k.confdeltype = 'n' and k.conkey = array[a.attnum]),
    c.position::int
  from ledger.logs l
  cross join lateral unnest(l.columns) with ordinality c (name, position)
  join pg_attribute a on a.attrelid = to_regclass(format('public.%I', l.name)) and a.attname = c.name
  where l.name = log
$$;
comment on function ledger.log_columns(name) is
  'The documented columns of a log, in their order; is_nulled where a deleted parent nulls the column.';
revoke all on function ledger.log_columns(name) from public;
grant execute on function ledger.log_columns(name) to authenticated, service_role;

-- SECURITY DEFINER, because the caller may not be allowed to read public.users; it
-- reveals only the caller's own firm. Its body names a table that may not be there yet.
do $$ begin perform set_config('check_function_bodies', 'off', true); end $$;

create function ledger.member_firm_id() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select u.firm_id from public.users u
  where u.id = (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
comment on function ledger.member_firm_id() is
  'The firm of the user whose JWT the request carries, or NULL.';
revoke all on function ledger.member_firm_id() from public;
grant execute on function ledger.member_firm_id() to authenticated;

do $$ begin perform set_config('check_function_bodies', 'on', true); end $$;

do $$
begin
  if to_regprocedure('public.fn_is_chairman()') is null then
    -- The claims are read as PostgREST passes them on, not by auth.jwt(), so that a
    -- database without Supabase's auth schema works too.
    create function public.fn_is_chairman() returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
    as $body$
      select coalesce(
        nullif(current_setting('request.jwt.claims', true), '')::jsonb
          #>> '{app_metadata,role}' = 'chairman',
        false)
    $body$;
    comment on function public.fn_is_chairman() is
      'True when the caller''s JWT carries app_metadata.role = chairman.';
    revoke all on function public.fn_is_chairman() from public, anon;
    grant execute on function public.fn_is_chairman() to authenticated, service_role;
  end if;
end
$$;

-- The drafts: first the tables that the logs refer to.

create schema ledger_draft;

create table ledger_draft.firms (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  created_at timestamptz not null default now()
);
comment on table ledger_draft.firms is 'A tenant.';

create table ledger_draft.users (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references ledger_draft.firms (id) on delete cascade,
  email text,
  created_at timestamptz not null default now()
);
create index users_firm_id_idx on ledger_draft.users (firm_id);
comment on table ledger_draft.users is 'A member of a firm; id is the subject of the user''s tokens.';

create table ledger_draft.cma_projects (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references ledger_draft.firms (id) on delete cascade,
  name text not null,
  created_at timestamptz not null default now()
);
create index cma_projects_firm_id_idx on ledger_draft.cma_projects (firm_id);
comment on table ledger_draft.cma_projects is 'A project of a firm.';

create table ledger_draft.agent_registry (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  created_at timestamptz not null default now()
);
comment on table ledger_draft.agent_registry is 'An agent that uses tools.';

create table ledger_draft.tool_registry (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  created_at timestamptz not null default now()
);
comment on table ledger_draft.tool_registry is 'A tool that agents use.';

create table ledger_draft.ventures (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  created_at timestamptz not null default now()
);
comment on table ledger_draft.ventures is 'A venture that agents work for.';

create policy member_read_firms on ledger_draft.firms
  for select to authenticated using (id = (select ledger.member_firm_id()));
create policy member_read_users on ledger_draft.users
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
create policy member_read_cma_projects on ledger_draft.cma_projects
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));

-- The logs. What model calls cost:
create table ledger_draft.llm_usage_log (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references ledger_draft.firms (id) on delete cascade,
  cma_project_id uuid references ledger_draft.cma_projects (id) on delete set null,
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
comment on table ledger_draft.llm_usage_log is 'Append-only: one row per LLM call, for billing and debugging.';
create index idx_llm_usage_log_firm_id on ledger_draft.llm_usage_log (firm_id);
create index idx_llm_usage_log_cma_project_id on ledger_draft.llm_usage_log (cma_project_id);
create index idx_llm_usage_log_created_at on ledger_draft.llm_usage_log (created_at);

-- Who did what:
create table ledger_draft.audit_log (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references ledger_draft.firms (id) on delete cascade,
  user_id uuid references ledger_draft.users (id) on delete set null,
  action text not null,
  entity_type text not null,
  entity_id uuid,
  metadata jsonb,
  ip_address text,
  created_at timestamptz default now()
);
comment on table ledger_draft.audit_log is
  'Append-only: one row per audited action. metadata holds references and counts, never financial data.';
create index idx_audit_log_firm_id on ledger_draft.audit_log (firm_id);
create index idx_audit_log_created_at on ledger_draft.audit_log (created_at);
create index idx_audit_log_action on ledger_draft.audit_log (action);

-- What each use of a tool by an agent consumed and cost:
create table ledger_draft.tool_usage_ledger (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null references ledger_draft.agent_registry (id),
  venture_id uuid references ledger_draft.ventures (id),
  tool_id uuid not null references ledger_draft.tool_registry (id),
  tokens_consumed integer default 0,
  cost_usd numeric(10, 6) default 0,
  execution_ms integer,
  created_at timestamptz not null default now()
);
comment on table ledger_draft.tool_usage_ledger is 'Append-only: one row per use of a tool by an agent.';
create index idx_ledger_agent on ledger_draft.tool_usage_ledger (agent_id, created_at desc);
create index idx_ledger_venture_cost on ledger_draft.tool_usage_ledger (venture_id, created_at desc, cost_usd);

-- Which model a sub-agent reported to be, against the one it was configured for:
create table ledger_draft.model_usage_log (
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
comment on table ledger_draft.model_usage_log is
  'Append-only: one row per model that a session or sub-agent reported.';
create index idx_model_usage_sd on ledger_draft.model_usage_log (sd_id);
create index idx_model_usage_subagent on ledger_draft.model_usage_log (subagent_type);
create index idx_model_usage_time on ledger_draft.model_usage_log (captured_at desc);

-- Reading needs more than the documents' indexes: a page and a month of one firm, the
-- history of an entity, and a page of the ledger without an agent or a venture.
create index idx_llm_usage_log_firm_id_created_at on ledger_draft.llm_usage_log (firm_id, created_at);
create index idx_audit_log_firm_id_created_at on ledger_draft.audit_log (firm_id, created_at);
create index idx_audit_log_entity_id on ledger_draft.audit_log (entity_id);
create index idx_tool_usage_ledger_created_at on ledger_draft.tool_usage_ledger (created_at);

-- Members read their own firm's usage and audit trail. No policy lets a user write: only
-- the service role, which row security does not bind, holds INSERT.
create policy member_read_llm_usage_log on ledger_draft.llm_usage_log
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
create policy member_read_audit_log on ledger_draft.audit_log
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));

-- A fn_is_chairman of the project's own that returns something else is a difference, which
-- is reported below together with the others.
do $$
begin
  if (select f.prorettype from pg_catalog.pg_proc f where f.oid = to_regprocedure('public.fn_is_chairman()'))
    = 'boolean'::regtype then
    create policy chairman_read_agent_registry on ledger_draft.agent_registry
      for select to authenticated using ((select public.fn_is_chairman()));
    create policy chairman_read_tool_registry on ledger_draft.tool_registry
      for select to authenticated using ((select public.fn_is_chairman()));
    create policy chairman_read_ventures on ledger_draft.ventures
      for select to authenticated using ((select public.fn_is_chairman()));
    create policy chairman_read_ledger on ledger_draft.tool_usage_ledger
      for select to authenticated using (public.fn_is_chairman());
  end if;
end
$$;
create policy ledger_no_delete on ledger_draft.tool_usage_ledger
  for delete to authenticated using (false);
create policy ledger_no_update on ledger_draft.tool_usage_ledger
  for update to authenticated using (false);
create policy service_role_all_ledger on ledger_draft.tool_usage_ledger
  for all to service_role using (true) with check (true);

create policy "Allow all for anon" on ledger_draft.model_usage_log
  for all to anon using (true) with check (true);
create policy authenticated_insert_model_usage_log on ledger_draft.model_usage_log
  for insert to authenticated with check (true);
create policy authenticated_select_model_usage_log on ledger_draft.model_usage_log
  for select to authenticated using (true);

do $$
declare
  draft regclass;
begin
  for draft in
    select oid from pg_catalog.pg_class where relnamespace = 'ledger_draft'::regnamespace and relkind = 'r'
  loop
    execute format('alter table %s enable row level security', draft);
    execute format('revoke all on %s from public, anon, authenticated, service_role', draft);
    execute format('grant select on %s to authenticated', draft);
  end loop;
end
$$;
-- Deleting a parent deletes rows of logs, which is for the owner to do.
grant select, insert, update on ledger_draft.firms, ledger_draft.users, ledger_draft.cma_projects,
  ledger_draft.agent_registry, ledger_draft.tool_registry, ledger_draft.ventures to service_role;
grant select, insert on ledger_draft.llm_usage_log, ledger_draft.audit_log, ledger_draft.tool_usage_ledger,
  ledger_draft.model_usage_log to service_role;
-- The policy for anon says ALL; the grants say what of it is possible.
grant select, insert on ledger_draft.model_usage_log to anon, authenticated;

insert into ledger.logs (name, columns)
select c.relname, array_agg(a.attname order by a.attnum)
from pg_catalog.pg_class c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = 'ledger_draft'::regnamespace
  and c.relname in ('llm_usage_log', 'audit_log', 'tool_usage_ledger', 'model_usage_log')
group by c.relname;

-- What keeps a table from having a guard (the next migration), each with what to do.
create function ledger.guard_obstacles(log_table regclass)
returns table (problem text, remedy text, constraint_id oid)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select 'it is not a plain table', format('alter table %s rename to %I', log_table, c.relname || '_before'), null::oid
  from pg_class c where c.oid = log_table and c.relkind <> 'r'
  union all
  select case when c.relispartition and c.oid = log_table then
      format('it is not a plain table, but a partition of %s', i.inhparent::regclass)
    else
      format('%s inherits from %s, and the rows of a child have no guard', c.oid::regclass, i.inhparent::regclass) end,
    format(case when c.relispartition then 'alter table %2$s detach partition %1$s'
      else 'alter table %s no inherit %s' end, c.oid::regclass, i.inhparent::regclass),
    null
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where log_table in (i.inhparent, i.inhrelid)
  union all
  select format('it has a generated column, %I, whose value a BEFORE trigger cannot compare', a.attname),
    format('alter table %s alter column %I drop expression', log_table, a.attname), null
  from pg_attribute a where a.attrelid = log_table and a.attgenerated <> ''
  union all
  select format('foreign key %s: %s', k.conname, t.problem), t.remedy, case when t.position <= 3 then k.oid end
  from pg_constraint k
  join pg_class p on p.oid = k.confrelid
  join pg_class c on c.oid = k.conrelid
  join pg_roles o on o.oid = c.relowner
  cross join lateral (values
    (1, k.confupdtype not in ('a', 'r'),
      'a change of the parent''s key would change the log: wanted ON UPDATE NO ACTION or RESTRICT',
      format('alter table %s drop constraint %I, add constraint %2$I %s', log_table, k.conname,
        regexp_replace(pg_get_constraintdef(k.oid), ' ON UPDATE (CASCADE|SET NULL|SET DEFAULT)', ''))),
    (2, k.confdeltype = 'd',
      'SET DEFAULT would put another value in the place of the recorded one: '
        'wanted SET NULL, CASCADE, RESTRICT or NO ACTION',
      format('alter table %s drop constraint %I, add constraint %2$I %s', log_table, k.conname,
        replace(pg_get_constraintdef(k.oid), ' ON DELETE SET DEFAULT', ''))),
    (3, k.confdeltype in ('n', 'c') and not k.convalidated,
      'a row may refer to nothing, and would pass for one whose parent is gone: validate the constraint first',
      format('alter table %s validate constraint %I', log_table, k.conname)),
    (4, k.confdeltype in ('n', 'c') and (
        not has_schema_privilege(o.oid, p.relnamespace, 'usage') or exists (
          select from unnest(k.confkey) column_number
          where not has_column_privilege(o.oid, k.confrelid, column_number, 'select'))),
      format('%s, who owns the log, may not read %s, so the guard could not see whether a row is gone',
        o.rolname, k.confrelid::regclass),
      format('grant select on %s to %I', k.confrelid::regclass, o.rolname)),
    (5, k.confdeltype in ('n', 'c') and p.relrowsecurity and not (o.rolsuper or o.rolbypassrls
        or pg_has_role(o.oid, p.relowner, 'usage') and not p.relforcerowsecurity),
      format('row security can hide rows of %s from %s, who owns the log, so a living row could pass for gone',
        k.confrelid::regclass, o.rolname),
      format('let the owner bypass it: alter role %I bypassrls', o.rolname))
  ) t (position, applies, problem, remedy)
  where k.conrelid = log_table and k.contype = 'f'
    and k.conparentid = 0  -- else: the copy of a key for one partition of its parent
    and t.applies
$$;
comment on function ledger.guard_obstacles(regclass) is
  'What keeps a log from having a guard, each with what to do about it; no row when nothing does. '
  'constraint_id is that of a foreign key whose definition is at fault.';
revoke all on function ledger.guard_obstacles(regclass) from public;

-- A constraint of either schema, so that equal ones are equal texts: the order of the
-- values that a CHECK lists does not matter.
create function ledger_draft.constraint_text(constraint_id oid) returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select regexp_replace(d.text, '''[^'']*''', '?', 'g')
    || coalesce((select string_agg(m[1], ',' order by m[1]) from regexp_matches(d.text, '''[^'']*''', 'g') m), '')
  from (select replace(pg_get_constraintdef(constraint_id), 'ledger_draft.', 'public.') as text) d
$$;

-- A default, so that those that make the same value are equal texts.
create function ledger_draft.default_text(expression text) returns text
language sql immutable set search_path = pg_catalog, pg_temp
as $$
  select case
    when expression in ('now()', 'CURRENT_TIMESTAMP', 'transaction_timestamp()', 'timezone(''utc''::text, now())')
      then 'now()'
    when expression ~ '^(\w+\.)?(gen_random_uuid|uuid_generate_v4)\(\)$' then 'gen_random_uuid()'
    else expression end
$$;

-- An index without its name and table: equal for indexes that serve the same queries.
create function ledger_draft.index_text(index_id regclass) returns text
language sql stable set search_path = pg_catalog, pg_temp
as $$ select substr(d.text, strpos(d.text, ' USING ')) from (select pg_get_indexdef(index_id) as text) d $$;

-- How the tables of this project differ from the document, so that they cannot be taken
-- over: all differences of all tables, each with the statement that mends it.
create function ledger_draft.differences()
returns table (object text, problem text, remedy text)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  with pair as (
    select d.oid::regclass as draft, t.oid::regclass as found, d.relname as name, t.relkind as kind,
      t.relpersistence as persistence, t.relowner as owner,
      exists (select from ledger.logs l where l.name = d.relname) as is_log
    from pg_class d join pg_class t on t.relname = d.relname and t.relnamespace = 'public'::regnamespace
    where d.relnamespace = 'ledger_draft'::regnamespace and d.relkind = 'r'
  ), log as (
    select * from pair where is_log and kind = 'r'
  ), wanted_column as (
    -- Of a table that the logs refer to only the key and the firm are used.
    select p.found, p.is_log, a.attname as name, a.attnum as position,
      format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as is_required,
      pg_get_expr(v.adbin, v.adrelid) as default_value,
      f.attnum as found_position, format_type(f.atttypid, f.atttypmod) as found_type, f.attnotnull as found_is_required,
      pg_get_expr(fv.adbin, fv.adrelid) as found_default
    from pair p
    join pg_attribute a on a.attrelid = p.draft and a.attnum > 0
    left join pg_attrdef v on v.adrelid = a.attrelid and v.adnum = a.attnum
    left join pg_attribute f on f.attrelid = p.found and f.attname = a.attname and f.attnum > 0 and not f.attisdropped
    left join pg_attrdef fv on fv.adrelid = f.attrelid and fv.adnum = f.attnum
    where p.kind in ('r', 'p') and (p.is_log or a.attname in ('id', 'firm_id'))
  ), wanted_constraint as (
    select l.found, k.oid, k.conname as name, k.contype as kind, k.conkey,
      replace(pg_get_constraintdef(k.oid), 'ledger_draft.', 'public.') as definition,
      ledger_draft.constraint_text(k.oid) as text,
      -- Where the parent is missing too, the rows of the log say which of its rows there were.
      case when k.contype = 'f' and to_regclass(format('public.%I', p.relname)) is null then format(
        'create table if not exists public.%1$I (id uuid primary key%2$s); '
        'alter table public.%1$I enable row level security; '
        'insert into public.%1$I select distinct on (%3$I) %3$I%4$s from %5$s where %3$I is not null '
        'on conflict do nothing; ',
        p.relname, case when p.has_firm then ', firm_id uuid' else '' end,
        (select a.attname from pg_attribute a where a.attrelid = k.conrelid and a.attnum = k.conkey[1]),
        case when p.has_firm then ', firm_id' else '' end, l.found) else '' end as parent_first,
      -- The columns, by their numbers in the table that was found.
      (select array_agg(f.attnum order by u.n) from unnest(k.conkey) with ordinality u (attnum, n)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
        join pg_attribute f on f.attrelid = l.found and f.attname = a.attname) as found_key
    from log l join pg_constraint k on k.conrelid = l.draft and k.contype in ('p', 'f', 'c')
    left join lateral (
      select c.relname, exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'firm_id') as has_firm
      from pg_class c where c.oid = k.confrelid) p on true
  )
  select d.object, d.problem, d.remedy from (
    select 1 as rank, found as table_found, found::text as object, 'is not a plain table' as problem,
      format('alter table %s rename to %I', found, name || '_before') as remedy
    from pair where not (kind = 'r' or kind = 'p' and not is_log)
    union all
    select 1, c.oid::regclass, c.oid::regclass::text, 'has the name of a table that this project adds',
      format('alter table %s rename to %I', c.oid::regclass, c.relname || '_before')
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind <> 'c'
      and c.relname in ('llm_usage_details', 'llm_usage_ratings', 'llm_budgets', 'model_prices')
    union all
    select 1, null, 'public.' || r.name, format('has the name of %s that this project adds', r.kind), r.remedy
    from (
      select f.proname as name, 'a function' as kind,
        format('alter function %s rename to %I', f.oid::regprocedure, f.proname || '_before') as remedy
      from pg_proc f where f.pronamespace = 'public'::regnamespace and f.proname = any (array[
        'record_llm_usage_log', 'record_audit_log', 'record_tool_usage_ledger', 'record_model_usage_log',
        'list_log', 'summarise_log', 'look_up_registries', 'import_model_prices', 'rate_llm_usage',
        'set_llm_budget', 'read_llm_budgets', 'reserve_llm_budget', 'seal_ledger', 'read_ledger_state',
        'read_ledger_tiles', 'read_ledger_entries', 'read_ledger_checkpoints', 'export_ledger',
        'export_pending_leaves', 'read_unsealed_rows', 'add_ledger_checkpoint', 'read_witnessed',
        'witness_checkpoint', 'enter_model_price', 'record_as_producer', 'find_producer_key', 'add_producer_key',
        'rotate_producer_key', 'revoke_producer_key', 'list_producer_keys'])
      union all
      select x.relname, 'an index', format('alter index %s rename to %I', x.oid::regclass, 'before_' || x.relname)
      from pg_class x where x.relnamespace = 'public'::regnamespace and x.relkind in ('i', 'I')
        and x.relname ~ '^(llm_usage_(details|ratings)|llm_budgets|model_prices)_'
      union all
      select t.typname, 'a table', format('alter type %s rename to %I', t.oid::regtype, t.typname || '_before')
      from pg_type t left join pg_class c on c.oid = t.typrelid
      where t.typnamespace = 'public'::regnamespace and (t.typrelid = 0 or c.relkind = 'c')
        and t.typname in (select d.relname from pg_class d where d.relnamespace = 'ledger_draft'::regnamespace
          union all select unnest(array['llm_usage_details', 'llm_usage_ratings', 'llm_budgets', 'model_prices']))
    ) r
    union all
    select 2, l.found, l.found::text, 'is a log that cannot be guarded: ' || o.problem, o.remedy
    from log l cross join lateral ledger.guard_obstacles(l.found) o
    -- A documented key is reported below, with its whole definition.
    where not exists (
      select from wanted_constraint w join pg_constraint k on k.conrelid = w.found and k.conkey = w.found_key
      where w.found = l.found and w.kind = 'f' and k.oid = o.constraint_id)
    union all
    select 2, l.found, format('%I on %s', t.tgname, l.found),
      'is a trigger with the name of one that this project adds',
      format('alter trigger %I on %s rename to %I', t.tgname, l.found, t.tgname || '_before')
    from log l join pg_trigger t on t.tgrelid = l.found and not t.tgisinternal
    where t.tgname ~ '^(guard_(statement|before|after)|capture_(insert|update|delete))$'
    union all
    select 2, l.found, format('%I on %s', r.rulename, l.found), 'is a rule, beside which no event can be recorded',
      format('drop rule %I on %s', r.rulename, l.found)
    from log l join pg_rewrite r on r.ev_class = l.found
    union all
    select 3, found, found::text, 'is unlogged, so a crash empties it', format('alter table %s set logged', found)
    from log where persistence = 'u'
    union all
    select 3, found, found::text, format('belongs to %s, so %s cannot guard it', pg_get_userbyid(owner), current_user),
      format('alter table %s owner to %I', found, current_user)
    -- A guard belongs to the owner of its log, in a schema that only the migrations' owner can add to.
    from log where not exists (
      select from pg_roles r where r.rolname = current_user and (r.oid = owner or r.rolsuper))
    union all
    select 4, found, format('%s.%I', found, name), 'is missing',
      format('alter table %s add column %I %s%s%s', found, name, type, coalesce(' default ' || default_value, ''),
        case
          when not is_required or not is_log and name <> 'id' then ''
          when default_value is not null then ' not null'
          else format('; /* give it a value in every row */ alter table %s alter column %I set not null',
            found, name) end)
    from wanted_column where found_position is null
    union all
    select 5, found, format('%s.%I', found, name), format('is of type %s; the document says %s', found_type, type),
      format('alter table %s alter column %I type %s using %2$I::%3$s', found, name, type)
    from wanted_column where found_type <> type
    union all
    select 6, found, format('%s.%I', found, name), case when is_required then 'takes NULL; the document says NOT NULL'
        else 'is NOT NULL; the document says that it takes NULL' end,
      format('alter table %s alter column %I %s not null', found, name,
        case when is_required then 'set' else 'drop' end)
    from wanted_column where is_log and found_is_required <> is_required
    union all
    select 7, found, format('%s.%I', found, name),
      format('has %s; the document says %s', coalesce('DEFAULT ' || found_default, 'no default'),
        coalesce('DEFAULT ' || default_value, 'that it has none')),
      format('alter table %s alter column %I %s', found, name,
        coalesce('set default ' || default_value, 'drop default'))
    from wanted_column
    where is_log and found_position is not null
      and ledger_draft.default_text(found_default) is distinct from ledger_draft.default_text(default_value)
    union all
    select 8, l.found, format('%s.%I', l.found, a.attname),
      'is a further column that takes no NULL and has no default, so no event could be recorded',
      format('alter table %s alter column %I drop not null', l.found, a.attname)
    from log l join pg_attribute a on a.attrelid = l.found and a.attnum > 0 and not a.attisdropped
    where a.attnotnull and not a.atthasdef and a.attidentity = ''
      and not exists (select from pg_attribute d where d.attrelid = l.draft and d.attname = a.attname)
    union all
    select 9, w.found, format('%s on %s', coalesce(quote_ident(f.conname), w.name::text), w.found),
      case
        when f.oid is null then 'is missing: ' || w.definition
        else format('is %s; the document says %s', pg_get_constraintdef(f.oid), w.definition) end,
      case
        when f.oid is null then
          w.parent_first || format('alter table %s add constraint %I %s', w.found, w.name, w.definition)
        when pg_get_constraintdef(f.oid) = w.definition || ' NOT VALID' then
          format('alter table %s validate constraint %I', w.found, f.conname)
        else format('alter table %s drop constraint %I, add constraint %2$I %s', w.found, f.conname, w.definition) end
    from wanted_constraint w
    left join lateral (
      -- What stands in its place: a key of the same columns, or a CHECK of the same name.
      select k.oid, k.conname from pg_constraint k
      where k.conrelid = w.found and k.contype = w.kind
        and case w.kind when 'p' then true when 'f' then k.conkey = w.found_key else k.conname = w.name end
      order by k.conname limit 1
    ) f on true
    where not exists (
        select from pg_constraint k where k.conrelid = w.found and ledger_draft.constraint_text(k.oid) = w.text)
    union all
    select 9, l.found, format('%I on %s', k.conname, l.found),
      format('is a further foreign key that %s when its parent is deleted; the document says that it is not',
        case k.confdeltype when 'n' then 'empties a documented column' else 'deletes a row' end),
      format('alter table %s drop constraint %I, add constraint %2$I %s', l.found, k.conname,
        regexp_replace(pg_get_constraintdef(k.oid), ' ON DELETE (CASCADE|SET NULL( \([^)]*\))?)', ''))
    from log l join pg_constraint k on k.conrelid = l.found and k.contype = 'f' and k.confdeltype in ('n', 'c')
    where not exists (
        select from wanted_constraint w where w.found = l.found and w.kind = 'f' and w.found_key = k.conkey
          and (w.text = ledger_draft.constraint_text(k.oid) or not exists (
            select from pg_constraint o where o.conrelid = w.found and ledger_draft.constraint_text(o.oid) = w.text)))
      and exists (
        select from pg_attribute a join wanted_column w on w.found = a.attrelid and w.name = a.attname
        where a.attrelid = l.found and a.attnum = any (coalesce(nullif(k.confdelsetcols, '{}'), k.conkey)))
    union all
    select 10, l.found, format('%s on %s', i.indexrelid::regclass, l.found),
      'is a further unique index: an event that breaks it could be neither recorded nor rejected',
      coalesce((select format('alter table %s drop constraint %I', l.found, k.conname)
          from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = l.found),
        format('drop index %s', i.indexrelid::regclass))
    from log l join pg_index i on i.indrelid = l.found
    where (i.indisunique or i.indisexclusion) and not i.indisprimary
    union all
    select 11, found, found::text,
      format('has no unique key of its column id, which %s must refer to', string_agg(c.relname, ' and ')),
      format('alter table %s add %s (id)', found, case
        when exists (select from pg_index i where i.indrelid = p.found and i.indisprimary) then 'unique'
        else 'primary key' end)
    from pair p
    join pg_constraint k on k.confrelid = p.draft and k.contype = 'f'
    join pg_class c on c.oid = k.conrelid
    where not p.is_log and p.kind in ('r', 'p') and not exists (
        select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'id'
        where i.indrelid = p.found and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
          and i.indnkeyatts = 1 and i.indkey[0] = a.attnum)
    group by p.found
    union all
    select 12, found, found::text, format('%s may not refer to it', current_user),
      format('grant references on %s to %I', found, current_user)
    from pair p
    where not p.is_log and p.kind in ('r', 'p') and not has_table_privilege(p.found, 'references')
    union all
    select 13, null, 'public.fn_is_chairman()', format('returns %s; wanted boolean', f.prorettype::regtype),
      'alter function public.fn_is_chairman() rename to fn_is_chairman_before'
    from pg_proc f where f.oid = to_regprocedure('public.fn_is_chairman()') and f.prorettype <> 'boolean'::regtype
  ) d
  -- Keys of the logs come after those of the tables that they refer to.
  order by exists (select from log l where l.found = d.table_found), d.table_found::text, d.rank, d.object, d.problem
$$;

-- What taking over does, in order. statement is null where nothing has to be done; the
-- statements of the kinds `advise` and `leave out` are not run.
create function ledger_draft.plan()
returns table (kind text, object text, statement text)
language sql stable set search_path = pg_catalog, pg_temp
as $$
  with pair as (
    select d.oid::regclass as draft, d.relname as name, format('public.%I', d.relname) as object,
      t.oid::regclass as found, d.relacl as acl,
      exists (select from ledger.logs l where l.name = d.relname) as is_log
    from pg_class d left join pg_class t on t.relname = d.relname and t.relnamespace = 'public'::regnamespace
    where d.relnamespace = 'ledger_draft'::regnamespace and d.relkind = 'r'
  ), kept as (
    select p.*, c.relrowsecurity, c.relacl, c.relowner from pair p join pg_class c on c.oid = p.found where p.is_log
  ), step (rank, kind, object, statement) as (
    select 1, case when p.is_log then 'take over' else 'keep' end, p.object, null
    from pair p where p.found is not null
    union all
    -- A renamed table keeps the names of its indexes.
    select 2, 'rename index', p.object, format('alter index %s rename to %I', i.indexrelid::regclass, (
        select x.relname || '_' || n from generate_series(1, 99) n
        where to_regclass(format('public.%I', x.relname || '_' || n)) is null order by n limit 1))
    from pair p join pg_index i on i.indrelid = p.draft join pg_class x on x.oid = i.indexrelid
    where p.found is null and to_regclass(format('public.%I', x.relname)) is not null
    union all
    select 3, 'create', p.object, format('alter table %s set schema public', p.draft)
    from pair p where p.found is null
    union all
    -- Keys of a draft refer to drafts; where public has the table, to that.
    select 4, 'create', format('%I on %s', k.conname, p.object),
      format('alter table %s drop constraint %I, add constraint %2$I %s', p.object, k.conname,
        replace(pg_get_constraintdef(k.oid), 'ledger_draft.', 'public.'))
    from pair p
    join pg_constraint k on k.conrelid = p.draft and k.contype = 'f'
    join pair parent on parent.draft = k.confrelid
    where p.found is null and parent.found is not null
    union all
    -- Names may differ, and one may be taken: Postgres then chooses another.
    select 5, 'add index', k.object, format('create index %s on %s%s',
        case when to_regclass(format('public.%I', x.relname)) is null then quote_ident(x.relname) else '' end,
        k.object, ledger_draft.index_text(i.indexrelid))
    from kept k
    join pg_index i on i.indrelid = k.draft and not i.indisunique
    join pg_class x on x.oid = i.indexrelid
    where not exists (
      select from pg_index f
      where f.indrelid = k.found and f.indisvalid
        and ledger_draft.index_text(f.indexrelid) = ledger_draft.index_text(i.indexrelid))
    union all
    select 6, 'enable row security', k.object, format('alter table %s enable row level security', k.object)
    from kept k where not k.relrowsecurity
    union all
    -- Policies of one command add up. Where a project already decides who sees a log, one
    -- that would show more is left to the project.
    select 7,
      case when not k.relrowsecurity or not d.is_open and not d.is_decided then 'add policy' else 'leave out' end,
      format('%I on %s', p.polname, k.object),
      format('create policy %I on %s for %s to %s', p.polname, k.object,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
          else 'all' end,
        (select string_agg(quote_ident(pg_get_userbyid(role)), ', ') from unnest(p.polroles) role))
      || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
      || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    from kept k
    join pg_policy p on p.polrelid = k.draft
    cross join lateral (
      select coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) = 'true'
          and p.polroles <> array['service_role'::regrole::oid] as is_open,
        -- A log whose document has no policies is closed where its row security is on.
        k.name in ('llm_usage_log', 'audit_log') or exists (
          select from pg_policy f
          where f.polrelid = k.found and f.polpermissive and f.polcmd in (p.polcmd, '*')
            and (0 = any (f.polroles) or f.polroles && p.polroles)) as is_decided
    ) d
    where not exists (select from pg_policy f where f.polrelid = k.found and f.polname = p.polname)
    union all
    select 8, 'grant', k.object, format('grant %s on %s to %I',
        string_agg(lower(a.privilege_type), ', ' order by a.privilege_type), k.object, pg_get_userbyid(a.grantee))
    from kept k cross join aclexplode(k.acl) a
    where a.grantee <> k.relowner and not has_table_privilege(a.grantee, k.found, a.privilege_type)
      -- The functions write as service_role and read as authenticated; anon is the project's to let in.
      and (pg_get_userbyid(a.grantee) = 'service_role' and a.privilege_type in ('SELECT', 'INSERT')
        or pg_get_userbyid(a.grantee) = 'authenticated' and a.privilege_type = 'SELECT' and not k.relrowsecurity)
    group by k.object, a.grantee
    union all
    select 9, 'revoke', r.object, format('revoke %s on %s from %s cascade', r.privileges, r.object,
        string_agg(r.role, ', ' order by r.role))
    from (
      select k.object, case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as role,
        string_agg(distinct lower(a.privilege_type), ', ') as privileges
      from kept k
      cross join lateral (
        select (aclexplode(k.relacl)).*
        union all
        select (aclexplode(c.attacl)).* from pg_attribute c where c.attrelid = k.found and c.attacl is not null
      ) a
      where a.grantee <> k.relowner and a.privilege_type not in ('SELECT', 'INSERT')
      group by k.object, a.grantee
    ) r
    group by r.object, r.privileges
    union all
    -- A grant on a table of the project's own is the project's to give.
    select 10, 'advise', p.object, format('grant select on %s to service_role', p.object)
    from pair p
    where p.found is not null and not p.is_log and not has_table_privilege('service_role', p.found, 'select')
  )
  select s.kind, s.object, s.statement from step s order by s.rank, s.object, s.statement
$$;

do $adopt$
declare
  differences text;
  step record;
begin
  -- `npm run doctor -- --before-install` reads the two functions above, and undoes all this.
  if current_setting('ledger.examine_only', true) = 'on' then
    return;
  end if;
  select string_agg(format(E'  %s %s\n    %s;', object, problem, remedy), E'\n') into differences
  from ledger_draft.differences();
  if differences is not null then
    raise exception E'the tables of this project differ from their documents, so nothing was changed:\n%', differences
      using errcode = '55000', hint = 'Mend each as shown, then push again.';
  end if;
  for step in select * from ledger_draft.plan() where statement is not null and kind <> 'leave out' loop
    if step.kind = 'advise' then
      raise warning 'service_role may not read %, so recording fails for every event that refers to it: %',
        step.object, step.statement;
    else
      execute step.statement;
    end if;
  end loop;
  -- Of a log that was created now, only its parents can be in the way.
  select string_agg(format(E'  public.%I cannot be guarded: %s\n    %s;', l.name, o.problem, o.remedy), E'\n')
  into differences
  from ledger.logs l cross join lateral ledger.guard_obstacles(format('public.%I', l.name)::regclass) o;
  if differences is not null then
    raise exception E'the logs cannot be added to this project, so nothing was changed:\n%', differences
      using errcode = '55000', hint = 'Mend each as shown, then push again.';
  end if;
  drop schema ledger_draft cascade;
end
$adopt$;
