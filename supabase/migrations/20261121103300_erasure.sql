-- Erasure: what a person may ask for, without breaking what is proved. A value is
-- blanked and its salt forgotten, so that its commitment can never be opened again;
-- a leaf says that it was done, on which ticket, and who approved it.
--
-- Only the owner may, and only with two approvers. The log is locked against
-- writers for as long as it takes, because its guard stands aside.
--
-- What was blanked, and its salt, can still be dug out of the tables' files until
-- VACUUM FULL has rewritten public.<log> and ledger.salts, and out of write-ahead log
-- and backups until they expire. The planner's statistics hold values too: they are
-- gathered anew at once.

create function ledger.erase(log name, ids uuid[], columns name[], ticket text, approvers text[]) returns bigint
language plpgsql set search_path = ''
as $$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  committed constant name[] := ledger.committed_columns(log);
  guards constant text[] := array(select name from ledger.guard_triggers(log)) || 'capture_update'::text;
  who constant text[] := array(
    select regexp_replace(a, '^\s+|\s+$', '', 'g') from unnest(approvers) with ordinality u (a, n) order by n);
  one name;
  guard text;
  erased bigint := 0;
  found_now bigint;
begin
  if coalesce(btrim(ticket), '') = '' then
    raise exception 'erasure needs a ticket' using errcode = '22023';
  end if;
  if cardinality(who) <> 2 or (who[1] = '') is not false or (who[2] = '') is not false or lower(who[1]) = lower(who[2]) then
    raise exception 'erasure needs two different approvers' using errcode = '22023';
  end if;
  if columns <@ committed is not true or cardinality(columns) = 0 then
    raise exception 'of % only % can be erased', log, committed using errcode = '22023';
  end if;

  foreach guard in array guards loop
    execute format('alter table %s disable trigger %I', log_table, guard);
  end loop;
  foreach one in array columns loop
    execute format($sql$
      with erased as materialized (
        select r.id, jsonb_build_array('redact/v1', %1$L, r.id, %2$L, %3$L, %4$L, %5$L) as members
        from %6$s r where r.id = any ($1) and r.%7$I is not null
      ), blanked as (
        update %6$s r set %7$I = null from erased e where r.id = e.id
      ), forgotten as (
        update ledger.salts s set salts[%8$s] = null from erased e where s.row_id = e.id and s.log = %9$L
      ), written as (
        select e.id, '[' || (select string_agg(to_json(m)::text, ',' order by n)
          from jsonb_array_elements_text(e.members) with ordinality m (m, n)) || ']' as data
        from erased e
      )
      insert into ledger.pending_leaves (kind, log, row_id, data, hash)
      select 'redact', %9$L, w.id, w.data, ledger.event_hash(w.data) from written w
      $sql$, 'public.' || log, one, btrim(ticket), who[1], who[2],
      log_table, one, array_position(committed, one), log)
    using ids;
    get diagnostics found_now = row_count;
    erased := erased + found_now;
  end loop;
  foreach guard in array guards loop
    execute format('alter table %s enable always trigger %I', log_table, guard);
  end loop;
  if erased > 0 then
    execute format('analyze %s (%s)', log_table, (select string_agg(distinct quote_ident(c), ', ') from unnest(columns) c));
  end if;
  return erased;
end
$$;
comment on function ledger.erase is
  'Blanks columns of rows of a log on a ticket with two approvers, forgets their salts, and leaves a leaf for each.';

-- Everything that the logs say of a person: what her rows in the audit trail hold,
-- the entity where that is she, and what names her by her id, or by another name,
-- such as her e-mail address. Delete the user herself after it.
create function ledger.erase_person(person uuid, ticket text, approvers text[], names text[] default '{}') returns bigint
language plpgsql set search_path = ''
as $$
declare
  named constant text[] := array(select lower(n) from unnest(names || person::text) n);
  -- As they stand in the text of JSON.
  quoted constant text[] := array(
    select substr(j, 2, length(j) - 2) from (select to_json(n)::text as j from unnest(named) n) t);
  own uuid[];
  about uuid[];
  naming uuid[];
  models uuid[];
  errors uuid[];
begin
  if person is null or exists (select from unnest(named) n where (length(btrim(n)) > 2) is not true) then
    raise exception 'erasure needs a person''s id, and names of three characters or more' using errcode = '22023';
  end if;
  -- Nobody shall write about her between the search and the erasure.
  lock table public.audit_log, public.model_usage_log, public.llm_usage_log in share row exclusive mode;
  own := array(select a.id from public.audit_log a where a.user_id = person);
  about := array(select a.id from public.audit_log a where a.entity_id = person);
  naming := array(
    select a.id from public.audit_log a
    where exists (select from unnest(quoted) n where strpos(lower(a.metadata::text), n) > 0));
  models := array(
    select m.id from public.model_usage_log m
    where exists (select from unnest(quoted) n where strpos(lower(m.metadata::text), n) > 0));
  errors := array(
    select l.id from public.llm_usage_log l
    where exists (select from unnest(named) n where strpos(lower(l.error_message), n) > 0));
  return ledger.erase('audit_log', own, '{user_id,ip_address,metadata}', ticket, approvers)
    + ledger.erase('audit_log', about, '{entity_id}', ticket, approvers)
    + ledger.erase('audit_log', naming, '{metadata}', ticket, approvers)
    + ledger.erase('model_usage_log', models, '{metadata}', ticket, approvers)
    + ledger.erase('llm_usage_log', errors, '{error_message}', ticket, approvers);
end
$$;
comment on function ledger.erase_person is
  'Erases what the logs say of a person, on a ticket with two approvers; the number of values that were blanked.';

revoke all on function ledger.erase, ledger.erase_person from public, anon, authenticated, service_role;
