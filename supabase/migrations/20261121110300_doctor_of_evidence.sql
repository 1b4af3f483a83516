-- What was missing from the doctor's round: the triggers that keep evidence from
-- being changed.

-- Puts the triggers on the tables of evidence that are only ever added to.
create function ledger.guard_evidence() returns void
language plpgsql set search_path = ''
as $$
declare
  name text;
begin
  foreach name in array '{leaves,nodes,checkpoints}'::text[] loop
    execute format('create or replace trigger refuse_change before update or delete or truncate on ledger.%I
      for each statement execute function ledger.refuse_change()', name);
    execute format('alter table ledger.%I enable always trigger refuse_change', name);
  end loop;
end
$$;

create function ledger.examine_evidence()
returns table ("check" text, object text, problem text, remedy text)
language sql stable set search_path = ''
as $$
  select 'evidence', format('refuse_change on ledger.%I', c.relname),
    case
      when t.oid is null then 'is missing: what is sealed could be changed'
      when t.tgenabled <> 'A' then 'is not ENABLE ALWAYS: what is sealed could be changed'
      else 'is not what it was: ' || pg_get_triggerdef(t.oid) end,
    'select ledger.guard_evidence()'
  from pg_catalog.pg_class c
  left join pg_catalog.pg_trigger t on t.tgrelid = c.oid and t.tgname = 'refuse_change'
  where c.oid in ('ledger.leaves'::regclass, 'ledger.nodes'::regclass, 'ledger.checkpoints'::regclass)
    and (t.oid is null or t.tgenabled <> 'A' or pg_get_triggerdef(t.oid) <> format(
      'CREATE TRIGGER refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()',
      c.relname))
  union all
  select 'evidence', 'ledger.refuse_change()', 'is not what it was: what is sealed could be changed',
    'Restore it from the migration that made it'
  from pg_catalog.pg_proc f
  where f.oid = 'ledger.refuse_change'::regproc and md5(f.prosrc) <> '8b5eac2115308b00ddbabcd3c762d658'
$$;
revoke all on function ledger.guard_evidence, ledger.examine_evidence from public;

create or replace function ledger.doctor()
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
      return query select * from ledger.examine_capture(log);
      return query select * from ledger.examine_privileges(log);
    end if;
  end loop;
  return query select * from ledger.examine_evidence();
  return query select * from ledger.examine_surroundings();
end
$$;
