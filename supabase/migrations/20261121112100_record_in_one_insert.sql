-- The record functions again, for what a batch costs: almost every batch is new, whole
-- and sound, so it is inserted as if it were. Only when that fails, because a parent
-- is missing or a row is stored already and would fail on a key it no longer needs, is
-- each event looked at by itself before it is written.
--
-- Events become rows in one call for all of them. What a call of a model cost is put
-- together with its rows, and not read from the event a second time.
--
-- With brief, a batch of which there is nothing to say but that it was recorded is
-- answered as {"recorded": n, "first": id, "last": id}.

drop function public.record_llm_usage_log(jsonb, boolean, boolean);
drop function public.record_audit_log(jsonb, boolean, boolean, uuid);
drop function public.record_tool_usage_ledger(jsonb, boolean, boolean);
drop function public.record_model_usage_log(jsonb, boolean, boolean);

create or replace function ledger.create_record_function(
  log name,                       -- a table in public with a uuid primary key id
  same_firm name[] default '{}',  -- foreign keys whose parent's firm_id must be the event's
  actor name default null,        -- the foreign key to public.users that an acting user fills
  prepare regproc default null,   -- makes events the columns of the log and of its details, and a fault
  warnings jsonb default '{}',
  settle regproc default null
) returns void
language plpgsql set search_path = ''
as $generator$
declare
  log_id constant regclass := format('public.%I', log)::regclass;
  details constant regclass := ledger.details_of(log_id);
  columns text;      -- "id", "firm_id", …
  defaults text;     -- the row that an event without columns becomes
  details_columns text;
  differences text;  -- one CASE per column: its name when sent and stored differ
  members text;      -- 'id', s.id, …
  faults text;       -- one SELECT per rule about an event
  is_faulty text;    -- whether one of the rules that no foreign key sees to is broken
  signature text;
  as_actor text := '';
  codes text;        -- what to warn of, by a row of details d
  is_warned text;    -- whether there is anything
  parts jsonb;       -- what stands in place of {{name}}
  part record;
  definition text := $function$
create function public.{{function}}({{signature}}) returns jsonb
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
-- A plan is kept for a session and made for the log as it was then, which may be almost
-- empty: events are looked up by key all the same.
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $record$
#variable_conflict use_column
declare
  total constant int := jsonb_array_length(events);
  complete jsonb;         -- the events with what was stamped on them
  careful boolean := false;
  written int[];          -- indexes of the events that this call inserted
  ids uuid[];             -- and their ids
  faults jsonb := '{}';   -- {index: [{column, code}]}
  is_faulty boolean;
  warned jsonb := '{}';   -- {id: [code]}, of the events that this call inserted
  settled jsonb := '{}';  -- the same, as settling says it
  results jsonb;
  attempts int := 0;
begin
  if events @? '$[*] ? (!exists (@.id) || @.id == null)' then
    raise exception 'every event needs an id' using errcode = '22023';
  end if;{{actor}}
  complete := events;
  if events @? '$[*].stamped' then
    complete := (
      select jsonb_agg(coalesce(e.value -> 'stamped', '{}') || e.value order by e.ordinality)
      from jsonb_array_elements(events) with ordinality e);
  end if;
  loop
    begin
      if careful then
        with event as materialized (
          select e.* from {{rows}} e
          where not coalesce((select true from {{log}} s where s.id = e.id), false)
        ), fault as materialized (
          {{faults}}
        ), acceptable as materialized (
          select distinct on (e.id) e.* from event e
          where e.index not in (select f.index from fault f)
          order by e.id, e.index
        ), {{insert}}
        select w.*, (select coalesce(jsonb_object_agg(g.index, g.list), '{}') from (
            select f.index, jsonb_agg(jsonb_build_object('column', f."column", 'code', f.code)) as list
            from fault f group by f.index) g)
        into written, ids, warned, faults
        from {{outcome}} w;
      else
        with event as {{materialized}} (
          select e.* from {{rows}} e
        ), acceptable as materialized (
          select distinct on (e.id) e.* from event e order by e.id, e.index
        ), {{insert}}
        select w.*, {{is_faulty}}
        into written, ids, warned, is_faulty
        from {{outcome}} w;
        if is_faulty then
          raise exception using errcode = 'LF002';
        end if;
      end if;{{settlement}}

      if brief and not representation and cardinality(written) = total and warned = '{}' and settled = '{}' then
        -- The ids show whose answer this is.
        return jsonb_build_object('recorded', total, 'first', events -> 0 -> 'id', 'last', events -> -1 -> 'id');
      end if;

      select coalesce(jsonb_agg(jsonb_build_object('index', e.ordinality - 1, 'id', e.id, 'outcome', 'recorded')
        || case when warned ? e.id::text or settled ? e.id::text then jsonb_build_object('warnings',
          coalesce(settled -> e.id::text, '[]') || coalesce(warned -> e.id::text, '[]')) else '{}' end
        || case when representation then jsonb_build_object('row', {{row}}) else '{}' end
        order by e.ordinality), '[]')
      into results
      from (
        select e.ordinality, (e.value ->> 'id')::uuid as id from jsonb_array_elements(events) with ordinality e
      ) e
      where cardinality(written) = total or (e.ordinality - 1)::int in (select unnest(written));

      -- Only what was not written has to be compared with what is stored.
      if cardinality(written) < total then
      with event as materialized (
        select e.index, e.sent, e.id
        from (
          select (e.ordinality - 1)::int as index, e.value as sent, (e.value ->> 'id')::uuid as id
          from jsonb_array_elements(events) with ordinality e
        ) e
        where e.index not in (select unnest(written))
      ), compared as (
        select e.index, e.id, faults -> e.index::text as faults, {{codes}} as codes, array_remove(array[
        {{differences}}
        ], null) as fields
        from event e left join {{log}} s on s.id = e.id{{join_details}}
        cross join lateral jsonb_populate_record(null::{{log}}, e.sent) new{{sent_details}}
      )
      select jsonb_agg(r.content order by (r.content -> 'index')::int)
      into results
      from (
        select r.value as content from jsonb_array_elements(results) r
        union all
        select jsonb_strip_nulls(jsonb_build_object(
          'index', c.index, 'id', c.id,
          'outcome', case when c.faults is not null then 'rejected' when c.fields = '{}' then 'duplicate' else 'conflict' end,
          'faults', c.faults,
          'fields', case when c.faults is null then to_jsonb(nullif(c.fields, '{}')) end,
          'warnings', case when c.faults is null and c.fields = '{}' then to_jsonb(nullif(c.codes, '{}')) end))
          || case when representation and c.faults is null and c.fields = '{}'
            then jsonb_build_object('row', {{row}}) else '{}' end
        from compared c
        cross join lateral (select c.id) e
      ) r;
      end if;

      if atomic and cardinality(written) < total and exists (
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
            then r.value - 'row' - 'warnings' || '{"outcome": "aborted"}' else r.value end order by r.ordinality)
          from jsonb_array_elements(results) with ordinality r);
      when sqlstate 'LF002' then
        careful := true;
      when foreign_key_violation or not_null_violation or check_violation then
        -- A parent may also go while each event is looked at.
        if careful then attempts := attempts + 1; end if;
        if attempts = 3 or careful and sqlstate <> '23503' then raise; end if;
        careful := true;
    end;
  end loop;
end
$record$
$function$;
  actor_firm constant text := '(select u.firm_id from public.users u where u.id = actor)';
begin
  select
    string_agg(quote_ident(a.attname), ', ' order by a.attnum) filter (where a.attrelid = log_id),
    string_agg(a.fallback, ', ' order by a.attnum) filter (where a.attrelid = log_id),
    string_agg(quote_ident(a.attname), ', ' order by a.attnum) filter (where a.attrelid = details),
    string_agg(format(
      'case when e.sent ? %L and %s.%I is distinct from %s.%I%s then %L end',
      a.attname, a.made, a.attname, a.stored, a.attname,
      case when a.nullable then format(' and %s.%I is not null', a.stored, a.attname) else '' end,
      a.attname), E',\n        ' order by a.attrelid <> log_id, a.attnum) filter (where a.shown),
    string_agg(format('%L, %s.%I%s', a.attname, a.stored, a.attname,
      case when a.atttypid = 'numeric'::regtype then '::text' else '' end), ', '
      order by a.attrelid <> log_id, a.attnum) filter (where a.shown)
  into columns, defaults, details_columns, differences, members
  from (
    select a.*, a.attrelid = c.source as shown,
      case when a.attrelid = log_id then 'new' else 'details' end as made,
      case when a.attrelid = log_id then 's' else 'd' end as stored,
      coalesce(k.confdeltype = 'n', false) as nullable,
      coalesce(pg_get_expr(v.adbin, v.adrelid), format('null::%s', format_type(a.atttypid, a.atttypmod))) as fallback
    from pg_catalog.pg_attribute a
    join ledger.columns_of(log_id) c on c.name = a.attname
    left join pg_catalog.pg_attrdef v on v.adrelid = a.attrelid and v.adnum = a.attnum
    left join pg_catalog.pg_constraint k
      on k.conrelid = a.attrelid and k.contype = 'f' and k.conkey = array[a.attnum]
    where a.attrelid in (log_id, details) and a.attnum > 0 and not a.attisdropped
  ) a;

  select format('array_remove(array[%s]::text[], null)',
      string_agg(format('case when %s then %L end', w.value, w.key), ', ' order by w.key)),
    string_agg(format('(%s)', w.value), ' or ' order by w.key)
  into codes, is_warned
  from jsonb_each_text(warnings) w;

  -- A row that is stored already needs no parent any more: its key may have been
  -- nulled since, and the event is still the same event. That every parent is there
  -- the keys themselves see to; which one is not, is found out when one is missing.
  select string_agg(rule, E'\n          union all\n          '),
    coalesce(string_agg(format('exists (%s)', rule), ' or ') filter (where not is_key), 'false')
  into faults, is_faulty
  from (
    -- A log without foreign keys has no rules; the shape of a fault stays.
    select 'select null::int as index, null::text as "column", null::text as code where false' as rule, true as is_key
    union all
    select format(
      'select e.index, %L, ''not_found'' from event e '
      || 'where e.%I is not null and not exists (select from %s p where p.%I = e.%I)',
      a.attname, a.attname, k.confrelid::regclass, p.attname, a.attname), true
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    join pg_catalog.pg_attribute p on p.attrelid = k.confrelid and k.confkey = array[p.attnum]
    where k.conrelid = log_id and k.contype = 'f'
    union all
    select format(
      'select e.index, %L, ''other_firm'' from event e join %s p on p.%I = e.%I '
      || 'where p.firm_id is distinct from e.firm_id',
      a.attname, k.confrelid::regclass, p.attname, a.attname), false
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    join pg_catalog.pg_attribute p on p.attrelid = k.confrelid and k.confkey = array[p.attnum]
    where k.conrelid = log_id and k.contype = 'f' and a.attname = any (same_firm)
    union all
    select format(
      'select e.index, ''firm_id'', case when %1$s is null then ''no_firm'' else ''other_firm'' end '
      || 'from event e where actor is not null and (%1$s is null or e.firm_id <> %1$s)', actor_firm), false
    where create_record_function.actor is not null
    union all
    select 'select e.index, e.fault_column, e.fault_code from event e where e.fault_column is not null', false
    where create_record_function.prepare is not null
  ) rules;

  signature := 'events jsonb, atomic boolean default false, representation boolean default false';
  if actor is not null then
    signature := signature || ', actor uuid default null';
    as_actor := format($sql$
  if actor is not null then
    select jsonb_agg(
      jsonb_build_object('firm_id', %s) || e.value || jsonb_build_object(%L, actor)
      order by e.ordinality)
    into events
    from jsonb_array_elements(events) with ordinality e;
  end if;$sql$, actor_firm, actor);
  end if;
  signature := signature || ', brief boolean default false';

  parts := jsonb_build_object('log', log_id::text, 'function', 'record_' || quote_ident(log), 'signature', signature,
    'actor', as_actor, 'columns', columns, 'faults', faults,
    'is_faulty', is_faulty, 'differences', differences,
    'row', format('(select jsonb_build_object(%s) from %s s%s where s.id = e.id)', members, log_id,
      case when details is not null then format(' left join %s d on d.id = s.id', details) else '' end),
    'materialized', case when is_faulty = 'false' then 'not materialized' else 'materialized' end,
    'rows', format($sql$(
          select e.*, e.ordinality::int - 1 as index
          from jsonb_populate_recordset(row(%s)::%s, complete) with ordinality e
        )$sql$, defaults, log_id),
    'insert', format($sql$inserted as (
          insert into %s (%s) select %2$s from acceptable order by id
          on conflict (id) do nothing
          returning id
        )$sql$, log_id, columns),
    'outcome', $sql$(
          select coalesce(array_agg(a.index order by a.index), '{}'), null::uuid[], '{}'::jsonb
          from acceptable a where a.id in (select i.id from inserted i)
        )$sql$,
    'codes', '''{}''::text[]', 'join_details', '', 'sent_details', '', 'settlement', '');
  if details is not null then
    parts := parts || jsonb_build_object(
      'rows', format('%s(complete)', prepare),
      'insert', format($sql$%s, inserted_details as (
          insert into %s (%s) select %3$s from acceptable where id in (select i.id from inserted i)
        )$sql$, parts ->> 'insert', details, details_columns),
      'outcome', format($sql$(
          select coalesce(array_agg(d.index order by d.index), '{}'), array_agg(d.id order by d.index),
            coalesce(jsonb_object_agg(d.id, %s) filter (where %s), '{}')
          from acceptable d where d.id in (select i.id from inserted i)
        )$sql$, codes, is_warned),
      'codes', codes,
      'join_details', format(E'\n        left join %s d on d.id = e.id', details),
      'sent_details', format(E'\n        cross join lateral jsonb_populate_record(null::%s, e.sent) details', details));
  end if;
  if settle is not null then
    parts := parts || jsonb_build_object('settlement', format($sql$
      if written <> '{}' then
        settled := %s(ids);
      end if;$sql$, settle));
  end if;

  for part in select * from jsonb_each_text(parts) loop
    definition := replace(definition, format('{{%s}}', part.key), part.value);
  end loop;
  execute definition;

  execute format('revoke all on function public.%I from public, anon, authenticated, service_role', 'record_' || log);
  execute format('grant execute on function public.%I to service_role', 'record_' || log);
end
$generator$;

select ledger.create_record_function('llm_usage_log', same_firm => '{cma_project_id}',
  prepare => 'ledger.price_events', settle => 'ledger.charge_budgets',
  warnings => '{
    "unpriced": "d.cost_source = ''unpriced''",
    "partly_unpriced": "d.cost_source = ''computed'' and d.cost_is_floor",
    "cost_differs": "d.cost_differs"
  }');
select ledger.create_record_function('audit_log', actor => 'user_id');
select ledger.create_record_function('tool_usage_ledger');
select ledger.create_record_function('model_usage_log');

select ledger.accept_state('llm_usage_log');
select ledger.accept_state('audit_log');
select ledger.accept_state('tool_usage_ledger');
select ledger.accept_state('model_usage_log');
