-- Budgets: what a firm, or one of its projects, may spend in a month. They warn;
-- they never refuse an event, because what happened has happened. Whoever wants a
-- hard limit reserves before the call, and settles with the event.
--
-- A budget's month is counted in the transaction that records the events, under a
-- lock of that month's row, so that a threshold is crossed once however many write.
-- Who has no budget takes no lock.

create table public.llm_budgets (
  id uuid primary key default gen_random_uuid(),
  firm_id uuid not null references public.firms (id) on delete cascade,
  cma_project_id uuid references public.cma_projects (id) on delete cascade,
  limit_usd numeric not null check (limit_usd > 0 and limit_usd < 1000000000 and scale(limit_usd) <= 6),
  thresholds int[] not null default '{50,80,100}' check (0 < all (thresholds) and 1000 >= all (thresholds)),
  time_zone text not null default 'UTC',
  -- The month in which it was set, which is the first that it counts.
  first_month timestamptz not null,
  entered_at timestamptz not null default now()
);
comment on table public.llm_budgets is
  'Append-only: what a firm or a project may spend in a month. The newest of each counts.';
comment on column public.llm_budgets.thresholds is 'Percent of the limit.';
create index llm_budgets_scope_idx on public.llm_budgets (firm_id, cma_project_id, entered_at desc);
create index llm_budgets_cma_project_id_idx on public.llm_budgets (cma_project_id);

alter table public.llm_budgets enable row level security;
create policy member_read_llm_budgets on public.llm_budgets
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
revoke all on public.llm_budgets from public, anon, authenticated, service_role;
grant select on public.llm_budgets to authenticated, service_role;

select ledger.guard('llm_budgets');
select ledger.accept_state('llm_budgets');

-- Counted from the rows, and to be counted again from them at any time.
create table ledger.budget_months (
  budget_id uuid not null references public.llm_budgets (id) on delete cascade,
  month timestamptz not null,
  firm_id uuid not null,
  spent_usd numeric not null,
  call_count bigint not null,
  floor_count bigint not null,
  primary key (budget_id, month)
);
comment on table ledger.budget_months is 'What was charged to a budget in a month; floor_count calls cost more than is known.';

create table ledger.reservations (
  id uuid not null,
  budget_id uuid not null references public.llm_budgets (id) on delete cascade,
  firm_id uuid not null,
  month timestamptz not null,
  amount_usd numeric not null check (amount_usd > 0),
  expires_at timestamptz not null,
  primary key (id, budget_id)
);
create index reservations_budget_id_idx on ledger.reservations (budget_id, month);
comment on table ledger.reservations is 'Open reservations; one that is settled or has expired is gone.';
-- A reservation asks whether it was settled, under the lock of its month.
create index llm_usage_details_reservation_id_idx on public.llm_usage_details (reservation_id)
  where reservation_id is not null;

alter table ledger.budget_months enable row level security;
alter table ledger.reservations enable row level security;
create policy member_read_budget_months on ledger.budget_months
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
create policy member_read_reservations on ledger.reservations
  for select to authenticated using (firm_id = (select ledger.member_firm_id()));
revoke all on ledger.budget_months, ledger.reservations from public, anon, authenticated, service_role;
grant select on ledger.budget_months, ledger.reservations to authenticated, service_role;

create function ledger.month_of(moment timestamptz, time_zone text) returns timestamptz
language sql stable set search_path = ''
as $$ select date_trunc('month', moment, time_zone) $$;

-- The newest budget of each scope that a call of the project counts towards; of
-- all scopes of the firm when project is NULL and every is true.
create function ledger.budgets_of(firm uuid, project uuid, every boolean default false)
returns setof public.llm_budgets
language sql stable set search_path = ''
as $$
  select b.* from (
    select distinct on (b.cma_project_id) b.* from public.llm_budgets b
    where b.firm_id = firm and (every or b.cma_project_id is null or b.cma_project_id = project)
    order by b.cma_project_id, b.entered_at desc, b.id desc
  ) b
$$;

-- Sets a budget and counts what its month holds already, and what is reserved.
-- Writers wait meanwhile, so that nothing is missed and nothing counted twice.
create function ledger.set_budget(
  firm uuid, project uuid, limit_usd numeric, thresholds int[], time_zone text
) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  budget public.llm_budgets;
begin
  if not exists (select from public.firms f where f.id = firm) then
    return '{"faults": [{"column": "firm_id", "code": "not_found"}]}';
  elsif project is not null and not exists (select from public.cma_projects p where p.id = project) then
    return '{"faults": [{"column": "cma_project_id", "code": "not_found"}]}';
  elsif project is not null and not exists (
    select from public.cma_projects p where p.id = project and p.firm_id = firm
  ) then
    return '{"faults": [{"column": "cma_project_id", "code": "other_firm"}]}';
  end if;
  lock table public.llm_usage_log in share mode;
  lock table ledger.reservations in share row exclusive mode;
  insert into public.llm_budgets (firm_id, cma_project_id, limit_usd, thresholds, time_zone, first_month, entered_at)
  values (firm, project, set_budget.limit_usd,
    array(select distinct t from unnest(set_budget.thresholds) t order by t), set_budget.time_zone,
    ledger.month_of(now(), set_budget.time_zone), clock_timestamp())
  returning * into budget;
  insert into ledger.budget_months (budget_id, month, firm_id, spent_usd, call_count, floor_count)
  select budget.id, ledger.month_of(l.created_at, budget.time_zone), firm, sum(coalesce(d.cost_usd_exact, l.cost_usd)),
    count(*), count(*) filter (where d.cost_is_floor)
  from public.llm_usage_log l left join public.llm_usage_details d on d.id = l.id
  where l.firm_id = firm and (project is null or l.cma_project_id = project) and l.created_at >= budget.first_month
  group by 2;
  insert into ledger.reservations (id, budget_id, firm_id, month, amount_usd, expires_at)
  select distinct on (r.id) r.id, budget.id, firm, budget.first_month, r.amount_usd, r.expires_at
  from ledger.reservations r join public.llm_budgets b on b.id = r.budget_id
  where r.firm_id = firm and r.expires_at > now() and (project is null or b.cma_project_id = project);
  return jsonb_build_object('id', budget.id);
end
$$;
comment on function ledger.set_budget is 'Sets the monthly budget of a firm or a project from this month on.';

-- What the budgets of a firm look like at a moment, as far as the caller may see.
-- json, because it keeps the order of members.
create function public.read_llm_budgets(firm uuid, at timestamptz default now()) returns json
language sql stable security invoker set search_path = '' set timezone = 'UTC'
as $$
  select coalesce(json_agg(json_build_object(
      'id', b.id, 'cma_project_id', b.cma_project_id,
      'month', to_char(m.month at time zone b.time_zone, 'YYYY-MM'), 'time_zone', b.time_zone,
      'limit_usd', b.limit_usd::text,
      'spent_usd', trim_scale(coalesce(s.spent_usd, 0))::text,
      'reserved_usd', trim_scale(r.amount_usd)::text,
      'left_usd', trim_scale(b.limit_usd - coalesce(s.spent_usd, 0) - r.amount_usd)::text,
      'thresholds', b.thresholds,
      'crossed', array(select t from unnest(b.thresholds) t where coalesce(s.spent_usd, 0) * 100 >= b.limit_usd * t),
      'call_count', coalesce(s.call_count, 0),
      'floor_count', coalesce(s.floor_count, 0),
      'floor_share', case when s.call_count > 0 then round(s.floor_count::numeric / s.call_count, 6) else 0 end,
      'is_floor', coalesce(s.floor_count > 0, false))
    order by b.cma_project_id nulls first), '[]')
  from ledger.budgets_of(firm, null, true) b
  cross join lateral (select ledger.month_of(at, b.time_zone) as month) m
  left join ledger.budget_months s on s.budget_id = b.id and s.month = m.month
  cross join lateral (
    select coalesce(sum(r.amount_usd), 0) as amount_usd from ledger.reservations r
    where r.budget_id = b.id and r.month = m.month and r.expires_at > now()
  ) r
$$;
comment on function public.read_llm_budgets is 'Spent, reserved and left of each budget of a firm in the month of a moment.';

-- Holds an amount in every budget that a call would count towards, or in none. The
-- same reservation again is a success that holds nothing more.
create function ledger.reserve_budget(
  reservation uuid, firm uuid, project uuid, amount numeric, seconds int
) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  held record;
  expires constant timestamptz := date_trunc('milliseconds', now() + make_interval(secs => seconds));
begin
  if project is not null and not exists (
    select from public.cma_projects p where p.id = project and p.firm_id = firm
  ) then
    return '{"outcome": "rejected", "faults": [{"column": "cma_project_id", "code": "not_found"}]}';
  end if;
  -- Not while a budget is set: it would not be held there.
  lock table ledger.reservations in row exclusive mode;
  insert into ledger.budget_months (budget_id, month, firm_id, spent_usd, call_count, floor_count)
  select b.id, ledger.month_of(now(), b.time_zone), firm, 0, 0, 0
  from ledger.budgets_of(firm, project) b
  order by b.id
  on conflict do nothing;
  -- In one order, so that two reservations cannot wait for each other.
  perform from ledger.budget_months m
  join ledger.budgets_of(firm, project) b on b.id = m.budget_id and m.month = ledger.month_of(now(), b.time_zone)
  order by m.budget_id for update of m;
  if not found then
    return '{"outcome": "no_budget"}';
  end if;

  if exists (select from public.llm_usage_details d where d.firm_id = firm and d.reservation_id = reservation) then
    return '{"outcome": "settled"}';
  end if;
  select r.amount_usd, r.expires_at, r.firm_id into held
  from ledger.reservations r where r.id = reservation and r.expires_at > now() limit 1;
  if held.amount_usd is not null then
    return case when held.amount_usd = amount and held.firm_id = firm
      then jsonb_build_object('outcome', 'duplicate', 'expires_at', held.expires_at)
      else '{"outcome": "conflict"}' end;
  end if;
  delete from ledger.reservations r where r.firm_id = firm and r.expires_at <= now();

  if exists (
    select from ledger.budgets_of(firm, project) b
    join ledger.budget_months m on m.budget_id = b.id and m.month = ledger.month_of(now(), b.time_zone)
    where m.spent_usd + amount > b.limit_usd - coalesce((
      select sum(r.amount_usd) from ledger.reservations r where r.budget_id = b.id and r.month = m.month), 0)
  ) then
    return '{"outcome": "exceeded"}';
  end if;
  insert into ledger.reservations (id, budget_id, firm_id, month, amount_usd, expires_at)
  select reservation, b.id, firm, ledger.month_of(now(), b.time_zone), amount, expires
  from ledger.budgets_of(firm, project) b;
  return jsonb_build_object('outcome', 'reserved', 'expires_at', expires);
end
$$;
comment on function ledger.reserve_budget is 'Holds an amount of a firm''s budgets until it is settled or expires.';

-- Charges rows just written to the budgets that they count towards: for the record
-- function. An event is told when it crossed a threshold, or when its reservation
-- was not open any more.
create function ledger.charge_budgets(ids uuid[]) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  crossed jsonb;
  closed uuid[];
begin
  if not exists (select from public.llm_budgets) and not exists (
    select from public.llm_usage_details d where d.id = any (ids) and d.reservation_id is not null
  ) then
    return '{}';
  end if;

  with call as materialized (
    select i.ordinality, l.id, l.firm_id, l.cma_project_id, d.cost_usd_exact as cost, d.cost_is_floor, l.created_at
    from unnest(ids) with ordinality i (id, ordinality)
    join public.llm_usage_log l on l.id = i.id
    join public.llm_usage_details d on d.id = i.id
  ), charged as materialized (
    select c.ordinality, c.id, c.firm_id, c.cost, c.cost_is_floor, b.id as budget_id, b.month, b.limit_usd, b.thresholds
    from call c
    cross join lateral (
      select b.*, ledger.month_of(c.created_at, b.time_zone) as month
      from ledger.budgets_of(c.firm_id, c.cma_project_id) b
    ) b
    where b.month >= b.first_month
  ), counted as (
    -- In one order, so that two batches cannot wait for each other.
    insert into ledger.budget_months as m (budget_id, month, firm_id, spent_usd, call_count, floor_count)
    select c.budget_id, c.month, c.firm_id, sum(c.cost), count(*), count(*) filter (where c.cost_is_floor)
    from charged c group by c.budget_id, c.month, c.firm_id order by c.budget_id, c.month
    on conflict (budget_id, month) do update
      set spent_usd = m.spent_usd + excluded.spent_usd, call_count = m.call_count + excluded.call_count,
        floor_count = m.floor_count + excluded.floor_count
    returning m.budget_id, m.month, m.spent_usd
  ), running as (
    select c.*, n.spent_usd - sum(c.cost) over (partition by c.budget_id, c.month)
      + sum(c.cost) over (partition by c.budget_id, c.month order by c.ordinality) as spent_usd
    from charged c join counted n on n.budget_id = c.budget_id and n.month = c.month
  ), crossing as (
    select r.id, r.firm_id, r.budget_id, r.month, t.percent
    from running r cross join lateral unnest(r.thresholds) t (percent)
    where (r.spent_usd - r.cost) * 100 < r.limit_usd * t.percent and r.spent_usd * 100 >= r.limit_usd * t.percent
  ), audited as (
    insert into public.audit_log (id, firm_id, action, entity_type, entity_id, metadata)
    select md5(concat_ws('/', 'budget_threshold_crossed', c.budget_id, c.month, c.percent))::uuid,
      c.firm_id, 'budget_threshold_crossed', 'llm_budget', c.budget_id,
      jsonb_build_object('threshold_percent', c.percent, 'month', to_char(c.month at time zone b.time_zone, 'YYYY-MM'),
        'usage_id', c.id)
    from crossing c join public.llm_budgets b on b.id = c.budget_id
    on conflict (id) do nothing
  )
  select coalesce(jsonb_object_agg(c.id, '["budget_threshold_crossed"]'::jsonb), '{}')
  into crossed
  from (select distinct id from crossing) c;

  with settled as (
    select d.id, d.firm_id, d.reservation_id,
      row_number() over (partition by d.firm_id, d.reservation_id order by i.ordinality) > 1 as is_late
    from unnest(ids) with ordinality i (id, ordinality) join public.llm_usage_details d on d.id = i.id
    where d.reservation_id is not null
  ), gone as (
    delete from ledger.reservations r
    where (r.id, r.firm_id) in (select s.reservation_id, s.firm_id from settled s)
    returning r.id, r.firm_id, r.expires_at
  )
  select array_agg(s.id) into closed
  from settled s
  where s.is_late or not exists (
    select from gone g where g.id = s.reservation_id and g.firm_id = s.firm_id and g.expires_at > now());

  select crossed || coalesce(jsonb_object_agg(c.id,
    coalesce(crossed -> c.id::text, '[]') || '["reservation_not_open"]'::jsonb), '{}')
  into crossed
  from unnest(closed) c (id);
  return crossed;
end
$$;
comment on function ledger.charge_budgets is 'Charges rows to their budgets, and says which of them crossed a threshold.';

-- What the REST API shows runs as its caller; only what it calls may count.
create function public.set_llm_budget(
  firm uuid, project uuid, limit_usd numeric, thresholds int[], time_zone text
) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select ledger.set_budget(firm, project, limit_usd, thresholds, time_zone) $$;
comment on function public.set_llm_budget is 'Sets the monthly budget of a firm or a project from this month on.';

create function public.reserve_llm_budget(
  reservation uuid, firm uuid, project uuid, amount numeric, seconds int
) returns jsonb
language sql volatile security invoker set search_path = ''
as $$ select ledger.reserve_budget(reservation, firm, project, amount, seconds) $$;
comment on function public.reserve_llm_budget is 'Holds an amount of a firm''s budgets until it is settled or expires.';

revoke all on function ledger.month_of, ledger.budgets_of, ledger.charge_budgets, ledger.set_budget,
  ledger.reserve_budget, public.set_llm_budget, public.read_llm_budgets, public.reserve_llm_budget
  from public, anon, authenticated, service_role;
grant execute on function ledger.month_of, ledger.budgets_of, public.read_llm_budgets to authenticated, service_role;
grant execute on function ledger.charge_budgets, ledger.set_budget, ledger.reserve_budget,
  public.set_llm_budget, public.reserve_llm_budget to service_role;

select ledger.create_record_function('llm_usage_log', same_firm => '{cma_project_id}',
  prepare => 'ledger.price_events', settle => 'ledger.charge_budgets',
  warnings => '{
    "unpriced": "d.cost_source = ''unpriced''",
    "partly_unpriced": "d.cost_source = ''computed'' and d.cost_is_floor",
    "cost_differs": "d.cost_differs"
  }');
select ledger.accept_state('llm_usage_log');
