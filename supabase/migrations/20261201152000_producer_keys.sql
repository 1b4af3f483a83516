-- Keys of producers: the programs that record events. A secret key of the project reads
-- and writes everything; a producer key adds rows to the logs it names, within its scope
-- and up to its daily ceiling. The Edge Functions accept it, the REST API does not.
--
-- A key is stored as its SHA-256 hash. The functions look it up at most once a minute,
-- and record_as_producer checks it again in the transaction that records the events.

create table ledger.producer_keys (
  id uuid primary key default gen_random_uuid(),
  -- The first of the keys that replaced one another: they share a ceiling.
  family uuid not null,
  hash bytea not null unique check (octet_length(hash) = 32),
  name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'),
  logs name[] not null check (cardinality(logs) > 0 and array_position(logs, null) is null),
  -- Columns that every event gets, whatever it holds: {"firm_id": "<uuid>", …}.
  scope jsonb not null default '{}' check (jsonb_typeof(scope) = 'object'),
  can_read boolean not null default false,
  max_usd_day numeric check (max_usd_day > 0 and max_usd_day < 1000000000),
  max_rows_day bigint check (max_rows_day > 0),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default 'infinity',
  revoked_at timestamptz
);
comment on table ledger.producer_keys is 'The keys of producers, as hashes; a revoked key stays listed.';
comment on column ledger.producer_keys.max_usd_day is
  'The sum of the absolute costs that the key may record in a day of UTC, by the time of recording.';

create table ledger.producer_days (
  family uuid not null,
  day date not null,
  usd numeric not null,
  row_count bigint not null,
  primary key (family, day)
);
comment on table ledger.producer_days is
  'What the keys of a family with a daily ceiling recorded, per day of UTC.';

revoke all on ledger.producer_keys, ledger.producer_days from public, anon, authenticated, service_role;

create function ledger.is_active(key ledger.producer_keys) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$ select key.revoked_at is null and key.expires_at > now() $$;

-- The active key with a hash in hex, or NULL.
create function ledger.find_producer_key(hash text) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('id', k.id, 'name', k.name, 'logs', k.logs, 'scope', k.scope, 'can_read', k.can_read)
  from ledger.producer_keys k
  where k.hash = decode(find_producer_key.hash, 'hex') and ledger.is_active(k)
$$;

-- Adds to the key's day; raises LF004 for a key that may not record into the log, and LF005
-- above a ceiling. The message is the reason.
create function ledger.charge_producer(key uuid, log name, usd numeric, row_count bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  charged ledger.producer_keys;
  today ledger.producer_days;
begin
  select k.* into charged from ledger.producer_keys k
  where k.id = key and ledger.is_active(k) and charge_producer.log = any (k.logs);
  if not found then
    raise exception 'inactive' using errcode = 'LF004';
  end if;
  if row_count = 0 or num_nonnulls(charged.max_usd_day, charged.max_rows_day) = 0 then
    return;
  end if;
  insert into ledger.producer_days as d (family, day, usd, row_count)
  values (charged.family, (now() at time zone 'UTC')::date, charge_producer.usd, charge_producer.row_count)
  on conflict (family, day) do update
    set usd = d.usd + excluded.usd, row_count = d.row_count + excluded.row_count
  returning * into today;
  if today.usd > charged.max_usd_day then
    raise exception 'max_usd_day' using errcode = 'LF005';
  elsif today.row_count > charged.max_rows_day then
    raise exception 'max_rows_day' using errcode = 'LF005';
  end if;
end
$$;

-- Records events as record_<log> does, for a producer key, which is checked and charged in
-- the same transaction. Answers {refused: 'inactive' | 'max_usd_day' | 'max_rows_day'},
-- with nothing recorded, for a key that may not record them.
create function public.record_as_producer(
  producer uuid, log name, events jsonb, atomic boolean default false, representation boolean default false,
  brief boolean default false, receipts boolean default false
) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp
-- PostgREST takes it as the limit of its transaction.
set statement_timeout = '20s'
as $$
declare
  results jsonb;
  ids uuid[];
begin
  perform ledger.charge_producer(producer, log, 0, 0);
  execute format(
    'select public.%I($1, atomic => $2, representation => $3, brief => $4, receipts => $5)', 'record_' || log)
  into results using events, atomic, representation, brief, receipts;
  ids := array(
    select (e.value ->> 'id')::uuid
    from jsonb_array_elements(case jsonb_typeof(results) when 'array' then results else events end) e
    where jsonb_typeof(results) <> 'array' or e.value ->> 'outcome' = 'recorded');
  perform ledger.charge_producer(producer, log,
    case log
      when 'llm_usage_log' then
        (select sum(abs(d.cost_usd_exact)) from public.llm_usage_details d where d.id = any (ids))
      when 'tool_usage_ledger' then
        (select sum(abs(t.cost_usd)) from public.tool_usage_ledger t where t.id = any (ids))
      else 0
    end, cardinality(ids));
  return results;
exception when sqlstate 'LF004' or sqlstate 'LF005' then
  return jsonb_build_object('refused', sqlerrm);
end
$$;
comment on function public.record_as_producer is
  'Records events for a producer key, within its logs and daily ceiling.';

create function ledger.describe_producer_key(key ledger.producer_keys) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', key.id, 'name', key.name, 'logs', key.logs, 'scope', key.scope, 'can_read', key.can_read,
    'max_usd_day', key.max_usd_day::text, 'max_rows_day', key.max_rows_day, 'created_at', key.created_at,
    'expires_at', nullif(key.expires_at, 'infinity'), 'revoked_at', key.revoked_at,
    'is_active', ledger.is_active(key),
    'usd_today', coalesce(trim_scale(d.usd), 0)::text, 'rows_today', coalesce(d.row_count, 0))
  from (values (key.family)) k (family)
  left join ledger.producer_days d on d.family = k.family and d.day = (now() at time zone 'UTC')::date
$$;

create function ledger.add_producer_key(
  hash text, name text, logs text[], scope jsonb, can_read boolean, expires_at timestamptz,
  max_usd_day numeric, max_rows_day bigint
) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  member record;
  added ledger.producer_keys;
begin
  if exists (select from unnest(logs) l (name) where l.name not in (select k.name::text from ledger.logs k)) then
    raise exception 'a producer key is for logs, and this is the name of none' using errcode = '22023';
  end if;
  for member in
    select s.key, s.value::uuid as id, p.parent
    from jsonb_each_text(scope) s
    left join (values ('firm_id', 'firms'), ('cma_project_id', 'cma_projects'), ('agent_id', 'agent_registry'),
      ('venture_id', 'ventures')) p (key, parent) on p.key = s.key
  loop
    if member.parent is null then
      raise exception 'a scope has firm_id, cma_project_id, agent_id or venture_id, not %', left(member.key, 64)
        using errcode = '22023';
    end if;
    perform ledger.require_parent(member.parent, member.id, member.key);
  end loop;
  -- A project fixes its firm too.
  scope := scope || coalesce((
    select jsonb_build_object('firm_id', p.firm_id) from public.cma_projects p
    where p.id = (scope ->> 'cma_project_id')::uuid and not scope ? 'firm_id'), '{}');
  if scope ? 'cma_project_id' and not exists (
    select from public.cma_projects p
    where p.id = (scope ->> 'cma_project_id')::uuid and p.firm_id = (scope ->> 'firm_id')::uuid
  ) then
    raise exception 'the project of the scope is not one of its firm' using errcode = '22023';
  end if;
  insert into ledger.producer_keys
    (family, hash, name, logs, scope, can_read, expires_at, max_usd_day, max_rows_day)
  values (gen_random_uuid(), decode(add_producer_key.hash, 'hex'), add_producer_key.name, add_producer_key.logs,
    add_producer_key.scope, add_producer_key.can_read, coalesce(add_producer_key.expires_at, 'infinity'),
    add_producer_key.max_usd_day, add_producer_key.max_rows_day)
  returning * into added;
  return ledger.describe_producer_key(added);
end
$$;

create function ledger.require_parent(parent name, id uuid, member text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
  is_there boolean;
begin
  execute format('select exists (select from public.%I p where p.id = $1)', parent) into is_there using id;
  if not is_there then
    raise exception '% of the scope refers to a row that does not exist', member using errcode = '22023';
  end if;
end
$$;

-- Replaces a key by one with the same rights; the old one stays active for the overlap.
create function ledger.rotate_producer_key(key uuid, hash text, expires_at timestamptz, overlap_seconds int)
returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  rotated ledger.producer_keys;
  added ledger.producer_keys;
begin
  update ledger.producer_keys k
  set expires_at = least(k.expires_at, now() + make_interval(secs => overlap_seconds))
  where k.id = key and ledger.is_active(k)
  returning * into rotated;
  if not found then
    return null;
  end if;
  insert into ledger.producer_keys
    (family, hash, name, logs, scope, can_read, max_usd_day, max_rows_day, expires_at)
  values (rotated.family, decode(rotate_producer_key.hash, 'hex'), rotated.name, rotated.logs, rotated.scope,
    rotated.can_read,
    rotated.max_usd_day, rotated.max_rows_day, coalesce(rotate_producer_key.expires_at, 'infinity'))
  returning * into added;
  return ledger.describe_producer_key(added);
end
$$;

create function ledger.revoke_producer_key(key uuid) returns jsonb
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
  update ledger.producer_keys k set revoked_at = coalesce(k.revoked_at, now()) where k.id = key
  returning ledger.describe_producer_key(k)
$$;

create function ledger.list_producer_keys() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_agg(ledger.describe_producer_key(k) order by k.created_at, k.id), '[]')
  from ledger.producer_keys k
$$;

-- The functions that the REST API exposes. They run as their caller; SECURITY DEFINER is
-- kept inside the schema ledger.
create function public.find_producer_key(hash text) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp
as $$ select ledger.find_producer_key(hash) $$;

create function public.add_producer_key(
  hash text, name text, logs text[], scope jsonb default '{}', can_read boolean default false,
  expires_at timestamptz default null, max_usd_day numeric default null, max_rows_day bigint default null
) returns jsonb
language sql volatile security invoker set search_path = pg_catalog, pg_temp
as $$ select ledger.add_producer_key(hash, name, logs, scope, can_read, expires_at, max_usd_day, max_rows_day) $$;

create function public.rotate_producer_key(
  key uuid, hash text, expires_at timestamptz default null, overlap_seconds int default 3600
) returns jsonb
language sql volatile security invoker set search_path = pg_catalog, pg_temp
as $$ select ledger.rotate_producer_key(key, hash, expires_at, overlap_seconds) $$;

create function public.revoke_producer_key(key uuid) returns jsonb
language sql volatile security invoker set search_path = pg_catalog, pg_temp
as $$ select ledger.revoke_producer_key(key) $$;

create function public.list_producer_keys() returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp
as $$ select ledger.list_producer_keys() $$;

revoke all on function ledger.is_active, ledger.find_producer_key, ledger.charge_producer,
  ledger.describe_producer_key, ledger.add_producer_key, ledger.require_parent, ledger.rotate_producer_key,
  ledger.revoke_producer_key, ledger.list_producer_keys,
  public.record_as_producer, public.find_producer_key, public.add_producer_key, public.rotate_producer_key,
  public.revoke_producer_key, public.list_producer_keys
  from public, anon, authenticated, service_role;
grant execute on function ledger.find_producer_key, ledger.charge_producer, ledger.add_producer_key,
  ledger.rotate_producer_key, ledger.revoke_producer_key, ledger.list_producer_keys,
  public.record_as_producer, public.find_producer_key, public.add_producer_key, public.rotate_producer_key,
  public.revoke_producer_key, public.list_producer_keys
  to service_role;
