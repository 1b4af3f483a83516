-- How the logs are read: list_log and summarise_log, for any of them. Both run as
-- the caller (SECURITY INVOKER), so privileges and row security decide what a
-- user sees, and filters only narrow it. The query is built per call, from
-- columns checked against the catalog and quoted values, so that the planner
-- sees the values and picks the index.
--
-- The planner takes an index on (firm_id, created_at) to point all over the table,
-- and would rather read everybody's month. But rows are stored as they arrive, so
-- what is near in time is near on disk: a page costs the same in any order, and
-- little beside the rows that are read and thrown away.

grant usage on schema ledger to authenticated, service_role;

-- A policy that does not look at the row would still be asked for every row. What
-- such policies say together is asked once before, so that whoever may see nothing
-- reads nothing; what is read is then checked as ever.
create function ledger.build_gate(log regclass) returns text
language sql stable set search_path = ''
as $$
  select case when bool_and(alike) then format('(select %s)', string_agg(condition, ' or ')) end
  from (
    select pg_get_expr(p.polqual, p.polrelid) as condition,
      -- Neither a column nor the row as a whole is in it.
      not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
          and d.refobjid = log and d.refobjsubid <> 0)
      and strpos(pg_get_expr(p.polqual, p.polrelid), c.relname) = 0 as alike
    from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
    where p.polrelid = log and p.polpermissive and p.polcmd in ('r', '*')
      and row_security_active(log)
      and exists (
        select from unnest(p.polroles) role
        where role = 0 or pg_has_role(current_user, role, 'usage'))
  ) policies
$$;
comment on function ledger.build_gate is
  'What row security says of all rows alike, as a condition; NULL when it looks at the rows.';

create function ledger.build_condition(
  log regclass, filters jsonb, minimums jsonb, time_column name, since text, until text
) returns text
language plpgsql stable set search_path = ''
as $$
declare
  condition text := concat_ws(' and ', format('r.%I is not null', time_column), ledger.build_gate(log));
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
-- follows from the columns: integers are summed; of those that end in _ms the
-- percentiles are told (latency_ms_p50); money is summed exactly and is text;
-- booleans are counted (success_true, success_true_rate). json, because it keeps
-- the order of members.
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
    when a.atttypid = 'boolean'::regtype then format(
      '%2$L, count(*) filter (where r.%1$I), %3$L, count(*) filter (where not r.%1$I), '
      || '%4$L, round(avg(r.%1$I::int), 6), %5$L, round(avg((not r.%1$I)::int), 6)',
      a.attname, a.attname || '_true', a.attname || '_false', a.attname || '_true_rate', a.attname || '_false_rate')
    when a.atttypid = 'numeric'::regtype then format(
      '%1$L, coalesce(sum(r.%1$I), 0::%2$s)::text', a.attname, format_type(a.atttypid, a.atttypmod))
    -- The three share one sort.
    when a.attname like '%\_ms' then format(
      '%2$L, percentile_disc(0.5) within group (order by r.%1$I), '
      || '%3$L, percentile_disc(0.95) within group (order by r.%1$I), '
      || '%4$L, percentile_disc(0.99) within group (order by r.%1$I)',
      a.attname, a.attname || '_p50', a.attname || '_p95', a.attname || '_p99')
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
    log_id, condition,
    case when columns <> '{}' then format('(%s), ', array_to_string(columns, ', ')) else '' end,
    max_groups)
  into result;
  return result;
end
$$;
comment on function public.summarise_log is
  'Counts and sums of a log over a time range, as far as the caller may see it.';

revoke all on function ledger.build_gate, ledger.build_condition, public.list_log, public.summarise_log
  from public, anon, authenticated, service_role;
grant execute on function ledger.build_gate, ledger.build_condition, public.list_log, public.summarise_log
  to authenticated, service_role;
