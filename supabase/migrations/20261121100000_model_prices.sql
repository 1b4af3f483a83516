-- What models cost: a price list that is only ever added to. A correction, an end
-- or a new price is a new row, and the rows that it replaces stay to explain what
-- was charged by them.
--
-- A price is entered for a match (provider, match_kind, match_value, firm_id,
-- service_tier, daily_from, daily_to) and holds from effective_from. Of the rows
-- with the same match and the same effective_from, the one entered last counts.

-- A price: exact, never negative, neither NaN nor infinite, and too small for one
-- that was multiplied by a million once too often.
create domain ledger.unit_price as numeric
  check (value >= 0 and value < 100000 and scale(value) <= 12);

-- What a tier may price apart: the unit prices of public.model_prices.
create type ledger.context_tier as (
  above_input_tokens int,
  input_usd_per_mtok ledger.unit_price,
  cache_read_usd_per_mtok ledger.unit_price,
  cache_write_5m_usd_per_mtok ledger.unit_price,
  cache_write_1h_usd_per_mtok ledger.unit_price,
  output_usd_per_mtok ledger.unit_price,
  reasoning_usd_per_mtok ledger.unit_price
);

-- Raises what is wrong in a tier, by the types of its members.
create function ledger.are_context_tiers(tiers jsonb) returns boolean
language sql immutable set search_path = ''
as $$
  select jsonb_typeof(tiers) = 'array' and not exists (
      select from jsonb_array_elements(tiers) t
      cross join lateral jsonb_populate_record(null::ledger.context_tier, t.value) typed
      where jsonb_typeof(t.value) <> 'object'
        or coalesce(typed.above_input_tokens < 0, true)
        -- No other member, and no price that is null.
        or exists (select from jsonb_each(t.value) m where m.value = 'null' or not to_jsonb(typed) ? m.key))
    and (select count(distinct t ->> 'above_input_tokens') = count(*) from jsonb_array_elements(tiers) t)
$$;

create function ledger.are_unit_prices(prices jsonb) returns boolean
language sql immutable set search_path = ''
as $$
  select jsonb_typeof(prices) = 'object' and not exists (
    select from jsonb_each_text(prices) p
    where p.key !~ '^[a-z][a-z0-9_]{0,63}$' or p.value::ledger.unit_price is null)
$$;

create table public.model_prices (
  id uuid primary key default gen_random_uuid(),
  provider text not null check (provider = lower(btrim(provider)) and provider ~ '^\S.{0,63}$'),
  match_kind text not null
    check (match_kind in ('equals', 'starts_with', 'ends_with', 'contains', 'regex')),
  match_value text not null constraint model_prices_match_value_check check (
    length(match_value) between 1 and 256
    and case when match_kind = 'regex' then ('' ~ match_value) is not null
      else match_value = lower(btrim(match_value)) end),
  firm_id uuid references public.firms (id) on delete cascade,
  service_tier text not null default 'standard' check (service_tier ~ '^[a-z][a-z0-9_-]{0,31}$'),
  effective_from timestamptz not null,
  effective_to timestamptz check (effective_to >= effective_from),
  daily_from time,
  daily_to time,
  input_usd_per_mtok ledger.unit_price,
  cache_read_usd_per_mtok ledger.unit_price,
  cache_write_5m_usd_per_mtok ledger.unit_price,
  cache_write_1h_usd_per_mtok ledger.unit_price,
  output_usd_per_mtok ledger.unit_price,
  reasoning_usd_per_mtok ledger.unit_price,
  request_usd ledger.unit_price,
  other_usd_per_million jsonb not null default '{}' check (ledger.are_unit_prices(other_usd_per_million)),
  context_tiers jsonb not null default '[]' check (ledger.are_context_tiers(context_tiers)),
  published boolean not null default false,
  implies_provider boolean not null default false,
  source text not null check (length(source) between 1 and 256),
  entered_at timestamptz not null default now(),
  check (num_nulls(daily_from, daily_to) <> 1 and daily_from <> daily_to)
);
comment on table public.model_prices is
  'Append-only: what a model costs, from when, and who says so. A correction is a new row.';
comment on column public.model_prices.match_kind is
  'How match_value is compared with a model name in lower case; a regex sees the same name.';
comment on column public.model_prices.firm_id is 'The firm that negotiated this price; NULL is everybody''s.';
comment on column public.model_prices.effective_to is 'Exclusive; an effective_to that equals effective_from withdraws the price.';
comment on column public.model_prices.daily_from is 'The hours of the day, in UTC, at which it holds; daily_to is exclusive and may lie past midnight.';
comment on column public.model_prices.input_usd_per_mtok is
  'USD per million tokens, as all of these. A row without any price says that the price is not known.';
comment on column public.model_prices.other_usd_per_million is
  'USD per million of other units by their names in llm_usage_details.other_units, such as web_searches.';
comment on column public.model_prices.context_tiers is
  'What the whole call costs when its input is larger: [{"above_input_tokens": 200000, "input_usd_per_mtok": "6", …}].';
comment on column public.model_prices.published is
  'A published list price, as imported. An operator''s own entry comes before it.';
comment on column public.model_prices.implies_provider is
  'Whether a model name that matches is this provider''s when an event names none.';
create index model_prices_match_idx on public.model_prices (provider, match_kind, match_value);
create index model_prices_firm_id_idx on public.model_prices (firm_id);

alter table public.model_prices enable row level security;
create policy member_read_model_prices on public.model_prices
  for select to authenticated using (firm_id is null or firm_id = (select ledger.member_firm_id()));

revoke all on public.model_prices from public, anon, authenticated, service_role;
grant select on public.model_prices to authenticated;
grant select, insert on public.model_prices to service_role;
-- Checks run as whoever inserts.
revoke all on function ledger.are_context_tiers(jsonb), ledger.are_unit_prices(jsonb) from public;
grant execute on function ledger.are_context_tiers(jsonb), ledger.are_unit_prices(jsonb) to service_role;

select ledger.guard('model_prices');
select ledger.accept_state('model_prices');
