-- How published prices get in: import_model_prices(prices, source) compares a whole
-- price list with the published prices that are there, says what is different, and
-- enters that when it is told to apply. Rows that say the same as the newest row of
-- their match and time are not entered again, so a list can be imported any number
-- of times.
--
-- What a list no longer has stays: it may be a model that is not sold any more,
-- and what was used of it still has its price.

-- Every price of a row by its name, to be compared as numbers: a column, a unit of
-- other_usd_per_million, or a column above a number of input tokens.
create function ledger.list_unit_prices(prices public.model_prices)
returns table (name text, price numeric)
language sql immutable set search_path = ''
as $$
  select p.key, p.value::numeric from jsonb_each_text(to_jsonb(prices)) p
  where (p.key like '%\_usd\_per\_mtok' or p.key = 'request_usd') and p.value is not null
  union all
  select p.key, p.value::numeric from jsonb_each_text(prices.other_usd_per_million) p
  union all
  select format('%s above %s', p.key, t.value ->> 'above_input_tokens'), p.value::numeric
  from jsonb_array_elements(prices.context_tiers) t
  cross join lateral jsonb_each_text(t.value - 'above_input_tokens') p
$$;

-- What is different between two rows with the same match, and why a difference is
-- more likely an error of the list than a new price.
create function ledger.compare_prices(before public.model_prices, after public.model_prices)
returns table (name text, old text, new text, why text)
language sql stable set search_path = ''
as $$
  select name, trim_scale(b.price)::text, trim_scale(a.price)::text,
    case
      when a.price = 0 then 'falls to 0'
      when b.price = 0 then 'rises from 0'
      when a.price > 10 * b.price then 'is more than ten times the price before'
      when 10 * a.price < b.price then 'is less than a tenth of the price before'
      -- Without a price of its own, a large context costs what a small one does.
      when a.price is null and name not like '% above %' then 'is no longer known'
    end
  from ledger.list_unit_prices(before) b full join ledger.list_unit_prices(after) a using (name)
  where a.price is distinct from b.price
  union all
  select 'implies_provider', before.implies_provider::text, after.implies_provider::text, null
  where before.implies_provider <> after.implies_provider
  union all
  select 'effective_to', before.effective_to::text, after.effective_to::text, null
  where before.effective_to is distinct from after.effective_to
$$;

create function public.import_model_prices(
  prices jsonb,  -- an array of rows of model_prices without id, firm_id, published, source and entered_at
  source text,   -- whose prices they are, such as 'genai-prices 0.1.8'
  apply boolean default false,
  accept_suspicious boolean default false
) returns jsonb
language plpgsql volatile security invoker set search_path = '' set timezone = 'UTC'
as $$
#variable_conflict use_variable
declare
  -- The columns that a row of a list may have, with what it has when it says nothing.
  blank constant jsonb := '{"provider": null, "match_kind": null, "match_value": null,
    "service_tier": "standard", "effective_from": null, "effective_to": null, "daily_from": null, "daily_to": null,
    "input_usd_per_mtok": null, "cache_read_usd_per_mtok": null, "cache_write_5m_usd_per_mtok": null,
    "cache_write_1h_usd_per_mtok": null, "output_usd_per_mtok": null, "reasoning_usd_per_mtok": null,
    "request_usd": null, "other_usd_per_million": {}, "context_tiers": [], "implies_provider": false}';
  sent jsonb;
  unknown text;
  line int := 0;
  typed public.model_prices;
  given public.model_prices[] := '{}';
  answer jsonb;
begin
  if jsonb_typeof(prices) is distinct from 'array' then
    raise exception 'expected an array of price rows' using errcode = '22023';
  end if;
  -- Of two imports at once, the second compares with what the first has entered.
  perform pg_advisory_xact_lock(hashtextextended('public.model_prices', 0));

  begin
    for sent in select e.value from jsonb_array_elements(prices) e loop
      line := line + 1;
      if jsonb_typeof(sent) <> 'object' then
        raise exception 'expected an object' using errcode = '22023';
      end if;
      select k into unknown from jsonb_object_keys(sent) k where not blank ? k limit 1;
      if found then
        raise exception 'a price list has no column %', left(unknown, 64) using errcode = '22023';
      end if;
      typed := jsonb_populate_record(null::public.model_prices, blank || sent || jsonb_build_object(
        'id', gen_random_uuid(), 'published', true, 'source', source, 'entered_at', now()));
      given := array_append(given, typed);
    end loop;
  exception when data_exception or check_violation or invalid_parameter_value then
    raise exception 'price row %: %', line, sqlerrm using errcode = '22023';
  end;

  begin
    with list as materialized (
      select g as price, g.id, g.provider, g.match_kind, g.match_value, g.service_tier,
        g.daily_from, g.daily_to, g.effective_from
      from unnest(given) g
    ), compared as materialized (
      select g.*, b.before, coalesce((b.before).effective_from = g.effective_from, false) as is_there
      from list g
      left join lateral (
        select m as before from public.model_prices m
        where m.provider = g.provider and m.match_kind = g.match_kind and m.match_value = g.match_value
          and m.published and m.firm_id is null and m.service_tier = g.service_tier
          and m.daily_from is not distinct from g.daily_from and m.daily_to is not distinct from g.daily_to
          and m.effective_from <= g.effective_from
        order by m.effective_from desc, m.entered_at desc limit 1
      ) b on true
    ), change as materialized (
      select c.id, d.why, row_number() over (
          order by c.provider, c.match_value, c.match_kind, c.effective_from, c.daily_from, d.name) as place,
        jsonb_strip_nulls(jsonb_build_object(
        'provider', c.provider, 'match_kind', c.match_kind, 'match_value', c.match_value,
        'service_tier', nullif(c.service_tier, 'standard'), 'daily_from', c.daily_from, 'daily_to', c.daily_to,
        'effective_from', c.effective_from, 'column', d.name))
        || jsonb_build_object('from', d.old, 'to', d.new) as described
      from compared c cross join lateral ledger.compare_prices(c.before, c.price) d
      where (c.before).id is not null
    ), entry as materialized (
      select c.price, c.is_there, exists (select from change h where h.id = c.id and h.why is not null) as is_suspicious
      from compared c
      where not c.is_there or exists (select from change h where h.id = c.id)
    ), entered as (
      insert into public.model_prices
      select (e.price).* from entry e where accept_suspicious or not e.is_suspicious
      returning id
    )
    select jsonb_build_object(
      'new', (select count(*) from entry e where not e.is_there),
      'corrected', (select count(*) from entry e where e.is_there),
      'withheld', (select count(*) from entry e where e.is_suspicious and not accept_suspicious),
      'unchanged', (select count(*) from list) - (select count(*) from entry),
      'unlisted', (
        select count(distinct (m.provider, m.match_kind, m.match_value, m.service_tier,
          m.daily_from, m.daily_to, m.effective_from))
        from public.model_prices m
        where m.published and m.firm_id is null and not exists (
          select from list g
          where g.provider = m.provider and g.match_kind = m.match_kind and g.match_value = m.match_value
            and g.service_tier = m.service_tier and g.effective_from = m.effective_from
            and g.daily_from is not distinct from m.daily_from and g.daily_to is not distinct from m.daily_to)),
      'changed', (select coalesce(jsonb_agg(h.described order by h.place), '[]') from change h),
      'suspicious', (
        select coalesce(jsonb_agg(h.described || jsonb_build_object('why', h.why) order by h.place), '[]')
        from change h where h.why is not null),
      'entered', case when apply then (select count(*) from entered) else 0 end)
    into answer;
    if exists (
      select from unnest(given) g
      group by g.provider, g.match_kind, g.match_value, g.service_tier, g.daily_from, g.daily_to, g.effective_from
      having count(*) > 1
    ) then
      raise exception 'the list has two rows for the same match and time' using errcode = '22023';
    end if;
    -- Entered and taken back, so that every fault of a list is found before it is applied.
    if not apply then raise exception using errcode = 'LF001'; end if;
  exception when sqlstate 'LF001' then null;
  end;
  return answer;
end
$$;

comment on function public.import_model_prices(jsonb, text, boolean, boolean) is
  'Compares a price list with the published prices, and enters what is new or different when apply is true; answers {new, corrected, unchanged, unlisted, withheld, entered, changed: [{provider, match_kind, match_value, effective_from, column, from, to}], suspicious: [{…, why}]}. Rows with a suspicious price are withheld without accept_suspicious.';

revoke all on function ledger.list_unit_prices(public.model_prices),
  ledger.compare_prices(public.model_prices, public.model_prices),
  public.import_model_prices(jsonb, text, boolean, boolean)
from public, anon, authenticated, service_role;
grant execute on function ledger.list_unit_prices(public.model_prices),
  ledger.compare_prices(public.model_prices, public.model_prices),
  public.import_model_prices(jsonb, text, boolean, boolean)
to service_role;
