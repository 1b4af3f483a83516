-- What a usage row consists of, beside the documented table: one row per row of
-- llm_usage_log, written with it and gone with it. It holds everything that the
-- price depends on, so that a call can be rated again, and how its cost came to be.

create table public.llm_usage_details (
  id uuid primary key references public.llm_usage_log (id) on delete cascade,
  -- The log's, so that row security need not look there.
  firm_id uuid not null,
  provider text,
  api_flavor text,
  service_tier text not null default 'standard',
  usage jsonb,
  uncached_input_tokens int not null check (uncached_input_tokens >= 0),
  cache_read_tokens int not null default 0 check (cache_read_tokens >= 0),
  cache_write_5m_tokens int not null default 0 check (cache_write_5m_tokens >= 0),
  cache_write_1h_tokens int not null default 0 check (cache_write_1h_tokens >= 0),
  visible_output_tokens int not null check (visible_output_tokens >= 0),
  reasoning_tokens int not null default 0 check (reasoning_tokens >= 0),
  other_units jsonb not null default '{}',
  token_convention text check (token_convention in ('inclusive', 'exclusive')),
  convention_basis text check (convention_basis in ('declared', 'proved', 'likely', 'default')),
  cost_source text not null check (cost_source in ('reported', 'computed', 'unpriced')),
  -- No foreign key: prices stay, and every call of a model would lock its price.
  price_id uuid,
  cost_usd_exact numeric not null check (cost_usd_exact >= 0 and cost_usd_exact < 10000),
  reported_cost_usd numeric,
  computed_cost_usd numeric,
  cost_is_floor boolean not null,
  cost_differs boolean not null,
  reservation_id uuid,
  check ((cost_source = 'reported') = (reported_cost_usd is not null)),
  check (cost_source <> 'computed' or computed_cost_usd is not null),
  check (cost_usd_exact = coalesce(reported_cost_usd, computed_cost_usd, 0))
);
comment on table public.llm_usage_details is
  'Append-only: what each row of llm_usage_log consists of and how its cost came to be.';
comment on column public.llm_usage_details.provider is 'Canonical, in lower case; implied by the model when the event named none.';
comment on column public.llm_usage_details.usage is 'What the provider said, when the event brought it: counts, no content.';
comment on column public.llm_usage_details.uncached_input_tokens is
  'The token buckets are disjoint: this, the cache''s and the input units of other_units make up input_tokens.';
comment on column public.llm_usage_details.cache_write_5m_tokens is 'Also writes of which the lifetime is not known.';
comment on column public.llm_usage_details.visible_output_tokens is
  'This, reasoning_tokens and the output units of other_units make up output_tokens.';
comment on column public.llm_usage_details.other_units is
  'What is billed apart, such as {"web_searches": 2, "input_audio_tokens": 310}.';
comment on column public.llm_usage_details.cost_source is
  'reported by the caller, computed from a price, or unpriced: no price was known, and cost_usd is 0 because it must be something.';
comment on column public.llm_usage_details.cost_usd_exact is 'What is charged, unrounded; llm_usage_log.cost_usd is this, rounded.';
comment on column public.llm_usage_details.cost_differs is
  'Whether the reported cost is more than one percent off the computed one, and not by rounding alone.';
comment on column public.llm_usage_details.cost_is_floor is
  'Whether the call cost more than this, because something in it has no price.';

alter table public.llm_usage_details enable row level security;
create policy member_read_llm_usage_details on public.llm_usage_details
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));

revoke all on public.llm_usage_details from public, anon, authenticated, service_role;
grant select on public.llm_usage_details to authenticated;
grant select, insert on public.llm_usage_details to service_role;

-- Until now the caller said what a call cost.
insert into public.llm_usage_details (
  id, firm_id, uncached_input_tokens, visible_output_tokens,
  cost_source, cost_usd_exact, reported_cost_usd, cost_is_floor, cost_differs)
select l.id, l.firm_id, greatest(l.input_tokens, 0), greatest(l.output_tokens, 0), 'reported', l.cost_usd, l.cost_usd, false, false
from public.llm_usage_log l
-- What was written around the functions may be negative, and stays without details.
where l.cost_usd >= 0 and l.input_tokens >= 0 and l.output_tokens >= 0;

select ledger.guard('llm_usage_details');
