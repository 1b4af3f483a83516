-- Pricing as before, with plans that are kept: an SQL function is planned at every
-- call, which took several times as long as pricing one event.

create or replace function ledger.price(usages ledger.usage[])
returns table ("position" int, provider text, price_id uuid, cost numeric, is_floor boolean)
language plpgsql stable set search_path = '' set timezone = 'UTC'
-- One plan for every batch: this one takes longer to plan than to run.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  with used as materialized (
    select u.*, coalesce(u.provider, '') as sent_provider, (u.used_at at time zone 'UTC')::time as used_time
    from unnest(usages) u
  ), named as materialized (
    select n.*, coalesce(nullif(n.sent_provider, ''), ledger.implied_provider(n.model)) as provider
    from (select distinct u.sent_provider, u.model from used u) n
  ), offered as materialized (
    -- The name without dashes in its date counts where the name itself is not known.
    select o.sent_provider, o.model, o.price
    from (
      select n.sent_provider, n.model, p as price, name.attempt,
        min(name.attempt) over (partition by n.sent_provider, n.model) as first_attempt
      from named n
      cross join lateral unnest(ledger.names_of(n.model)) with ordinality name (model, attempt)
      cross join lateral ledger.prices_of(n.provider, name.model) p
    ) o
    where o.attempt = o.first_attempt
  ), chosen as (
    select distinct on (u.position) u.*, n.provider as found_provider, p.price
    from used u
    join named n on n.sent_provider = u.sent_provider and n.model = u.model
    left join offered p on p.sent_provider = u.sent_provider and p.model = u.model
      and (p.price).service_tier = u.service_tier
      and ((p.price).firm_id is null or (p.price).firm_id = u.firm_id)
      and (p.price).effective_from <= u.used_at
      and ((p.price).effective_to is null or u.used_at < (p.price).effective_to)
      and ((p.price).daily_from is null
        or case when (p.price).daily_from < (p.price).daily_to
          then u.used_time >= (p.price).daily_from and u.used_time < (p.price).daily_to
          else u.used_time >= (p.price).daily_from or u.used_time < (p.price).daily_to end)
    order by u.position, (p.price).firm_id is null, (p.price).published,
      (p.price).match_kind <> 'equals', (p.price).match_kind <> 'regex', length((p.price).match_value) desc,
      (p.price).effective_from desc, (p.price).daily_from is null, (p.price).entered_at desc, (p.price).id desc
  )
  -- A bucket without a price of its own costs what the bucket that it is part of costs.
  select u.position, u.found_provider, case when rate.known then (u.price).id end,
    case when rate.known then trim_scale(
      (u.uncached_input_tokens * coalesce(rate.input, 0)
        + u.cache_read_tokens * coalesce(rate.cache_read, rate.input, 0)
        + u.cache_write_5m_tokens * coalesce(rate.cache_write_5m, rate.input, 0)
        + u.cache_write_1h_tokens * coalesce(rate.cache_write_1h, rate.cache_write_5m, rate.input, 0)
        + u.visible_output_tokens * coalesce(rate.output, 0)
        + u.reasoning_tokens * coalesce(rate.reasoning, rate.output, 0)
        + coalesce(other.cost, 0)) * 0.000001 + coalesce((u.price).request_usd, 0)) end,
    not rate.known
      or u.uncached_input_tokens > 0 and rate.input is null
      or u.cache_read_tokens > 0 and coalesce(rate.cache_read, rate.input) is null
      or u.cache_write_5m_tokens > 0 and coalesce(rate.cache_write_5m, rate.input) is null
      or u.cache_write_1h_tokens > 0 and coalesce(rate.cache_write_1h, rate.cache_write_5m, rate.input) is null
      or u.visible_output_tokens > 0 and rate.output is null
      or u.reasoning_tokens > 0 and coalesce(rate.reasoning, rate.output) is null
      or coalesce(other.is_floor, false)
  from chosen u
  left join lateral (
    select t.* from jsonb_populate_recordset(null::ledger.context_tier, (u.price).context_tiers) t
    where (u.price).context_tiers <> '[]' and t.above_input_tokens < u.input_tokens
    order by t.above_input_tokens desc limit 1
  ) t on true
  cross join lateral (
    select coalesce(t.input_usd_per_mtok, (u.price).input_usd_per_mtok) as input,
      coalesce(t.cache_read_usd_per_mtok, (u.price).cache_read_usd_per_mtok) as cache_read,
      coalesce(t.cache_write_5m_usd_per_mtok, (u.price).cache_write_5m_usd_per_mtok) as cache_write_5m,
      coalesce(t.cache_write_1h_usd_per_mtok, (u.price).cache_write_1h_usd_per_mtok) as cache_write_1h,
      coalesce(t.output_usd_per_mtok, (u.price).output_usd_per_mtok) as output,
      coalesce(t.reasoning_usd_per_mtok, (u.price).reasoning_usd_per_mtok) as reasoning,
      num_nonnulls((u.price).input_usd_per_mtok, (u.price).cache_read_usd_per_mtok,
        (u.price).cache_write_5m_usd_per_mtok, (u.price).cache_write_1h_usd_per_mtok,
        (u.price).output_usd_per_mtok, (u.price).reasoning_usd_per_mtok, (u.price).request_usd) > 0
        or coalesce((u.price).other_usd_per_million <> '{}', false) as known
  ) rate
  left join lateral (
    select sum(unit.quantity::numeric * unit.rate) as cost, bool_or(unit.rate is null and unit.quantity <> '0') as is_floor
    from (
      select o.value as quantity, coalesce((prices.list ->> o.key)::numeric, case
        when o.key like 'cache\_%\_read\_tokens' then
          coalesce(rate.cache_read, (prices.list ->> format('input_%s_tokens', split_part(o.key, '_', 2)))::numeric, rate.input)
        when o.key like 'input\_%\_tokens' then
          coalesce((prices.list ->> format('input_%s_tokens', split_part(o.key, '_', 2)))::numeric, rate.input)
        when o.key like 'output\_%\_tokens' then rate.output
        when o.key = 'input_annotated_document_pages' then (prices.list ->> 'input_document_pages')::numeric end) as rate
      from (select (u.price).other_usd_per_million) prices (list)
      cross join lateral jsonb_each_text(u.other_units) o
      where u.other_units <> '{}'
    ) unit
  ) other on true;
end
$$;

create or replace function ledger.price_events(events jsonb)
returns table (index int, details public.llm_usage_details, stamped jsonb, faults jsonb)
language plpgsql stable set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with event as materialized (
    select e.ordinality::int - 1 as index, v.value, u.*,
      u.input_tokens - u.cache_read_tokens - u.cache_write_5m_tokens - u.cache_write_1h_tokens
        - coalesce(other.input, 0) as uncached_input_tokens,
      u.output_tokens - u.reasoning_tokens - coalesce(other.output, 0) as visible_output_tokens
    from jsonb_array_elements(events) with ordinality e
    -- Offset 0: put together once, not once for each member that is read.
    cross join lateral (select coalesce(e.value -> 'stamped', '{}') || e.value offset 0) v (value)
    cross join lateral (
      select (v.value ->> 'firm_id')::uuid as firm_id, v.value ->> 'provider' as provider,
        v.value ->> 'model' as model, coalesce(v.value ->> 'service_tier', 'standard') as service_tier,
        coalesce((v.value ->> 'created_at')::timestamptz, now()) as used_at,
        (v.value ->> 'input_tokens')::int as input_tokens,
        (v.value ->> 'output_tokens')::int as output_tokens,
        coalesce((v.value ->> 'cache_read_tokens')::int, 0) as cache_read_tokens,
        coalesce((v.value ->> 'cache_write_5m_tokens')::int, 0) as cache_write_5m_tokens,
        coalesce((v.value ->> 'cache_write_1h_tokens')::int, 0) as cache_write_1h_tokens,
        coalesce((v.value ->> 'reasoning_tokens')::int, 0) as reasoning_tokens,
        coalesce(v.value -> 'other_units', '{}') as other_units,
        coalesce(v.value ->> 'cost_usd_exact', v.value ->> 'cost_usd')::numeric as reported
    ) u
    left join lateral (
      select sum(o.value::int) filter (where o.key like 'input\_%\_tokens' or o.key like 'cache\_%\_tokens') as input,
        sum(o.value::int) filter (where o.key like 'output\_%\_tokens') as output
      from jsonb_each_text(u.other_units) o
      where u.other_units <> '{}'
    ) other on true
  )
  select e.index,
    row((e.value ->> 'id')::uuid, e.firm_id, p.provider, e.value ->> 'api_flavor', e.service_tier, e.value -> 'usage',
      e.uncached_input_tokens, e.cache_read_tokens, e.cache_write_5m_tokens, e.cache_write_1h_tokens,
      e.visible_output_tokens, e.reasoning_tokens, e.other_units,
      e.value ->> 'token_convention', e.value ->> 'convention_basis',
      case when e.reported is not null then 'reported' when p.cost is not null then 'computed' else 'unpriced' end,
      p.price_id, charged, e.reported, p.cost,
      e.reported is null and p.is_floor,
      -- By more than one percent, and not by rounding alone.
      coalesce(abs(e.reported - p.cost) > 0.01 * p.cost and e.reported <> round(p.cost, 6), false),
      (e.value ->> 'reservation_id')::uuid)::public.llm_usage_details,
    -- Half away from zero.
    jsonb_build_object('cost_usd', case when too_large then 0 else round(charged, 6) end),
    case when too_large then '[{"column": "cost_usd", "code": "out_of_range"}]'::jsonb end
  from event e
  join ledger.price(array(
    select row(e.index, e.firm_id, e.provider, e.model, e.service_tier, e.used_at, e.input_tokens,
      e.uncached_input_tokens, e.cache_read_tokens, e.cache_write_5m_tokens, e.cache_write_1h_tokens,
      e.visible_output_tokens, e.reasoning_tokens, e.other_units)::ledger.usage
    from event e)) p on p.position = e.index
  cross join lateral (select coalesce(e.reported, p.cost, 0)) c (charged)
  cross join lateral (select round(c.charged, 6) >= 10000) l (too_large);
end
$$;

create or replace function ledger.prices_of(provider text, model text) returns setof public.model_prices
language plpgsql stable set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select distinct on (p.match_kind, p.match_value, p.published, p.firm_id, p.service_tier,
      p.daily_from, p.daily_to, p.effective_from) p.*
  from public.model_prices p
  where p.provider = prices_of.provider and case p.match_kind
    when 'equals' then p.match_value = model
    when 'starts_with' then starts_with(model, p.match_value)
    when 'ends_with' then right(model, length(p.match_value)) = p.match_value
    when 'contains' then strpos(model, p.match_value) > 0
    else model ~ p.match_value end
  order by p.match_kind, p.match_value, p.published, p.firm_id, p.service_tier,
    p.daily_from, p.daily_to, p.effective_from, p.entered_at desc, p.id desc;
end
$$;

create index model_prices_implied_name_idx on public.model_prices (match_value, provider)
  where implies_provider and firm_id is null and match_kind = 'equals';
create index model_prices_implied_pattern_idx on public.model_prices (match_kind)
  where implies_provider and firm_id is null and match_kind <> 'equals';
create or replace function ledger.implied_provider(model text) returns text
language plpgsql stable set search_path = ''
as $$
declare
  name text;
  found_provider text;
begin
  foreach name in array ledger.names_of(model) loop
    select p.provider into found_provider
    from public.model_prices p
    where p.implies_provider and p.firm_id is null and p.match_kind = 'equals' and p.match_value = name
    order by p.provider limit 1;
    if found then return found_provider; end if;
    select p.provider into found_provider
    from public.model_prices p
    where p.implies_provider and p.firm_id is null and p.match_kind <> 'equals' and case p.match_kind
      when 'starts_with' then starts_with(name, p.match_value)
      when 'ends_with' then right(name, length(p.match_value)) = p.match_value
      when 'contains' then strpos(name, p.match_value) > 0
      else name ~ p.match_value end
    order by p.match_kind <> 'regex', length(p.match_value) desc, p.provider limit 1;
    if found then return found_provider; end if;
  end loop;
  return null;
end
$$;

select ledger.accept_state('model_prices');
