-- How the logs are read: list_log and summarise_log, for any of them. Both run as
-- the caller (SECURITY INVOKER), so privileges and row security decide what a
-- user sees, and filters only narrow it. The query is built per call, from
-- columns checked against the catalog and quoted values, so that the planner
-- sees the values and picks the index.

grant usage on schema ledger to authenticated, service_role;

create function ledger.build_condition(
  log regclass, filters jsonb, minimums jsonb, time_column name, since text, until text
) returns text
language plpgsql stable set search_path = ''
as $$
declare
  condition text := format('r.%I is not null', time_column);
  wanted record;
begin
  for wanted in
    select f.key, format_type(a.atttypid, null) as type,
      array(select jsonb_array_elements_text(f.value)) as list, null as minimum
    from jsonb_each(filters) f
    left join pg_catalog.pg_attribute a on a.attrelid = log and a.attname = f.key and a.attnum > 0
    union all
    select m.key, format_type(a.atttypid, null), null, m.value
    from jsonb_each_text(minimums) m
    left join pg_catalog.pg_attribute a on a.attrelid = log and a.attname = m.key and a.attnum > 0
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
comment on function ledger.build_condition is 'The WHERE clause of a read, for the row alias r.';

-- A page of rows, as {rows, more, next}: money as text, times in UTC.
--
-- Newest first, `after` (the `next` of the page before) continues below the last
-- row's (time, id), and `next` is null at the end.
--
-- Oldest first, a list is also a feed: `next` is never null, and asks for what is
-- new. Times alone cannot say what is new, because a transaction that began
-- earlier may commit later. So each round of pages takes exactly the rows whose
-- transactions lie between two cuts, where a cut is the oldest transaction still
-- running: everything below it is final. A row's transaction is its xmin. Rows
-- whose time lies more than an hour before the round began are not looked for.
create function public.list_log(
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
  select string_agg(format('%L, r.%I%s', a.attname, a.attname,
    case when a.atttypid = 'numeric'::regtype then '::text' else '' end), ', ')
  into members
  from pg_catalog.pg_attribute a
  where a.attrelid = log_id and a.attnum > 0 and not a.attisdropped;

  execute format(
    'select coalesce(jsonb_agg(jsonb_build_object(%s)), ''[]'') from (select * from %s r where %s order by r.%I %s, r.id %5$s limit %s) r',
    members, log_id, condition, time_column, case when ascending then 'asc' else 'desc' end, max_rows + 1)
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
comment on function public.list_log is
  'A page of a log, newest or oldest first, as far as the caller may see it.';

-- Counts and sums, as {totals, groups, group_count}, in one scan. What is measured
-- follows from the columns: integers are summed, those that end in _ms as
-- percentiles; money is summed exactly and is text; booleans are counted.
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
  max_groups int default 1000
) returns jsonb
language plpgsql stable security invoker set search_path = '' set timezone = 'UTC'
as $$
declare
  log_id constant regclass := format('public.%I', log)::regclass;
  condition constant text := ledger.build_condition(log_id, filters, minimums, time_column, since, until);
  columns text[] := array(select format('r.%I', g) from unnest(groups) g);
  keys text := (select string_agg(format('%L, r.%I', g, g), ', ') from unnest(groups) g);
  moment text := format('date_trunc(%L, r.%I)', bucket, time_column);
  measures text;
  result jsonb;
begin
  if bucket is not null then
    columns := moment || columns;
    keys := concat_ws(', ', format('%L, %s', bucket, moment), keys);
  end if;
  select concat_ws(', ', '''count'', count(*)', string_agg(case
    when a.atttypid = 'boolean'::regtype then format(
      '%1$L, jsonb_build_object(''true'', count(*) filter (where r.%1$I), ''false'', count(*) filter (where not r.%1$I), ''true_rate'', round(avg(r.%1$I::int), 6), ''false_rate'', round(avg((not r.%1$I)::int), 6))', a.attname)
    when a.atttypid = 'numeric'::regtype then format(
      '%1$L, coalesce(sum(r.%1$I), 0::%2$s)::text', a.attname, format_type(a.atttypid, a.atttypmod))
    when a.attname like '%\_ms' then format(
      '%1$L, (select jsonb_build_object(''p50'', p[1], ''p95'', p[2], ''p99'', p[3]) from (select percentile_disc(array[0.5, 0.95, 0.99]) within group (order by r.%1$I) as p) x)', a.attname)
    else format('%1$L, coalesce(sum(r.%1$I), 0)', a.attname)
    end, ', ' order by a.attnum))
  into measures
  from pg_catalog.pg_attribute a
  where a.attrelid = log_id and a.attnum > 0 and not a.attisdropped
    and a.atttypid in ('boolean'::regtype, 'numeric'::regtype, 'integer'::regtype);

  -- Buckets begin and print in the zone; the function's own setting ends with it.
  perform set_config('timezone', zone, true);
  execute format($query$
    with groups as materialized (
      select %1$s as is_total, jsonb_build_object(%2$s) as keys, jsonb_build_object(%3$s) as measures,
        row_number() over (partition by %1$s order by %4$s count(*) desc %5$s) as position
      from %6$s r where %7$s
      group by grouping sets (%8$s ())
    )
    select jsonb_build_object(
      'totals', (select measures from groups where is_total),
      'groups', (select coalesce(jsonb_agg(keys || measures order by position), '[]')
        from groups where not is_total and position <= %9$s),
      'group_count', (select count(*) from groups where not is_total))
    $query$,
    case when columns = '{}' then 'true' else format('grouping(%s) > 0', array_to_string(columns, ', ')) end,
    keys, measures,
    case when bucket is not null then moment || ', ' else '' end,
    case when columns <> '{}' then ', ' || array_to_string(columns, ', ') else '' end,
    log_id, condition,
    case when columns <> '{}' then format('(%s), ', array_to_string(columns, ', ')) else '' end,
    max_groups)
  into result;
  return result;
end
$$;
comment on function public.summarise_log is
  'Counts and sums of a log over a time range, as far as the caller may see it.';

revoke all on function ledger.build_condition, public.list_log, public.summarise_log
  from public, anon, authenticated, service_role;
grant execute on function ledger.build_condition, public.list_log, public.summarise_log
  to authenticated, service_role;
