-- Pricing as before, for less: what a price means is worked out once for each price
-- that a batch may need, and not once for each call that it is applied to; the events
-- of calls become whole rows in one reading of them; and a price is found by how the
-- model's name starts. (To try every regex was dearest: a session remembers some
-- thirty of them, and takes half a millisecond to understand one again.)

-- A model's name as prices know it: some write the date in it without dashes.
create or replace function ledger.names_of(model text) returns text[]
language plpgsql immutable set search_path = ''
as $$
declare
  name constant text := lower(btrim(model));
  dated text;
begin
  -- Nearly all names have no such date.
  if name !~ '-20\d{6}' then return array[name]; end if;
  dated := regexp_replace(name, '-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)', '-\1-\2-\3', 'g');
  return case when dated = name then array[name] else array[name, dated] end;
end
$$;

-- What every name that a price matches starts with, as far as that is plain to see:
-- prices are found by it, through an index.
create function ledger.match_start(match_kind text, match_value text) returns text
language sql immutable set search_path = ''
as $$
  select case match_kind
    when 'equals' then match_value
    when 'starts_with' then match_value
    -- A regex's last character may be for any number of times, and one with | has
    -- more than one start.
    when 'regex' then coalesce(left(substring(match_value from '^\^([a-z0-9/-]+)(?!.*\|)'), -1), '')
    else '' end
$$;

-- Every start of a name, the empty one and the whole too.
create function ledger.starts_of(name text) returns text[]
language plpgsql immutable set search_path = ''
as $$
begin
  return array(select left(name, n) from generate_series(0, length(name)) n);
end
$$;

create index model_prices_start_idx on public.model_prices
  (provider, ledger.match_start(match_kind, match_value));
create index model_prices_implied_start_idx on public.model_prices
  (ledger.match_start(match_kind, match_value)) where implies_provider and firm_id is null;
drop index public.model_prices_implied_name_idx, public.model_prices_implied_pattern_idx;

create or replace function ledger.implied_provider(model text) returns text
language plpgsql stable set search_path = ''
as $$
declare
  name text;
  starts text[];
  found_provider text;
begin
  foreach name in array ledger.names_of(model) loop
    starts := ledger.starts_of(name);
    select p.provider into found_provider
    from public.model_prices p
    where p.implies_provider and p.firm_id is null and ledger.match_start(p.match_kind, p.match_value) = any (starts)
      and case p.match_kind
        when 'equals' then p.match_value = name
        when 'starts_with' then starts_with(name, p.match_value)
        when 'ends_with' then right(name, length(p.match_value)) = p.match_value
        when 'contains' then strpos(name, p.match_value) > 0
        else name ~ p.match_value end
    order by p.match_kind <> 'equals', p.match_kind <> 'regex', length(p.match_value) desc, p.provider limit 1;
    if found then return found_provider; end if;
  end loop;
  return null;
end
$$;

-- What may stand in an event of a call of a model, and the row that it becomes.
create type ledger.llm_event as (
  id uuid,
  firm_id uuid,
  cma_project_id uuid,
  model text,
  task_type text,
  input_tokens int,
  output_tokens int,
  cost_usd numeric,
  latency_ms int,
  success boolean,
  error_message text,
  created_at timestamptz,
  provider text,
  api_flavor text,
  service_tier text,
  usage jsonb,
  cache_read_tokens int,
  cache_write_5m_tokens int,
  cache_write_1h_tokens int,
  reasoning_tokens int,
  other_units jsonb,
  token_convention text,
  convention_basis text,
  cost_usd_exact numeric,
  reservation_id uuid
);

-- The prices that may be applied to calls of some models, by the name that was sent:
-- a line for each context tier, with the rate of each bucket in USD per million. Of the
-- lines that hold for a call, the one with the lowest rank is the one to take; a name
-- without any price has one line, which says whose model it is. A row whose match and
-- effective_from was entered again later is not among them.
create function ledger.offers(providers text[], models text[])
returns table (
  sent_provider text, sent_model text, provider text, rank bigint,
  price_id uuid, firm_id uuid, service_tier text, effective_from timestamptz, effective_to timestamptz,
  daily_from time, daily_to time, above_input_tokens int,
  input numeric, cache_read numeric, cache_write_5m numeric, cache_write_1h numeric,
  output numeric, reasoning numeric, request numeric, other jsonb, known boolean
)
language plpgsql stable set search_path = ''
as $$
#variable_conflict use_column
declare
  owner text;
  name text;
  starts text[];
  is_priced boolean;
begin
  for n in 1 .. cardinality(models) loop
    owner := coalesce(nullif(providers[n], ''), ledger.implied_provider(models[n]));
    -- The name without dashes in its date counts where the name itself is not known.
    foreach name in array ledger.names_of(models[n]) loop
      starts := ledger.starts_of(name);
      return query
      select providers[n], models[n], owner,
        -- The firm's own price comes before the operator's for all, and that before the
        -- published one. Among these the surest match decides (equals, regex, the
        -- longest), then the newest, those for hours of the day first; in it, the
        -- highest tier that the call has reached.
        row_number() over (order by p.firm_id is null, p.published,
          p.match_kind <> 'equals', p.match_kind <> 'regex', length(p.match_value) desc,
          p.effective_from desc, p.daily_from is null, p.entered_at desc, p.id desc, t.above_input_tokens desc),
        p.id, p.firm_id, p.service_tier, p.effective_from, p.effective_to, p.daily_from, p.daily_to,
        t.above_input_tokens,
        coalesce(t.input_usd_per_mtok, p.input_usd_per_mtok)::numeric,
        coalesce(t.cache_read_usd_per_mtok, p.cache_read_usd_per_mtok)::numeric,
        coalesce(t.cache_write_5m_usd_per_mtok, p.cache_write_5m_usd_per_mtok)::numeric,
        coalesce(t.cache_write_1h_usd_per_mtok, p.cache_write_1h_usd_per_mtok)::numeric,
        coalesce(t.output_usd_per_mtok, p.output_usd_per_mtok)::numeric,
        coalesce(t.reasoning_usd_per_mtok, p.reasoning_usd_per_mtok)::numeric,
        coalesce(p.request_usd, 0)::numeric, p.other_usd_per_million,
        num_nonnulls(p.input_usd_per_mtok, p.cache_read_usd_per_mtok, p.cache_write_5m_usd_per_mtok,
          p.cache_write_1h_usd_per_mtok, p.output_usd_per_mtok, p.reasoning_usd_per_mtok, p.request_usd) > 0
          or coalesce(p.other_usd_per_million <> '{}', false)
      from (
        select distinct on (p.match_kind, p.match_value, p.published, p.firm_id, p.service_tier,
            p.daily_from, p.daily_to, p.effective_from) p.*
        from public.model_prices p
        where p.provider = owner and ledger.match_start(p.match_kind, p.match_value) = any (starts)
          and case p.match_kind
            when 'equals' then p.match_value = name
            when 'starts_with' then starts_with(name, p.match_value)
            when 'ends_with' then right(name, length(p.match_value)) = p.match_value
            when 'contains' then strpos(name, p.match_value) > 0
            else name ~ p.match_value end
        order by p.match_kind, p.match_value, p.published, p.firm_id, p.service_tier,
          p.daily_from, p.daily_to, p.effective_from, p.entered_at desc, p.id desc
      ) p
      -- Below every tier the rates are those of the price itself.
      cross join lateral jsonb_populate_recordset(null::ledger.context_tier,
        p.context_tiers || '{"above_input_tokens": -1}') t;
      is_priced := found;
      exit when is_priced;
    end loop;
    if not is_priced then
      return query select providers[n], models[n], owner, 0::bigint, null::uuid, null::uuid, null::text,
        null::timestamptz, null::timestamptz, null::time, null::time, null::int, null::numeric, null::numeric,
        null::numeric, null::numeric, null::numeric, null::numeric, null::numeric, null::jsonb, false;
    end if;
  end loop;
end
$$;
comment on function ledger.offers is 'The prices that may be applied to calls of models, with what each bucket costs in USD per million.';

-- What units that are no tokens of a bucket cost: the sum in millionths of a dollar,
-- and whether one of them has no price. Units of a kind of token cost what the bucket
-- that they are part of costs, where they have no price of their own.
create type ledger.priced_units as (cost numeric, is_floor boolean);
create function ledger.price_units(units jsonb, prices jsonb, input numeric, cache_read numeric, output numeric)
returns ledger.priced_units
language plpgsql immutable set search_path = ''
as $$
begin
  return (
    select row(sum(u.quantity::numeric * u.rate), bool_or(u.rate is null and u.quantity <> '0'))::ledger.priced_units
    from (
      select o.value as quantity, coalesce((prices ->> o.key)::numeric, case
        when o.key like 'cache\_%\_read\_tokens' then
          coalesce(cache_read, (prices ->> format('input_%s_tokens', split_part(o.key, '_', 2)))::numeric, input)
        when o.key like 'input\_%\_tokens' then
          coalesce((prices ->> format('input_%s_tokens', split_part(o.key, '_', 2)))::numeric, input)
        when o.key like 'output\_%\_tokens' then output
        when o.key = 'input_annotated_document_pages' then (prices ->> 'input_document_pages')::numeric end) as rate
      from jsonb_each_text(units) o
    ) u);
end
$$;

-- How many of the units are tokens of input, from a cache or not, or of output.
create function ledger.count_tokens(units jsonb, is_output boolean) returns int
language plpgsql immutable set search_path = ''
as $$
begin
  return (
    select coalesce(sum(o.value::int), 0) from jsonb_each_text(units) o
    where case when is_output then o.key like 'output\_%\_tokens'
      else o.key like 'input\_%\_tokens' or o.key like 'cache\_%\_tokens' end);
end
$$;

-- What events of calls become: rows of the log and of its details, in one.
drop function ledger.price_events(jsonb);
create function ledger.price_events(events jsonb)
returns table (
  index int,
  id uuid, firm_id uuid, cma_project_id uuid, model text, task_type text, input_tokens int, output_tokens int,
  cost_usd numeric, latency_ms int, success boolean, error_message text, created_at timestamptz,
  provider text, api_flavor text, service_tier text, usage jsonb, uncached_input_tokens int, cache_read_tokens int,
  cache_write_5m_tokens int, cache_write_1h_tokens int, visible_output_tokens int, reasoning_tokens int,
  other_units jsonb, token_convention text, convention_basis text, cost_source text, price_id uuid,
  cost_usd_exact numeric, reported_cost_usd numeric, computed_cost_usd numeric, cost_is_floor boolean,
  cost_differs boolean, reservation_id uuid,
  fault_column text, fault_code text
)
language plpgsql stable set search_path = '' set timezone = 'UTC'
-- One plan for every batch: this one takes longer to plan than to run.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  -- What is meant by a member that an event does not have.
  sent ledger.llm_event;
begin
  sent.success := true;
  sent.created_at := now();
  return query
  with event as materialized (
    select e.*, coalesce(e.provider, '') as sent_provider,
      e.input_tokens - e.cache_read_tokens - e.cache_write_5m_tokens - e.cache_write_1h_tokens
        - case when e.other_units = '{}' then 0 else ledger.count_tokens(e.other_units, false) end as uncached_input_tokens,
      e.output_tokens - e.reasoning_tokens
        - case when e.other_units = '{}' then 0 else ledger.count_tokens(e.other_units, true) end as visible_output_tokens
    from (
      select s.ordinality::int - 1 as index, s.id, s.firm_id, s.cma_project_id, s.model, s.task_type,
        s.input_tokens, s.output_tokens, s.cost_usd, s.latency_ms, s.success, s.error_message, s.created_at,
        s.provider, s.api_flavor, coalesce(s.service_tier, 'standard') as service_tier, s.usage,
        coalesce(s.cache_read_tokens, 0) as cache_read_tokens,
        coalesce(s.cache_write_5m_tokens, 0) as cache_write_5m_tokens,
        coalesce(s.cache_write_1h_tokens, 0) as cache_write_1h_tokens,
        coalesce(s.reasoning_tokens, 0) as reasoning_tokens, coalesce(s.other_units, '{}') as other_units,
        s.token_convention, s.convention_basis, coalesce(s.cost_usd_exact, s.cost_usd) as reported, s.reservation_id
      from jsonb_populate_recordset(sent, events) with ordinality s
    ) e
  ), offered as materialized (
    select o.*
    from (
      select array_agg(n.sent_provider) as providers, array_agg(n.model) as models
      from (select distinct e.sent_provider, e.model from event e) n
    ) n
    cross join lateral ledger.offers(n.providers, n.models) o
  ), call as (
    select distinct on (e.index) e.*, o.price_id, o.input, o.cache_read, o.cache_write_5m, o.cache_write_1h,
      o.output, o.reasoning, o.request, o.other, coalesce(o.known, false) as known,
      coalesce(o.provider, (
        select f.provider from offered f
        where f.sent_provider = e.sent_provider and f.sent_model = e.model limit 1)) as found_provider
    from event e
    left join offered o on o.sent_provider = e.sent_provider and o.sent_model = e.model
      and o.service_tier = e.service_tier
      and (o.firm_id is null or o.firm_id = e.firm_id)
      and o.effective_from <= e.created_at
      and (o.effective_to is null or e.created_at < o.effective_to)
      and (o.daily_from is null
        or case when o.daily_from < o.daily_to
          then e.created_at::time >= o.daily_from and e.created_at::time < o.daily_to
          else e.created_at::time >= o.daily_from or e.created_at::time < o.daily_to end)
      and e.input_tokens > o.above_input_tokens
    order by e.index, o.rank
  ), priced as (
    -- A bucket without a price of its own costs what the bucket that it is part of
    -- costs. Without any price nothing is known; with some, what is left out is a floor.
    select c.*,
      case when c.known then trim_scale(
        (c.uncached_input_tokens * coalesce(c.input, 0)
          + c.cache_read_tokens * coalesce(c.cache_read, c.input, 0)
          + c.cache_write_5m_tokens * coalesce(c.cache_write_5m, c.input, 0)
          + c.cache_write_1h_tokens * coalesce(c.cache_write_1h, c.cache_write_5m, c.input, 0)
          + c.visible_output_tokens * coalesce(c.output, 0)
          + c.reasoning_tokens * coalesce(c.reasoning, c.output, 0)
          + coalesce((c.units).cost, 0)) * 0.000001 + c.request) end as cost,
      not c.known
        or c.uncached_input_tokens > 0 and c.input is null
        or c.cache_read_tokens > 0 and coalesce(c.cache_read, c.input) is null
        or c.cache_write_5m_tokens > 0 and coalesce(c.cache_write_5m, c.input) is null
        or c.cache_write_1h_tokens > 0 and coalesce(c.cache_write_1h, c.cache_write_5m, c.input) is null
        or c.visible_output_tokens > 0 and c.output is null
        or c.reasoning_tokens > 0 and coalesce(c.reasoning, c.output) is null
        or coalesce((c.units).is_floor, false) as is_floor
    from (
      select c.*, case when c.other_units <> '{}'
        then ledger.price_units(c.other_units, c.other, c.input, c.cache_read, c.output) end as units
      from call c offset 0
    ) c
  )
  select p.index, p.id, p.firm_id, p.cma_project_id, p.model, p.task_type, p.input_tokens, p.output_tokens,
    -- Half away from zero.
    coalesce(p.cost_usd, case when too_large then 0 else round(charged, 6) end),
    p.latency_ms, p.success, p.error_message, p.created_at,
    p.found_provider, p.api_flavor, p.service_tier, p.usage, p.uncached_input_tokens, p.cache_read_tokens,
    p.cache_write_5m_tokens, p.cache_write_1h_tokens, p.visible_output_tokens, p.reasoning_tokens,
    p.other_units, p.token_convention, p.convention_basis,
    case when p.reported is not null then 'reported' when p.cost is not null then 'computed' else 'unpriced' end,
    case when p.known then p.price_id end, charged, p.reported, p.cost, p.reported is null and p.is_floor,
    -- By more than one percent, and not by rounding alone.
    coalesce(abs(p.reported - p.cost) > 0.01 * p.cost and p.reported <> round(p.cost, 6), false),
    p.reservation_id,
    case when too_large then 'cost_usd' end, case when too_large then 'out_of_range' end
  from priced p
  cross join lateral (select coalesce(p.reported, p.cost, 0)) c (charged)
  cross join lateral (select round(c.charged, 6) >= 10000) l (too_large);
end
$$;
comment on function ledger.price_events is
  'The rows that events of llm_usage_log become, in the log and in its details, with what they cost; and what is wrong with them.';

revoke all on function ledger.match_start, ledger.starts_of, ledger.price_units, ledger.count_tokens, ledger.offers, ledger.price_events from public;
grant execute on function ledger.match_start, ledger.starts_of, ledger.price_units, ledger.count_tokens, ledger.offers, ledger.price_events to service_role;

-- Rates the selected rows by the prices in force at their own time, as they are
-- entered now, and adds a rating to each whose cost, or whether that is all of it,
-- comes out different from the newest view of it. What the caller reported is not
-- rated. Running it again adds nothing.
create or replace function public.rate_llm_usage(
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
  events jsonb;
  ids uuid[];
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
    select jsonb_agg(jsonb_build_object('id', u.id, 'firm_id', u.firm_id, 'provider', u.provider, 'model', u.model,
        'service_tier', u.service_tier, 'created_at', u.created_at, 'input_tokens', u.input_tokens,
        'output_tokens', u.output_tokens, 'cache_read_tokens', u.cache_read_tokens,
        'cache_write_5m_tokens', u.cache_write_5m_tokens, 'cache_write_1h_tokens', u.cache_write_1h_tokens,
        'reasoning_tokens', u.reasoning_tokens, 'other_units', u.other_units) order by n),
      array_agg(u.id order by n), array_agg(u.cost_source order by n), array_agg(u.cost_usd_exact order by n),
      array_agg(u.cost_is_floor order by n)
    from (
      select r.*, row_number() over () as n from %s r
      where %s and r.cost_source <> 'reported' limit %s
    ) u
    $query$,
    ledger.log_source(log_id, 'latest'),
    ledger.build_condition(log_id, filters, '{}', 'created_at', since, until), max_rows + 1)
  into events, ids, sources, costs, floors;
  if cardinality(ids) > max_rows then
    raise exception 'more than % rows', max_rows using errcode = 'PT413';
  end if;

  with rated as (
    select p.price_id, p.cost_usd_exact as cost, p.cost_is_floor as is_floor, p.cost_source as source,
      p.id as usage_id, p.firm_id, p.provider, p.model, b.source_before, b.cost_before, b.is_floor_before
    from ledger.price_events(events) p
    -- Joined, because looking an element up reads the array from its start.
    join unnest(ids, sources, costs, floors) b (usage_id, source_before, cost_before, is_floor_before)
      on b.usage_id = p.id
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

drop function ledger.price(ledger.usage[]);
drop function ledger.prices_of(text, text);
drop type ledger.usage;
