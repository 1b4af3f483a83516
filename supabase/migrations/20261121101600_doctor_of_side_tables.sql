-- The doctor looks at every table of the schema ledger, not only at its own: who
-- could write budgets' counts could forge what was spent.

create or replace function ledger.examine_surroundings()
returns table ("check" text, object text, problem text, remedy text)
language sql stable set search_path = ''
as $$
  with outsider (name, id) as (
    select 'public', 0::oid union all
    select rolname, oid from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
  )
  select 'privilege', 'schema ledger', o.name || ' may create objects in it',
    format('revoke create on schema ledger from %I', o.name)
  from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a, outsider o
  where n.nspname = 'ledger' and a.grantee = o.id and a.privilege_type = 'CREATE'
  union all
  select 'privilege', c.oid::regclass::text,
    format('%s may %s it', o.name, lower(string_agg(a.privilege_type, ', ' order by a.privilege_type))),
    format('revoke all on %s from %I', c.oid::regclass, o.name)
  from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a, outsider o
  where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p') and a.grantee = o.id
    -- Budgets are shown to those whom row security lets see them.
    and not (a.privilege_type = 'SELECT' and c.relname in ('budget_months', 'reservations') and c.relrowsecurity
      and o.name in ('authenticated', 'service_role'))
  group by c.oid, o.name
  union all
  select 'privilege', f.oid::regprocedure::text, 'everyone may execute it',
    format('revoke all on function %s from public', f.oid::regprocedure)
  from pg_catalog.pg_proc f
  where f.pronamespace = 'ledger'::regnamespace and exists (
    select from pg_catalog.aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a where a.grantee = 0)
  union all
  select 'log', 'public.' || quote_ident(substr(f.proname, 7)),
    'its state was never accepted, so changes of it cannot be seen',
    format('select ledger.accept_state(%L)', substr(f.proname, 7))
  from pg_catalog.pg_proc f
  where f.pronamespace = 'ledger'::regnamespace and f.prorettype = 'trigger'::regtype and f.proname like 'guard\_%'
    and not exists (select from ledger.accepted_state s where s.log = substr(f.proname, 7)::name)
  union all
  select 'default privileges',
    case when d.defaclnamespace = 0 then 'every schema' else 'schema ' || d.defaclnamespace::regnamespace::text end,
    format('tables that %s creates later can be changed by %s (%s)', pg_get_userbyid(d.defaclrole), o.name,
      lower(string_agg(a.privilege_type, ', ' order by a.privilege_type))),
    format('alter default privileges for role %I%s revoke all on tables from %I', pg_get_userbyid(d.defaclrole),
      case when d.defaclnamespace = 0 then '' else ' in schema ' || d.defaclnamespace::regnamespace::text end, o.name)
  from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a, outsider o
  where d.defaclobjtype = 'r' and a.grantee = o.id
    and d.defaclnamespace in (0, 'public'::regnamespace, 'ledger'::regnamespace)
    and a.privilege_type = any (ledger.owner_privileges())
    -- Of the roles that own the logs: what another role creates is not theirs.
    and d.defaclrole in (
      select c.relowner from ledger.accepted_state s
      join pg_catalog.pg_class c on c.oid = to_regclass(format('public.%I', s.log)))
  group by d.defaclnamespace, d.defaclrole, o.name
  union all
  select 'setting', coalesce('role ' || quote_ident(r.rolname), 'database ' || quote_ident(d.datname), 'every role'),
    'starts its sessions with ' || setting || ', which turns referential actions off',
    case when r.rolname is not null then format('alter role %I reset session_replication_role', r.rolname)
      else format('alter database %I reset session_replication_role', d.datname) end
  from pg_catalog.pg_db_role_setting s
  cross join unnest(s.setconfig) setting
  left join pg_catalog.pg_roles r on r.oid = s.setrole
  left join pg_catalog.pg_database d on d.oid = s.setdatabase
  where setting like 'session_replication_role=%' and (s.setdatabase = 0 or d.datname = current_database())
  union all
  select 'setting', f.oid::regprocedure::text,
    'lends its callers ' || setting || ', which turns referential actions off',
    format('alter function %s reset session_replication_role', f.oid::regprocedure)
  from pg_catalog.pg_proc f cross join unnest(f.proconfig) setting
  where setting like 'session_replication_role=%'
$$;
