-- What reads salts, and what erases them, now that a row keeps a seed.

-- What is pending of a row: its own leaf, and leaves about it.
create function ledger.pending_of(log text, id uuid) returns setof ledger.pending_leaves
language sql stable set search_path = ''
as $$
  select p.* from ledger.salts s
  join ledger.pending_leaves p on p.seq = s.seq and p.row_id = s.row_id and p.log = s.log
  where s.row_id = pending_of.id and s.log = pending_of.log
  union all
  select p.* from ledger.pending_leaves p
  where p.row_id = pending_of.id and p.log = pending_of.log and p.kind in ('fk-null', 'tombstone', 'redact')
  order by seq
$$;

create or replace function ledger.entries(log text, ids uuid[]) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select coalesce(jsonb_object_agg(i.id, jsonb_build_object(
    'leaves', (
      select coalesce(jsonb_agg(jsonb_build_object('index', l.index, 'kind', l.kind, 'data', l.data,
        'hash', encode(l.hash, 'hex'), 'commitments', ledger.hexes(l.commitments)) order by l.index), '[]')
      from ledger.leaves l where l.row_id = i.id and l.log = entries.log),
    'pending', (
      select coalesce(jsonb_agg(jsonb_build_object('kind', p.kind, 'data', p.data,
        'hash', encode(p.hash, 'hex'), 'commitments', ledger.hexes(p.commitments)) order by p.seq), '[]')
      from ledger.pending_of(entries.log, i.id) p),
    'texts', to_jsonb(t.texts),
    'salts', ledger.hexes(ledger.salts_of(s.seed, s.salts, cardinality(c.committed))))), '{}')
  from (select ledger.committed_columns(entries.log::pg_catalog.name)) c (committed)
  cross join unnest(ids) i (id)
  left join ledger.row_texts(log, ids) t on t.id = i.id
  left join ledger.salts s on s.row_id = i.id and s.log = entries.log
$$;

-- Leaves as they are exported, each with its row's texts and salts where they are;
-- their places are called `place`.
create function ledger.describe_leaves(leaves ledger.leaves[], place text) returns jsonb
language sql stable set search_path = ''
as $$
  with leaf as materialized (
    select l.*, l.kind in ('row', 'backfill') as of_row from unnest(leaves) l
  ), texts as materialized (
    select g.log, t.id, t.texts
    from (select l.log, array_agg(l.row_id) as ids from leaf l where l.of_row group by l.log) g
    cross join lateral ledger.row_texts(g.log, g.ids) t
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(place, l.index, 'kind', l.kind, 'log', l.log, 'id', l.row_id,
      'hash', encode(l.hash, 'hex'), 'commitments', ledger.hexes(l.commitments), 'data', l.data))
    || case when t.id is null then '{}' else jsonb_build_object('texts', to_jsonb(t.texts)) end
    || case when s.row_id is null or l.commitments = '{}' then '{}'
      else jsonb_build_object('salts', ledger.hexes(ledger.salts_of(s.seed, s.salts, cardinality(l.commitments)))) end
    order by l.index), '[]')
  from leaf l
  left join texts t on t.id = l.row_id and t.log = l.log and l.of_row
  left join ledger.salts s on s.row_id = l.row_id and s.log = l.log and l.of_row
$$;

create or replace function ledger.export(first bigint, max_leaves int) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select ledger.describe_leaves(
    array(select l from ledger.leaves l where l.index >= first and l.index < first + max_leaves), 'index')
$$;

create or replace function ledger.export_pending(after_seq bigint, max_leaves int) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select ledger.describe_leaves(array(
    select row(p.seq, p.kind, p.log, p.row_id, p.commitments, p.data, p.hash)::ledger.leaves
    from ledger.pending_leaves p where p.seq > after_seq order by p.seq limit max_leaves), 'seq')
$$;

create or replace function ledger.unsealed(log text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  result pg_catalog.jsonb;
begin
  perform ledger.require_log(log);
  execute format($sql$
    select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'pending', exists (
      select from ledger.salts s join ledger.pending_leaves p on p.seq = s.seq and p.row_id = s.row_id
      where s.row_id = r.id and s.log = %1$L)) order by r.id), '[]')
    from public.%1$I r
    where not exists (select from ledger.leaves l where l.row_id = r.id and l.log = %1$L and l.kind in ('row', 'backfill'))
  $sql$, log) into result;
  return result;
end
$$;

create or replace function ledger.erase(log name, ids uuid[], columns name[], ticket text, approvers text[]) returns bigint
language plpgsql set search_path = ''
as $$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  committed constant name[] := ledger.committed_columns(log);
  guards constant text[] := array(select name from ledger.guard_triggers(log)) || 'capture_update'::text;
  who constant text[] := array(
    select regexp_replace(a, '^\s+|\s+$', '', 'g') from unnest(approvers) with ordinality u (a, n) order by n);
  one name;
  guard text;
  found_now uuid[];
  erased bigint := 0;
begin
  if coalesce(btrim(ticket), '') = '' then
    raise exception 'erasure needs a ticket' using errcode = '22023';
  end if;
  if cardinality(who) <> 2 or (who[1] = '') is not false or (who[2] = '') is not false or lower(who[1]) = lower(who[2]) then
    raise exception 'erasure needs two different approvers' using errcode = '22023';
  end if;
  if columns <@ committed is not true or cardinality(columns) = 0 then
    raise exception 'of % only % can be erased', log, committed using errcode = '22023';
  end if;

  foreach guard in array guards loop
    execute format('alter table %s disable trigger %I', log_table, guard);
  end loop;
  foreach one in array columns loop
    execute format('select array(select r.id from %s r where r.id = any ($1) and r.%I is not null)', log_table, one)
      into found_now using ids;
    execute format('update %s r set %I = null where r.id = any ($1)', log_table, one) using found_now;
    perform ledger.forget(log, one, found_now);
    insert into ledger.pending_leaves (kind, log, row_id, data, hash)
    select 'redact', erase.log, w.id, w.data, ledger.event_hash(w.data)
    from (
      select e.id, array_to_json(
        array['redact/v1', 'public.' || erase.log, e.id::text, one, btrim(ticket), who[1], who[2]])::text as data
      from unnest(found_now) e (id)) w;
    erased := erased + cardinality(found_now);
  end loop;
  foreach guard in array guards loop
    execute format('alter table %s enable always trigger %I', log_table, guard);
  end loop;
  if erased > 0 then
    execute format('analyze %s (%s)', log_table, (select string_agg(distinct quote_ident(c), ', ') from unnest(columns) c));
  end if;
  return erased;
end
$$;

revoke all on function ledger.pending_of, ledger.describe_leaves from public, anon, authenticated, service_role;
