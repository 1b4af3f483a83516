-- How every log is written: one function per log, record_<log>(events), that
-- inserts a batch in one statement and answers with one outcome per event. The
-- four differ only in their columns and keys, so the function is generated from
-- the catalog, as static SQL. A log's own migration calls the generator, and
-- calls it again after any change to the log's columns or foreign keys.
--
-- A generated function takes
--   events  an array of objects, one per event: column names and values,
--           `id` always among them. Columns left out take the table's default.
--           `stamped` may hold further columns that the server chose: they are
--           stored, but a re-send is not compared on them.
--   atomic  write nothing unless every event is recorded or a duplicate.
--   representation  put the stored row into each result.
--   actor   (logs generated with one) the signed-in user who writes: the actor
--           column becomes her id, and the firm is hers.
-- and returns an array, in the order of the events, of
--   {index, id, outcome, fields?, faults?, row?}
-- where outcome is recorded, duplicate, conflict (fields: the columns that
-- differ), rejected (faults: [{column, code}], code not_found, other_firm or
-- no_firm), or aborted (acceptable, but an atomic batch was not). In a row,
-- numeric columns are text, so that no digit is lost on the way.
--
-- Retries: the insert skips ids that exist, in id order, so that batches that
-- overlap cannot deadlock. The outcomes are read by a statement of their own,
-- whose snapshot sees what a concurrent batch has just committed. A parent that
-- is deleted between check and insert fails the whole insert; it is then done
-- again, and the check sees it gone.

create function ledger.create_record_function(
  log name,                       -- a table in public with a uuid primary key id
  same_firm name[] default '{}',  -- foreign keys whose parent's firm_id must be the event's
  actor name default null         -- the foreign key to public.users that an acting user fills
) returns void
language plpgsql set search_path = ''
as $generator$
declare
  log_id constant regclass := format('public.%I', log)::regclass;
  columns text;      -- "id", "firm_id", …
  defaults text;     -- the row that an event without columns becomes
  differences text;  -- one CASE per column: its name when sent and stored differ
  members text;      -- 'id', stored.id, …
  faults text;       -- one SELECT per rule about a foreign key
  signature text;
  prepare text := '';
  actor_firm constant text := '(select u.firm_id from public.users u where u.id = actor)';
begin
  select
    string_agg(quote_ident(a.attname), ', ' order by a.attnum),
    string_agg(coalesce(pg_get_expr(d.adbin, d.adrelid),
      format('null::%s', format_type(a.atttypid, a.atttypmod))), ', ' order by a.attnum),
    string_agg(format(
      'case when e.sent ? %L and (e.new).%I is distinct from s.%I%s then %L end',
      a.attname, a.attname, a.attname,
      case when k.confdeltype = 'n' then format(' and s.%I is not null', a.attname) else '' end,
      a.attname), E',\n        ' order by a.attnum),
    string_agg(format('%L, s.%I%s', a.attname, a.attname,
      case when a.atttypid = 'numeric'::regtype then '::text' else '' end), ', ' order by a.attnum)
  into columns, defaults, differences, members
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join pg_catalog.pg_constraint k
    on k.conrelid = a.attrelid and k.contype = 'f' and k.conkey = array[a.attnum]
  where a.attrelid = log_id and a.attnum > 0 and not a.attisdropped;

  -- A row that is stored already needs no parent any more: its key may have been
  -- nulled since, and the event is still the same event.
  select string_agg(rule, E'\n      union all\n      ')
  into faults
  from (
    -- A log without foreign keys has no rules; the shape of a fault stays.
    select 'select null::int as index, null::text as "column", null::text as code where false' as rule
    union all
    select format(
      'select e.index, %L, ''not_found'' from event e '
      || 'where (e.new).%I is not null and not exists (select from %s p where p.%I = (e.new).%I)',
      a.attname, a.attname, k.confrelid::regclass, p.attname, a.attname)
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    join pg_catalog.pg_attribute p on p.attrelid = k.confrelid and k.confkey = array[p.attnum]
    where k.conrelid = log_id and k.contype = 'f'
    union all
    select format(
      'select e.index, %L, ''other_firm'' from event e join %s p on p.%I = (e.new).%I '
      || 'where p.firm_id is distinct from (e.new).firm_id',
      a.attname, k.confrelid::regclass, p.attname, a.attname)
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    join pg_catalog.pg_attribute p on p.attrelid = k.confrelid and k.confkey = array[p.attnum]
    where k.conrelid = log_id and k.contype = 'f' and a.attname = any (same_firm)
    union all
    select format(
      'select e.index, ''firm_id'', case when %1$s is null then ''no_firm'' else ''other_firm'' end '
      || 'from event e where actor is not null and (%1$s is null or (e.new).firm_id <> %1$s)', actor_firm)
    where create_record_function.actor is not null
  ) rules;

  signature := 'events jsonb, atomic boolean default false, representation boolean default false';
  if actor is not null then
    signature := signature || ', actor uuid default null';
    prepare := format($sql$
  if actor is not null then
    select jsonb_agg(
      jsonb_build_object('firm_id', %s) || e.value || jsonb_build_object(%L, actor)
      order by e.ordinality)
    into events
    from jsonb_array_elements(events) with ordinality e;
  end if;$sql$, actor_firm, actor);
  end if;

  execute format($function$
create or replace function public.%1$I(%2$s) returns jsonb
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
as $record$
#variable_conflict use_column
declare
  written int[];      -- indexes of the events that this call inserted
  faults jsonb;       -- {index: [{column, code}]}
  results jsonb;
  attempts int := 0;
begin
  if exists (select from jsonb_array_elements(events) e where e.value ->> 'id' is null) then
    raise exception 'every event needs an id' using errcode = '22023';
  end if;%3$s
  loop
    attempts := attempts + 1;
    begin
      with event as materialized (
        select (e.ordinality - 1)::int as index, e.value as sent, r as new
        from jsonb_array_elements(events) with ordinality e
        cross join lateral jsonb_populate_record(
          row(%4$s)::public.%5$I, coalesce(e.value -> 'stamped', '{}') || e.value) r
        where not exists (select from public.%5$I s where s.id = (e.value ->> 'id')::uuid)
      ), fault as materialized (
      %6$s
      ), acceptable as (
        select distinct on ((e.new).id) e.index, e.new from event e
        where e.index not in (select f.index from fault f)
        order by (e.new).id, e.index
      ), inserted as (
        insert into public.%5$I (%7$s)
        select (a.new).* from acceptable a order by (a.new).id
        on conflict (id) do nothing
        returning id
      )
      select
        (select coalesce(array_agg(a.index), '{}') from acceptable a join inserted i on i.id = (a.new).id),
        (select coalesce(jsonb_object_agg(g.index, g.list), '{}') from (
          select f.index, jsonb_agg(jsonb_build_object('column', f."column", 'code', f.code)) as list
          from fault f group by f.index) g)
      into written, faults;

      with event as (
        select (e.ordinality - 1)::int as index, e.value as sent, r as new
        from jsonb_array_elements(events) with ordinality e
        cross join lateral jsonb_populate_record(null::public.%5$I, e.value) r
      ), compared as (
        select e.index, (e.new).id, s, faults -> e.index::text as faults,
        case when e.index = any (written) then '{}' else array_remove(array[
        %8$s
        ], null) end as fields
        from event e left join public.%5$I s on s.id = (e.new).id
      )
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'index', c.index, 'id', c.id,
          'outcome', case
            when c.faults is not null then 'rejected'
            when c.index = any (written) then 'recorded'
            when c.fields = '{}' then 'duplicate'
            else 'conflict' end,
          'faults', c.faults,
          'fields', case when c.faults is null then to_jsonb(nullif(c.fields, '{}')) end))
        || case when representation and c.faults is null and c.fields = '{}'
          then jsonb_build_object('row', (select jsonb_build_object(%9$s) from (select (c.s).*) s))
          else '{}' end
        order by c.index)
      into results
      from compared c;

      if atomic and exists (
        select from jsonb_array_elements(results) r where r.value ->> 'outcome' in ('conflict', 'rejected')
      ) then
        raise exception using errcode = 'LF001';
      end if;
      return coalesce(results, '[]');
    exception
      when sqlstate 'LF001' then
        -- Rolled back: what would have been recorded was not.
        return (
          select jsonb_agg(case when r.value ->> 'outcome' = 'recorded'
            then r.value - 'row' || '{"outcome": "aborted"}' else r.value end order by r.ordinality)
          from jsonb_array_elements(results) with ordinality r);
      when foreign_key_violation then
        if attempts = 3 then raise; end if;
    end;
  end loop;
end
$record$;
$function$,
    'record_' || log, signature, prepare, defaults, log, faults, columns, differences, members);

  execute format('revoke all on function public.%I from public, anon, authenticated, service_role', 'record_' || log);
  execute format('grant execute on function public.%I to service_role', 'record_' || log);
end
$generator$;

comment on function ledger.create_record_function(name, name[], name) is
  'Generates public.record_<log>, the function that writes events into a log, from the log''s columns and foreign keys.';
revoke all on function ledger.create_record_function(name, name[], name) from public;
