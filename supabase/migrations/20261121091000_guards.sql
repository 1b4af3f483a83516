-- What makes the logs append-only for everyone, their owner included: guards.
--
-- A guard refuses every UPDATE, DELETE and TRUNCATE of a log, except exactly the
-- referential actions that the log's foreign keys declare:
--   SET NULL  the new row is the old row with only the key's columns nulled, and
--             the row that they referred to is gone;
--   CASCADE   a row that the deleted row referred to is gone.
-- Rows are compared as stored (*=, where 1.0 and 1.00 differ), and not by role,
-- trigger depth or a setting, each of which a caller can arrange.
--
-- ledger.guard(log) writes a log's guard from the catalog as static SQL: run it
-- again after any change of the log's foreign keys. A guard whose foreign keys
-- are no longer as they were when it was written refuses everything until then.

-- The privileges on a log that nobody but its owner may hold.
create function ledger.owner_privileges() returns text[]
language sql stable set search_path = ''
as $$
  select '{UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]
    || case when current_setting('server_version_num')::int >= 170000 then '{MAINTAIN}'::text[] else '{}' end
$$;
comment on function ledger.owner_privileges() is
  'The privileges on a log that only its owner may hold.';

-- The guard's triggers, in the words of pg_get_triggerdef.
create function ledger.guard_triggers(log name) returns table (name name, definition text)
language sql stable set search_path = ''
as $$
  select t.name, format('CREATE TRIGGER %I %s ON public.%I FOR EACH %s EXECUTE FUNCTION ledger.%I()',
    t.name, t.events, log, t.level, 'guard_' || log)
  from (values
    -- Before the first row: are the foreign keys still the guard's?
    ('guard_statement'::name, 'BEFORE DELETE OR UPDATE OR TRUNCATE', 'STATEMENT'),
    -- Refuses early.
    ('guard_before', 'BEFORE DELETE OR UPDATE', 'ROW'),
    -- Sees the row as it was finally stored, whatever other triggers made of it.
    ('guard_after', 'AFTER DELETE OR UPDATE', 'ROW')
  ) as t (name, events, level)
$$;
comment on function ledger.guard_triggers(name) is
  'The triggers of a log''s guard, as pg_get_triggerdef shows them; each is ENABLE ALWAYS.';

-- The guard's function, in the words of pg_get_functiondef, so that the two can
-- be compared.
create function ledger.guard_definition(log name) returns text
language plpgsql stable set search_path = ''
as $generator$
declare
  log_table pg_catalog.pg_class;
  key record;
  refusal text;
  gone text;                    -- true when the row that OLD's key referred to is gone
  on_update text := '';         -- one IF per SET NULL key
  on_delete text := '';         -- one IF per CASCADE key
  definitions text[] := '{}';   -- of the keys with an action
  unchanged_keys text := '';
begin
  select * into strict log_table from pg_catalog.pg_class
  where oid = format('public.%I', log)::regclass;

  refusal := case
    when log_table.relkind <> 'r' or log_table.relispartition then 'it is not a plain table'
    when exists (select from pg_catalog.pg_inherits where log_table.oid in (inhparent, inhrelid)) then
      'it inherits or is inherited from, and the rows of a child have no guard'
    when exists (select from pg_catalog.pg_attribute where attrelid = log_table.oid and attgenerated <> '') then
      'it has a generated column, whose value a BEFORE trigger cannot compare'
    end;
  if refusal is not null then
    raise exception 'cannot guard public.%: %', log, refusal using errcode = '0A000';
  end if;

  for key in
    select k.*, pg_catalog.pg_get_constraintdef(k.oid) as definition,
      p.relkind as parent_kind, p.relrowsecurity and not (o.rolsuper or o.rolbypassrls
        or pg_catalog.pg_has_role(o.oid, p.relowner, 'usage') and not p.relforcerowsecurity) as parent_hides_rows,
      o.rolname as owner, pg_catalog.has_schema_privilege(o.oid, p.relnamespace, 'usage') as parent_schema_open
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class p on p.oid = k.confrelid
    join pg_catalog.pg_roles o on o.oid = log_table.relowner
    where k.conrelid = log_table.oid and k.contype = 'f'
      and k.conparentid = 0  -- else: the copy of a key for one partition of its parent
    order by k.conname
  loop
    refusal := case
      when key.confupdtype not in ('a', 'r') then
        'a change of the parent''s key would change the log: wanted ON UPDATE NO ACTION or RESTRICT'
      when key.confdeltype = 'd' then
        'SET DEFAULT would put another value in the place of the recorded one: wanted SET NULL, CASCADE, RESTRICT or NO ACTION'
      when key.confdeltype in ('n', 'c') and not key.convalidated then
        'a row may refer to nothing, and would pass for one whose parent is gone: validate the constraint first'
      when key.confdeltype in ('n', 'c') and (
        not key.parent_schema_open or exists (
          select from unnest(key.confkey) column_number
          where not pg_catalog.has_column_privilege(key.owner, key.confrelid, column_number, 'select'))) then
        format('%s, who owns the log, may not read %s, so the guard could not see whether a row is gone: grant select on %2$s to %1$I',
          key.owner, key.confrelid::regclass)
      when key.confdeltype in ('n', 'c') and key.parent_hides_rows then
        format('row security can hide rows of %s from %s, who owns the log, so a living row could pass for gone: let the owner bypass it',
          key.confrelid::regclass, key.owner)
      end;
    if refusal is not null then
      raise exception 'cannot guard public.%: foreign key %: %', log, key.conname, refusal using errcode = '0A000';
    end if;
    continue when key.confdeltype not in ('n', 'c');

    definitions := definitions || key.definition;
    -- A key with a NULL in it refers to nothing. ONLY, as the key itself: a row
    -- of a table that inherits from the parent does not count.
    select format(E'%s\n        and not exists (select from %s%s p where %s)',
      string_agg(format('OLD.%I is not null', a.attname), ' and ' order by c.ordinality),
      case when key.parent_kind = 'p' then '' else 'only ' end,
      key.confrelid::regclass,
      string_agg(format('p.%I operator(%I.%s) OLD.%I', f.attname, n.nspname, o.oprname, a.attname),
        ' and ' order by c.ordinality))
    into gone
    from unnest(key.conkey, key.confkey, key.conpfeqop) with ordinality c (child, parent, equals, ordinality)
    join pg_catalog.pg_attribute a on a.attrelid = key.conrelid and a.attnum = c.child
    join pg_catalog.pg_attribute f on f.attrelid = key.confrelid and f.attnum = c.parent
    join pg_catalog.pg_operator o on o.oid = c.equals
    join pg_catalog.pg_namespace n on n.oid = o.oprnamespace;

    if key.confdeltype = 'c' then
      on_delete := on_delete || format($sql$
      if %s then
        return OLD;
      end if;$sql$, gone);
    else
      on_update := on_update || (
        select format($sql$
      if %s
        and %s then
        %s
      end if;$sql$,
          string_agg(format('NEW.%I is null', a.attname), ' and ' order by a.attnum), gone,
          string_agg(format('allowed.%I := null;', a.attname), ' ' order by a.attnum))
        from pg_catalog.pg_attribute a
        where a.attrelid = key.conrelid
          and a.attnum = any (coalesce(nullif(key.confdelsetcols, '{}'), key.conkey)));
    end if;
  end loop;

  if definitions <> '{}' then
    unchanged_keys := format($sql$
  if TG_LEVEL = 'STATEMENT' and TG_OP <> 'TRUNCATE' then
    -- A key that was dropped, or a parent that was renamed, would make every row
    -- look like one whose parent is gone.
    if exists (
      select from unnest(%L::pg_catalog.text[]) wanted
      where wanted not in (
        select pg_catalog.pg_get_constraintdef(k.oid) from pg_catalog.pg_constraint k
        where k.conrelid = TG_RELID and k.contype = 'f')
    ) then
      raise exception using errcode = '42501',
        message = %L;
    end if;
    return null;
  end if;$sql$, definitions, format(
      'the foreign keys of public.%s are not those that its guard was written for, so nothing may change it: restore them, or write the guard again with select ledger.guard(%L)',
      log, log));
  else
    unchanged_keys := $sql$
  if TG_LEVEL = 'STATEMENT' and TG_OP <> 'TRUNCATE' then
    return null;
  end if;$sql$;
  end if;

  return format($definition$CREATE OR REPLACE FUNCTION ledger.%1$I()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET row_security TO 'off'
AS $function$
-- Written by ledger.guard(%2$L) from the catalog: do not edit.
declare
  allowed public.%3$I;
begin%4$s
  -- A replica runs no referential actions, so there are none to let through.
  if TG_LEVEL = 'ROW' and pg_catalog.current_setting('session_replication_role') <> 'replica' then
    if TG_OP = 'UPDATE' then
      allowed := OLD;%5$s
      if allowed operator(pg_catalog.*<>) OLD and NEW operator(pg_catalog.*=) allowed then
        return NEW;
      end if;
    elsif TG_OP = 'DELETE' then%6$s
    end if;
  end if;
  raise exception using errcode = '42501', message = pg_catalog.format(
    '%%s of public.%3$s is refused, because the log is append-only: %%s', TG_OP, case TG_OP
      when 'UPDATE' then 'record a new entry that corrects this one, and leave this one as it is'
      when 'DELETE' then 'record a reversing entry, and leave this one as it is'
      else 'its entries stay; record reversing entries, and delete a parent''s rows instead of truncating it' end);
end $function$
$definition$,
    'guard_' || log, log, log, unchanged_keys, on_update,
    coalesce(nullif(on_delete, ''), E'\n      null;'));
end
$generator$;
comment on function ledger.guard_definition(name) is
  'The trigger function that guards a log, written from its foreign keys as they are now, as pg_get_functiondef shows it.';

create function ledger.guard(log name) returns void
language plpgsql set search_path = ''
as $guard$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  part record;
begin
  execute ledger.guard_definition(log);
  execute format('revoke all on function ledger.%I() from public', 'guard_' || log);
  -- Referential actions run as the table's owner; the guard reads the parents as the same role.
  execute (
    select format('alter function ledger.%I() owner to %I', 'guard_' || log, pg_catalog.pg_get_userbyid(relowner))
    from pg_catalog.pg_class where oid = log_table);

  for part in select * from ledger.guard_triggers(log) loop
    execute replace(part.definition, 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER');
    execute format('alter table %s enable always trigger %I', log_table, part.name);
  end loop;

  -- The privileges that go around the guard, or around the foreign keys.
  for part in
    select distinct a.grantee from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    where c.oid = log_table and a.grantee <> c.relowner
  loop
    execute format('revoke %s on %s from %s cascade',
      array_to_string(ledger.owner_privileges(), ', '), log_table,
      case part.grantee when 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(part.grantee)) end);
  end loop;
end
$guard$;
comment on function ledger.guard(name) is
  'Makes a log append-only, its owner included: writes its guard from its foreign keys, puts it on the table, and leaves changing privileges to the owner alone. Run it again after a change of the log''s foreign keys.';

revoke all on function ledger.owner_privileges(), ledger.guard_triggers(name),
  ledger.guard_definition(name), ledger.guard(name) from public;

-- A grant is always written down: what other roles got by an existing project's
-- default privileges goes.
do $grants$
declare
  stray record;
begin
  for stray in
    select distinct c.oid::regclass as log, pg_catalog.pg_get_userbyid(a.grantee) as grantee
    from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
    where c.oid in ('public.llm_usage_log'::regclass, 'public.audit_log'::regclass,
        'public.tool_usage_ledger'::regclass, 'public.model_usage_log'::regclass)
      and a.grantee not in (0, c.relowner)
      and pg_catalog.pg_get_userbyid(a.grantee) not in ('anon', 'authenticated', 'service_role')
  loop
    execute format('revoke all on %s from %I cascade', stray.log, stray.grantee);
  end loop;
end
$grants$;

select ledger.guard('llm_usage_log');
select ledger.guard('audit_log');
select ledger.guard('tool_usage_ledger');
select ledger.guard('model_usage_log');
