-- The read functions again, for a log whose rows are spread over a table and its
-- details: they show, filter, group and measure the columns of both alike.

-- What is read of a log, as something to select from. Details are never required:
-- a row that was written around the functions has none, and then the caller said
-- what it cost.
--
-- as_of says which ratings of llm_usage_log count: charged (none: what was charged
-- stays what it was), latest, or those made until a moment.
create function ledger.log_source(log regclass, as_of text default 'charged') returns text
language plpgsql stable set search_path = ''
as $$
declare
  details constant regclass := ledger.details_of(log);
  -- What is read instead of a column.
  readings jsonb := '{}';
  ratings text := '';
  columns text;
begin
  if details is null then
    return log::text;
  end if;
  if log = 'public.llm_usage_log'::regclass and as_of = 'charged' then
    readings := '{
      "cost_usd_exact": "coalesce(d.cost_usd_exact, l.cost_usd)",
      "cost_source": "coalesce(d.cost_source, ''reported'')"}';
  elsif log = 'public.llm_usage_log'::regclass then
    readings := '{
      "cost_usd_exact": "coalesce(x.cost_usd_exact, d.cost_usd_exact, l.cost_usd)",
      "cost_source": "coalesce(x.cost_source, d.cost_source, ''reported'')",
      "cost_is_floor": "coalesce(x.cost_is_floor, d.cost_is_floor)",
      "price_id": "case when x.usage_id is null then d.price_id else x.price_id end"}';
    ratings := format($sql$ left join lateral (
      select x.* from public.llm_usage_ratings x where x.usage_id = l.id%s
      order by x.rated_at desc, x.id desc limit 1) x on true$sql$,
      case when as_of <> 'latest' then format(' and x.rated_at <= %L::timestamptz', as_of) else '' end);
  end if;
  select string_agg(format('%s as %I', coalesce(readings ->> c.name, format('d.%I', c.name)), c.name), ', ')
  into columns
  from ledger.columns_of(log) c
  where c.source = details;
  return format('(select l.*, l.xmin as xmin, %s from %s l left join %s d on d.id = l.id%s)',
    columns, log, details, ratings);
end
$$;
comment on function ledger.log_source is 'What to select a log''s rows from, its details included.';

-- Columns that a summary tells in ways of their own.
create function ledger.special_measures(log name)
returns table ("column" name, expressions text)
language sql immutable set search_path = ''
as $$
  select m.* from (values
    ('cost_usd_exact', $sql$'cost_usd_exact', trim_scale(coalesce(sum(r.cost_usd_exact), 0))::text$sql$),
    ('reported_cost_usd', $sql$'reported_cost_usd', trim_scale(coalesce(sum(r.reported_cost_usd), 0))::text$sql$),
    ('computed_cost_usd', $sql$'computed_cost_usd', trim_scale(coalesce(sum(r.computed_cost_usd), 0))::text$sql$),
    ('cost_source', $sql$'priced_count', count(*) filter (where r.cost_source <> 'unpriced'),
      'unpriced_count', count(*) filter (where r.cost_source = 'unpriced'),
      'unpriced_input_tokens', coalesce(sum(r.input_tokens) filter (where r.cost_source = 'unpriced'), 0),
      'unpriced_output_tokens', coalesce(sum(r.output_tokens) filter (where r.cost_source = 'unpriced'), 0)$sql$),
    ('cost_is_floor', $sql$'is_floor', coalesce(bool_or(r.cost_is_floor), false)$sql$),
    ('cost_differs', $sql$'differing_count', count(*) filter (where r.cost_differs)$sql$)
  ) m
  where log = 'llm_usage_log'
$$;

create or replace function ledger.build_condition(
  log regclass, filters jsonb, minimums jsonb, time_column name, since text, until text
) returns text
language plpgsql stable set search_path = ''
as $$
declare
  condition text := concat_ws(' and ', format('r.%I is not null', time_column), ledger.build_gate(log));
  wanted record;
begin
  for wanted in
    select f.key, format_type(a.type, null) as type,
      array(select jsonb_array_elements_text(f.value)) as list, null as minimum
    from jsonb_each(filters) f
    left join ledger.columns_of(log) a on a.name = f.key
    union all
    select m.key, format_type(a.type, null), null, m.value
    from jsonb_each_text(minimums) m
    left join ledger.columns_of(log) a on a.name = m.key
  loop
    if wanted.type is null then
      raise exception '% has no column %', log, wanted.key using errcode = '22023';
    end if;
    condition := condition || case
      when wanted.minimum is not null then
        format(' and r.%I >= %L::%s', wanted.key, wanted.minimum, wanted.type)
      -- A single value keeps the order of an index that starts with the column.
      when cardinality(wanted.list) = 1 then
        format(' and r.%I = %L::%s', wanted.key, wanted.list[1], wanted.type)
      else format(' and r.%I = any (%L::%s[])', wanted.key, wanted.list, wanted.type)
    end;
  end loop;
  if since is not null then
    condition := condition || format(' and r.%I >= %L', time_column, since);
  end if;
  if until is not null then
    condition := condition || format(' and r.%I < %L', time_column, until);
  end if;
  return condition;
end
$$;

-- A page of rows, as {rows, more, next}: as it was said where it was first made.
create or replace function public.list_log(
  log name,
  time_column name,
  filters jsonb default '{}',         -- {column: [value, …]}: equals one of them
  minimums jsonb default '{}',        -- {column: value}: at least this
  since text default null,            -- inclusive: a timestamptz, or a date in UTC
  until text default null,            -- exclusive
  ascending boolean default false,
  max_rows int default 100,
  after jsonb default null
) returns jsonb
language plpgsql stable security invoker set search_path = '' set timezone = 'UTC'
set seq_page_cost = 0.1 set random_page_cost = 0.1
as $$
declare
  log_id constant regclass := format('public.%I', log)::regclass;
  next_xid constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
  oldest_xid constant bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  condition text := ledger.build_condition(log_id, filters, minimums, time_column, since, until);
  done constant bigint := (after ->> 'done')::bigint;
  final constant bigint := coalesce((after ->> 'final')::bigint, oldest_xid);
  began constant timestamptz := coalesce((after ->> 'began')::timestamptz, clock_timestamp());
  floor constant timestamptz := (after ->> 'floor')::timestamptz;
  members text;
  row_xid text;
  result jsonb;
  more boolean;
begin
  if ascending then
    if greatest(done, final) > next_xid then
      raise exception 'the cursor is of another database' using errcode = 'LF002';
    end if;
    -- xmin has 32 bits: the newest transaction that ends in them is meant.
    row_xid := format('(%1$s - mod(%1$s - r.xmin::text::bigint + 2 * 4294967296, 4294967296))', next_xid);
    condition := concat_ws(' and ', condition, row_xid || ' < ' || final,
      row_xid || ' >= ' || done,
      case when floor is not null then format('r.%I >= %L', time_column, floor) end);
  end if;
  if after ? 'id' then
    condition := condition || format(' and (r.%I, r.id) %s (%L::timestamptz, %L::uuid)', time_column,
      case when ascending then '>' else '<' end, after ->> 'time', after ->> 'id');
  end if;
  select string_agg(format('%L, r.%I%s', c.name, c.name, case when c.type = 'numeric'::regtype then '::text' else '' end), ', ')
  into members
  from ledger.columns_of(log_id) c;

  execute format(
    'select coalesce(jsonb_agg(jsonb_build_object(%s)), ''[]'') from (select * from %s r where %s order by r.%I %s, r.id %5$s limit %s) r',
    members, ledger.log_source(log_id), condition, time_column, case when ascending then 'asc' else 'desc' end, max_rows + 1)
  into result;

  more := jsonb_array_length(result) > max_rows;
  if more then
    result := result - max_rows;
  end if;
  return jsonb_build_object('rows', result, 'more', more, 'next', case
    when more and ascending then jsonb_strip_nulls(jsonb_build_object('done', done, 'final', final,
      'began', began, 'floor', floor, 'time', result -> -1 -> time_column, 'id', result -> -1 -> 'id'))
    when more then jsonb_build_object('time', result -> -1 -> time_column, 'id', result -> -1 -> 'id')
    when ascending then jsonb_build_object('done', final, 'floor', began - interval '1 hour')
  end);
end
$$;

drop function public.summarise_log(name, name, jsonb, jsonb, text, text, text[], text, text, int);

-- Counts and sums, as it was said where it was first made.
create function public.summarise_log(
  log name,
  time_column name,
  filters jsonb default '{}',
  minimums jsonb default '{}',
  since text default null,            -- a timestamptz, or a date in the zone
  until text default null,
  groups text[] default '{}',         -- columns
  bucket text default null,           -- hour, day, week (from Monday) or month
  zone text default 'UTC',            -- whose days these are: an IANA name
  max_groups int default 1000,
  as_of text default 'charged'        -- which ratings count: see ledger.log_source
) returns json
language plpgsql stable security invoker set search_path = '' set timezone = 'UTC'
set seq_page_cost = 0.1 set random_page_cost = 0.1
as $$
declare
  log_id constant regclass := format('public.%I', log)::regclass;
  condition constant text := ledger.build_condition(log_id, filters, minimums, time_column, since, until);
  columns text[] := array(select format('r.%I', g) from unnest(groups) g);
  keys text := (select string_agg(format('%L, r.%I', g, g), ', ') from unnest(groups) g);
  moment text := format('date_trunc(%L, r.%I)', bucket, time_column);
  measures text;
  result json;
begin
  if bucket is not null then
    columns := moment || columns;
    keys := concat_ws(', ', format('%L, %s', bucket, moment), keys);
  end if;
  select concat_ws(', ', '''count'', count(*)', string_agg(case
    when s.expressions is not null then s.expressions
    when c.type = 'boolean'::regtype then format(
      '%2$L, count(*) filter (where r.%1$I), %3$L, count(*) filter (where not r.%1$I), '
      || '%4$L, round(avg(r.%1$I::int), 6), %5$L, round(avg((not r.%1$I)::int), 6)',
      c.name, c.name || '_true', c.name || '_false', c.name || '_true_rate', c.name || '_false_rate')
    when c.type = 'numeric'::regtype then format('%1$L, coalesce(sum(r.%1$I), 0::%2$s)::text', c.name, c.type_name)
    -- The three share one sort.
    when c.name like '%\_ms' then format(
      '%2$L, percentile_disc(0.5) within group (order by r.%1$I), '
      || '%3$L, percentile_disc(0.95) within group (order by r.%1$I), '
      || '%4$L, percentile_disc(0.99) within group (order by r.%1$I)',
      c.name, c.name || '_p50', c.name || '_p95', c.name || '_p99')
    else format('%1$L, coalesce(sum(r.%1$I), 0)', c.name)
    end, ', ' order by c.position))
  into measures
  from ledger.columns_of(log_id) c
  left join ledger.special_measures(log) s on s.column = c.name
  where s.expressions is not null or c.type in ('boolean'::regtype, 'numeric'::regtype, 'integer'::regtype);

  -- Buckets begin and print in the zone; the function's own setting ends with it.
  perform set_config('timezone', zone, true);
  execute format($query$
    with groups as materialized (
      select %1$s as is_total, json_build_object(%3$s) as total, json_build_object(%2$s) as content,
        row_number() over (partition by %1$s order by %4$s count(*) desc %5$s) as position
      from %6$s r where %7$s
      group by grouping sets (%8$s ())
    )
    select json_build_object(
      'totals', (select total from groups where is_total),
      'groups', (select coalesce(json_agg(content order by position), '[]')
        from groups where not is_total and position <= %9$s),
      'group_count', (select count(*) from groups where not is_total))
    $query$,
    case when columns = '{}' then 'true' else format('grouping(%s) > 0', array_to_string(columns, ', ')) end,
    concat_ws(', ', keys, measures), measures,
    case when bucket is not null then moment || ', ' else '' end,
    case when columns <> '{}' then ', ' || array_to_string(columns, ', ') else '' end,
    ledger.log_source(log_id, as_of), condition,
    case when columns <> '{}' then format('(%s), ', array_to_string(columns, ', ')) else '' end,
    max_groups)
  into result;
  return result;
end
$$;
comment on function public.summarise_log is
  'Counts and sums of a log over a time range, as far as the caller may see it.';

revoke all on function ledger.log_source, ledger.special_measures, public.summarise_log
  from public, anon, authenticated, service_role;
grant execute on function ledger.log_source, ledger.special_measures, public.summarise_log
  to authenticated, service_role;
