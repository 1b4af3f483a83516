-- ledger.doctor(): what on this project makes the logs less than append-only, one
-- row per finding with how to mend it. No row: all is as the migrations made it.
-- It cannot outlast the owner's ill will, who could replace it as well.

-- The guard of a log: its function and its triggers.
create function ledger.examine_guard(log name)
returns table ("check" text, object text, problem text, remedy text)
language plpgsql stable set search_path = ''
as $$
declare
  guard constant text := format('ledger.%I()', 'guard_' || log);
  again constant text := format('select ledger.guard(%L)', log);
  function_id constant oid := to_regprocedure(guard);
  wanted text;
begin
  begin
    wanted := ledger.guard_definition(log);
    if function_id is null then
      return query select 'guard', guard, 'the guard''s function is missing', again;
    elsif pg_get_functiondef(function_id) <> wanted then
      return query select 'guard', guard,
        'is not the function that would be written from the foreign keys as they are now: it was changed, or they were', again;
    end if;
  exception when feature_not_supported then
    return query select 'guard', guard, sqlerrm, 'Undo that, then ' || again;
  end;

  return query
    select 'guard', guard,
      case when f.proowner <> c.relowner
        then format('belongs to %s, not to the owner of the log', pg_get_userbyid(f.proowner))
        else 'can be executed by other roles than its owner' end,
      case when f.proowner <> c.relowner
        then format('alter function %s owner to %I', guard, pg_get_userbyid(c.relowner))
        else format('revoke all on function %s from public, anon, authenticated, service_role', guard) end
    from pg_catalog.pg_proc f, pg_catalog.pg_class c
    where f.oid = function_id and c.oid = format('public.%I', log)::regclass
      and (f.proowner <> c.relowner or exists (
        select from pg_catalog.aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a where a.grantee <> f.proowner));

  return query
    select 'guard trigger', format('%I on public.%I', w.name, log),
      case
        when t.oid is null then 'is missing'
        when t.tgenabled = 'D' then 'is disabled'
        when t.tgenabled <> 'A' then 'is not ENABLE ALWAYS: session_replication_role silences it'
        else 'is not what it was: ' || pg_get_triggerdef(t.oid) end,
      again
    from ledger.guard_triggers(log) w
    left join pg_catalog.pg_trigger t on t.tgrelid = format('public.%I', log)::regclass and t.tgname = w.name
    where t.oid is null or t.tgenabled <> 'A' or pg_get_triggerdef(t.oid) <> w.definition;
end
$$;

-- The state of a log against the one that was accepted.
create function ledger.examine_state(log name)
returns table ("check" text, object text, problem text, remedy text)
language sql stable set search_path = ''
as $$
  select coalesce(f.kind, a.kind), coalesce(f.object, a.object),
    case
      when f.kind is null then 'is gone; it was: ' || a.statement
      when a.kind is null then 'was added: ' || f.statement
      else format('is now: %s; it was: %s', f.statement, a.statement) end,
    case
      when coalesce(f.kind, a.kind) = 'record function' and a.kind is not null then
        format('Generate it again, as its migration does: select ledger.create_record_function(%L, …)', examine_state.log)
      when coalesce(f.kind, a.kind) = 'column' then 'Undo it in a migration'
      else concat_ws('; ', f.undo, a.statement) end
    || format('. If it was meant: select ledger.accept_state(%L)', examine_state.log)
  from ledger.log_state(examine_state.log) f
  full join (select * from ledger.accepted_state where accepted_state.log = examine_state.log) a
    on a.kind = f.kind and a.object = f.object
  where f.statement is distinct from a.statement
  -- A change of the owner changes grants: to be mended before them.
  order by coalesce(f.kind, a.kind) <> 'owner', 1, 2
$$;

-- Who could change a log, by whatever way the privilege came.
create function ledger.examine_privileges(log name)
returns table ("check" text, object text, problem text, remedy text)
language sql stable set search_path = ''
as $$
  with t as (
    select c.*, c.oid::regclass::text as name, pg_get_userbyid(c.relowner) as owner
    from pg_catalog.pg_class c where c.oid = format('public.%I', log)::regclass
  ), too_wide as (
    select t.name, case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as role,
      string_agg(distinct lower(a.privilege_type), ', ') as privileges
    from t, lateral (
      select (pg_catalog.aclexplode(t.relacl)).*
      union all
      select (pg_catalog.aclexplode(c.attacl)).* from pg_catalog.pg_attribute c where c.attrelid = t.oid
    ) a
    where a.grantee <> t.relowner and a.privilege_type = any (ledger.owner_privileges())
    group by t.name, a.grantee
  ), role as (
    select r.oid, r.rolname as name, r.rolname like 'pg\_%' as predefined,
      r.rolname in ('anon', 'authenticated', 'service_role', 'authenticator') as api,
      r.rolsuper or pg_has_role(r.oid, t.relowner, 'member') as owner,
      exists (
        select from unnest(ledger.owner_privileges()) p
        where has_table_privilege(r.oid, t.oid, p)
          or p in ('UPDATE', 'REFERENCES') and has_any_column_privilege(r.oid, t.oid, p)) as holder
    from t, pg_catalog.pg_roles r
  ), reachable as (
    -- Directly, or by a role of which no other finding tells.
    select t.name, r.name as role, other.name as other
    from t, role r, role other
    where not r.predefined and other.oid <> r.oid and pg_has_role(r.oid, other.oid, 'member')
      and (r.api and not other.api and (other.owner or other.holder)
        or not r.owner and other.predefined and other.holder)
      and not exists (
        select from role nearer
        where nearer.oid not in (r.oid, other.oid) and not nearer.owner and not nearer.predefined
          and pg_has_role(r.oid, nearer.oid, 'member') and pg_has_role(nearer.oid, other.oid, 'member'))
  )
  select 'privilege', w.name, format('%s may %s it', w.role, w.privileges),
    format('revoke %s on %s from %s cascade', lower(array_to_string(ledger.owner_privileges(), ', ')), w.name, w.role)
  from too_wide w
  union all
  select 'membership', r.name, format('%s can become %s, who may change the log', r.role, r.other),
    format('revoke %I from %I', r.other, r.role)
  from reachable r
  union all
  select 'privilege', t.name,
    format('%s, who owns the log, may not %s it, so referential actions fail', t.owner, lower(string_agg(p, ', '))),
    format('grant all on %s to %I', t.name, t.owner)
  from t, unnest('{SELECT,UPDATE,DELETE}'::text[]) p
  where not has_table_privilege(t.relowner, t.oid, p)
  group by t.name, t.owner
$$;

-- What concerns the database rather than one log.
create function ledger.examine_surroundings()
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
  where c.oid = 'ledger.accepted_state'::regclass and a.grantee = o.id
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

create function ledger.doctor()
returns table ("check" text, object text, problem text, remedy text)
language plpgsql stable set search_path = ''
as $$
declare
  log name;
begin
  for log in select distinct s.log from ledger.accepted_state s order by 1 loop
    if to_regclass(format('public.%I', log)) is null then
      return query select 'log', format('public.%I', log), 'the table is missing',
        'Restore it from a backup, then ' || format('select ledger.guard(%L)', log);
    else
      return query select * from ledger.examine_state(log);
      return query select * from ledger.examine_guard(log);
      return query select * from ledger.examine_privileges(log);
    end if;
  end loop;
  return query select * from ledger.examine_surroundings();
end
$$;
comment on function ledger.doctor() is
  'What makes the logs less than append-only on this project: one row per finding (check, object, problem, remedy), none when all is well.';

revoke all on function ledger.examine_guard(name), ledger.examine_state(name),
  ledger.examine_privileges(name), ledger.examine_surroundings(), ledger.doctor() from public;

select ledger.accept_state('llm_usage_log');
select ledger.accept_state('audit_log');
select ledger.accept_state('tool_usage_ledger');
select ledger.accept_state('model_usage_log');
