-- What the doctor compares with: everything about a log's table that decides who
-- may do what to it, read from the catalog as the SQL that makes it so. The
-- migrations stay the one place where it is declared: a log's state is accepted
-- once they have made it, and a migration that changes a log on purpose ends with
-- select ledger.accept_state('<log>').

create table ledger.accepted_state (
  log name not null,
  kind text not null,
  object text not null,
  statement text not null,
  primary key (log, kind, object)
);
comment on table ledger.accepted_state is
  'The state of each log as the migrations made it; written by ledger.accept_state.';
revoke all on ledger.accepted_state from public, anon, authenticated, service_role;

-- statement makes the object what it is; undo removes it, and is null where
-- nothing can. Both are for a person to read and run.
create function ledger.log_state(log name)
returns table (kind text, object text, statement text, undo text)
language sql stable set search_path = ''
as $state$
  with t as (
    select c.*, c.oid::regclass::text as name from pg_catalog.pg_class c
    where c.oid = to_regclass(format('public.%I', log))
  ), facts (kind, object, statement, undo) as (
    select 'owner', t.name, format('alter table %s owner to %I', t.name, pg_get_userbyid(t.relowner)), null
    from t
    union all
    select 'row security', t.name,
      format('alter table %s %s row level security', t.name, case when t.relrowsecurity then 'enable' else 'disable' end)
      || format('; alter table %s %s row level security', t.name, case when t.relforcerowsecurity then 'force' else 'no force' end),
      null
    from t
    union all
    select 'storage', t.name,
      format('alter table %s set %s', t.name, case t.relpersistence when 'p' then 'logged' else 'unlogged' end), null
    from t
    union all
    select 'column', format('%s.%I', t.name, a.attname),
      format('alter table %s add %I %s', t.name, a.attname, format_type(a.atttypid, a.atttypmod))
      || case when a.attnotnull then ' not null' else '' end
      || case when a.attgenerated <> '' then ' generated as ' else ' default ' end
      || coalesce(pg_get_expr(d.adbin, d.adrelid), 'null'),
      null
    from t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    union all
    -- NOT NULL is the column's, whether or not this version calls it a constraint.
    select case k.contype when 'f' then 'foreign key' else 'constraint' end, format('%I on %s', k.conname, t.name),
      format('alter table %s add constraint %I %s', t.name, k.conname, pg_get_constraintdef(k.oid))
      || case when exists (
          select from pg_catalog.pg_trigger g where g.tgconstraint = k.oid and g.tgenabled <> 'O')
        then ' (and its triggers are not in force)' else '' end,
      format('alter table %s drop constraint %I', t.name, k.conname)
    from t join pg_catalog.pg_constraint k on k.conrelid = t.oid and k.contype not in ('n', 't') and k.conparentid = 0
    union all
    select 'policy', format('%I on %s', p.polname, t.name),
      format('create policy %I on %s as %s for %s to %s', p.polname, t.name,
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ' order by role)
          from unnest(p.polroles) role))
      || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
      || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
      format('drop policy %I on %s', p.polname, t.name)
    from t join pg_catalog.pg_policy p on p.polrelid = t.oid
    union all
    select 'grant', format('%s on %s%s', g.grantee, t.name, g.level),
      format('grant %s on %s to %s', string_agg(g.privilege, ', ' order by g.privilege), t.name, g.grantee)
      || coalesce('; grant ' || string_agg(g.privilege, ', ' order by g.privilege) filter (where g.is_grantable)
        || format(' on %s to %s with grant option', t.name, g.grantee), ''),
      format('revoke %s on %s from %s cascade', string_agg(g.privilege, ', ' order by g.privilege), t.name, g.grantee)
    from t, lateral (
      select lower(a.privilege_type) as privilege, '' as level, a.is_grantable,
        case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee
      from pg_catalog.aclexplode(t.relacl) a where a.grantee <> t.relowner
      union all
      select format('%s (%I)', lower(a.privilege_type), c.attname), ', columns', a.is_grantable,
        case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end
      from pg_catalog.pg_attribute c, pg_catalog.aclexplode(c.attacl) a where c.attrelid = t.oid
    ) g
    group by t.name, g.grantee, g.level
    union all
    select 'trigger', format('%I on %s', g.tgname, t.name),
      pg_get_triggerdef(g.oid) || format('; alter table %s %s trigger %I', t.name,
        case g.tgenabled when 'A' then 'enable always' when 'R' then 'enable replica' when 'D' then 'disable' else 'enable' end,
        g.tgname),
      format('drop trigger %I on %s', g.tgname, t.name)
    from t join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
    where g.tgname not in (select name from ledger.guard_triggers(log))
    union all
    select 'rule', format('%I on %s', r.rulename, t.name), pg_get_ruledef(r.oid),
      format('drop rule %I on %s', r.rulename, t.name)
    from t join pg_catalog.pg_rewrite r on r.ev_class = t.oid
    union all
    select 'inheritance', i.inhrelid::regclass::text,
      format('alter table %s inherit %s', i.inhrelid::regclass, i.inhparent::regclass),
      case when t.relispartition then format('alter table %s detach partition %s', i.inhparent::regclass, i.inhrelid::regclass)
        else format('alter table %s no inherit %s', i.inhrelid::regclass, i.inhparent::regclass) end
    from t join pg_catalog.pg_inherits i on t.oid in (i.inhparent, i.inhrelid)
    union all
    select 'record function', f.oid::regprocedure::text,
      format('security %s, owner %I, settings %s, executable by %s, body %s',
        case when f.prosecdef then 'definer' else 'invoker' end, pg_get_userbyid(f.proowner),
        coalesce(array_to_string(f.proconfig, ' '), 'none'),
        coalesce((
          select string_agg(case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end,
            ', ' order by a.grantee)
          from pg_catalog.aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
          where a.grantee <> f.proowner), 'nobody else'),
        md5(f.prosrc)),
      format('drop function %s', f.oid::regprocedure)
    from t join pg_catalog.pg_proc f
      on f.pronamespace = 'public'::regnamespace and f.proname = 'record_' || log
  )
  select f.kind, f.object, f.statement, f.undo from facts f
$state$;
comment on function ledger.log_state(name) is
  'What decides who may do what to a log, read from the catalog, as the SQL that makes it so.';

create function ledger.accept_state(log name) returns void
language sql set search_path = ''
as $$
  delete from ledger.accepted_state a where a.log = accept_state.log;
  insert into ledger.accepted_state (log, kind, object, statement)
  select accept_state.log, s.kind, s.object, s.statement from ledger.log_state(log) s;
$$;
comment on function ledger.accept_state(name) is
  'Makes the present state of a log the one that ledger.doctor() expects: for the end of a migration that changed the log on purpose.';

revoke all on function ledger.log_state(name), ledger.accept_state(name) from public;
