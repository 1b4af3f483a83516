-- Rating again without rewriting: when a price arrives late or was wrong, what the
-- calls cost by the prices as they are now is added, and what was charged stays.
-- The newest rating of a row counts; a reader says whether ratings count at all.

create table public.llm_usage_ratings (
  id uuid primary key default gen_random_uuid(),
  usage_id uuid not null references public.llm_usage_log (id) on delete cascade,
  -- The usage row's, so that row security need not look there.
  firm_id uuid not null,
  cost_source text not null check (cost_source in ('computed', 'unpriced')),
  price_id uuid check ((cost_source = 'computed') = (price_id is not null)),
  cost_usd_exact numeric not null check (cost_usd_exact >= 0),
  cost_is_floor boolean not null,
  rated_at timestamptz not null default now(),
  reason text not null check (length(reason) between 1 and 256)
);
comment on table public.llm_usage_ratings is
  'Append-only: what a usage row costs by prices that came after it was charged.';
create index llm_usage_ratings_usage_id_idx on public.llm_usage_ratings (usage_id, rated_at desc);

alter table public.llm_usage_ratings enable row level security;
create policy member_read_llm_usage_ratings on public.llm_usage_ratings
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));

revoke all on public.llm_usage_ratings from public, anon, authenticated, service_role;
grant select on public.llm_usage_ratings to authenticated;
grant select, insert on public.llm_usage_ratings to service_role;

select ledger.guard('llm_usage_ratings');
select ledger.accept_state('llm_usage_ratings');

-- Rates the selected rows by the prices in force at their own time, as they are
-- entered now, and adds a rating to each whose cost, or whether that is all of it,
-- comes out different from the newest view of it. What the caller reported is not
-- rated. Running it again adds nothing.
create function public.rate_llm_usage(
  filters jsonb,       -- {column: [value, …]}, as list_log takes them
  since text,          -- inclusive
  until text,          -- exclusive
  reason text,
  dry_run boolean default false,
  max_rows int default 100000
) returns json
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
as $$
declare
  log_id constant regclass := 'public.llm_usage_log'::regclass;
  now_rated timestamptz;
  usages ledger.usage[];
  ids uuid[];
  firms uuid[];
  sources text[];
  costs numeric[];
  floors boolean[];
  result json;
begin
  -- Two at once would add the same ratings twice.
  perform pg_advisory_xact_lock(hashtext('ledger.rate_llm_usage'));
  -- Not earlier: the newest rating must be the one that was made last.
  now_rated := clock_timestamp();
  execute format($query$
    select array_agg(row(n, u.firm_id, u.provider, u.model, u.service_tier, u.created_at, u.input_tokens,
        u.uncached_input_tokens, u.cache_read_tokens, u.cache_write_5m_tokens, u.cache_write_1h_tokens,
        u.visible_output_tokens, u.reasoning_tokens, u.other_units)::ledger.usage order by n),
      array_agg(u.id order by n), array_agg(u.firm_id order by n),
      array_agg(u.cost_source order by n), array_agg(u.cost_usd_exact order by n),
      array_agg(u.cost_is_floor order by n)
    from (
      select r.*, row_number() over () as n from %s r
      where %s and r.cost_source <> 'reported' limit %s
    ) u
    $query$,
    ledger.log_source(log_id, 'latest'),
    ledger.build_condition(log_id, filters, '{}', 'created_at', since, until), max_rows + 1)
  into usages, ids, firms, sources, costs, floors;
  if cardinality(ids) > max_rows then
    raise exception 'more than % rows', max_rows using errcode = 'PT413';
  end if;

  with rated as (
    select p.price_id, coalesce(p.cost, 0) as cost, p.is_floor,
      case when p.cost is null then 'unpriced' else 'computed' end as source,
      b.usage_id, b.firm_id, p.provider, u.model, b.source_before, b.cost_before, b.is_floor_before
    from ledger.price(usages) p
    -- Joined, because looking an element up reads the array from its start.
    join unnest(usages) u on u.position = p.position
    join unnest(ids, firms, sources, costs, floors) with ordinality
      b (usage_id, firm_id, source_before, cost_before, is_floor_before, position) on b.position = p.position
  ), changed as (
    select r.* from rated r
    where r.source <> r.source_before or r.cost <> r.cost_before or r.is_floor <> r.is_floor_before
  ), added as (
    insert into public.llm_usage_ratings
      (usage_id, firm_id, cost_source, price_id, cost_usd_exact, cost_is_floor, rated_at, reason)
    select c.usage_id, c.firm_id, c.source, c.price_id, c.cost, c.is_floor, now_rated, rate_llm_usage.reason
    from changed c
    where not dry_run
  )
  select json_build_object(
    'rated_at', case when dry_run then null else now_rated end,
    'considered', (select count(*) from rated),
    'changed', (select count(*) from changed),
    'unpriced', (select count(*) from rated where source = 'unpriced'),
    'cost_usd_before', (select trim_scale(coalesce(sum(cost_before), 0))::text from rated),
    'cost_usd_after', (select trim_scale(coalesce(sum(cost), 0))::text from rated),
    'changes', (
      select coalesce(json_agg(json_build_object('provider', g.provider, 'model', g.model, 'price_id', g.price_id,
        'count', g.count, 'cost_usd_before', g.before::text, 'cost_usd_after', g.after::text)
        order by abs(g.after - g.before) desc, g.model, g.price_id), '[]')
      from (
        select c.provider, c.model, c.price_id, count(*) as count,
          trim_scale(sum(c.cost_before)) as before, trim_scale(sum(c.cost)) as after
        from changed c group by c.provider, c.model, c.price_id
        order by count(*) desc limit 1000
      ) g))
  into result;
  return result;
end
$$;
comment on function public.rate_llm_usage is
  'Adds ratings to usage rows whose cost, by the prices as they are entered now, is another.';
revoke all on function public.rate_llm_usage from public, anon, authenticated, service_role;
grant execute on function public.rate_llm_usage to service_role;
