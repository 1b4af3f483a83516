-- How evidence is read and signed: by the function `ledger`, as the service role.
-- Nobody else needs a privilege, and nothing here changes what is sealed.

-- These functions run as the owner, who may read more than logs.
create function ledger.require_log(log text) returns void
language plpgsql stable set search_path = ''
as $$
begin
  if log is null or to_regprocedure(format('ledger.%I()', 'capture_insert_' || log)) is null then
    raise exception 'evidence is of logs, and this is the name of none' using errcode = '22023';
  end if;
end
$$;

-- The rows of a log as the texts that stand in their leaves, in the table's order
-- without the id; committed columns as they are.
create function ledger.row_texts(log text, ids uuid[])
returns table (id uuid, texts text[])
language plpgsql stable set search_path = '' set timezone = 'UTC'
as $$
declare
  texts pg_catalog.text;
begin
  perform ledger.require_log(log);
  select format('array[%s]', string_agg(ledger.leaf_text(a.attname, a.atttypid), ', ' order by a.attnum))
  into texts
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', log)::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'id';
  return query execute format('select r.id, %s from public.%I r where r.id = any ($1)', texts, log) using ids;
end
$$;

create function ledger.hexes(list bytea[]) returns jsonb
language sql immutable set search_path = ''
as $$ select jsonb_agg(encode(h, 'hex') order by n) from unnest(list) with ordinality u (h, n) $$;

-- How the tree stands, and the newest checkpoint.
create function ledger.state() returns jsonb
language sql stable security definer set search_path = ''
as $$
  select jsonb_build_object('size', ledger.tree_size(),
    -- Changes when something that was recorded is nulled, deleted or erased.
    'event_count', (select count(*) from ledger.leaves l where l.kind in ('fk-null', 'tombstone', 'redact'))
      + (select count(*) from ledger.pending_leaves p where p.kind in ('fk-null', 'tombstone', 'redact')),
    'pending', (select count(*) from ledger.pending_leaves),
    'oldest_pending_seconds', (
      select round(extract(epoch from clock_timestamp() - min(p.captured_at))) from ledger.pending_leaves p),
    'checkpoint', (
      select jsonb_build_object('size', c.size, 'root', encode(c.root, 'base64'), 'note', c.note)
      from ledger.checkpoints c order by c.size desc limit 1))
$$;

-- Tiles [{level, index}, …] as base64, in that order; NULL where there is none.
create function ledger.tiles(wanted jsonb) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select coalesce(jsonb_agg(translate(encode(ledger.tile((w.value ->> 'level')::int, (w.value ->> 'index')::bigint), 'base64'), E'\n', '')
    order by w.ordinality), '[]')
  from jsonb_array_elements(wanted) with ordinality w
$$;

-- Keeps a checkpoint, if no other was kept since the one that it was checked against.
create function ledger.add_checkpoint(after_size bigint, size bigint, root text, note text) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtext('ledger.add_checkpoint'));
  if after_size is distinct from (select coalesce(max(c.size), 0) from ledger.checkpoints c)
    or size <= after_size or size > ledger.tree_size() then
    return false;
  end if;
  insert into ledger.checkpoints (size, root, note) values (add_checkpoint.size, decode(add_checkpoint.root, 'base64'), add_checkpoint.note);
  return true;
end
$$;

-- The newest checkpoints, at most a thousand: each leads to the ones before it.
create function ledger.checkpoints_from(first_size bigint) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select coalesce(jsonb_agg(c.note order by c.size), '[]')
  from (select * from ledger.checkpoints c where c.size >= first_size order by c.size desc limit 1000) c
$$;

-- Everything about rows of a log: their leaves, what is pending, their texts and salts.
create function ledger.entries(log text, ids uuid[]) returns jsonb
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
      from ledger.pending_leaves p where p.row_id = i.id and p.log = entries.log),
    'texts', to_jsonb(t.texts),
    'salts', ledger.hexes(s.salts))), '{}')
  from unnest(ids) i (id)
  left join ledger.row_texts(log, ids) t on t.id = i.id
  left join ledger.salts s on s.row_id = i.id and s.log = entries.log
$$;
create index pending_leaves_row_id_idx on ledger.pending_leaves (row_id);

-- Leaves from an index on, each with its row's texts and salts where they are: what
-- an evidence bundle is made of.
create function ledger.export(first bigint, max_leaves int) returns jsonb
language sql stable security definer set search_path = ''
as $$
  with leaf as materialized (
    select l.* from ledger.leaves l where l.index >= first and l.index < first + max_leaves
  ), texts as materialized (
    select g.log, t.id, t.texts
    from (select l.log, array_agg(l.row_id) as ids from leaf l where l.kind in ('row', 'backfill') group by l.log) g
    cross join lateral ledger.row_texts(g.log, g.ids) t
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('index', l.index, 'kind', l.kind, 'log', l.log, 'id', l.row_id,
      'hash', encode(l.hash, 'hex'), 'commitments', ledger.hexes(l.commitments), 'data', l.data))
    || case when t.id is null then '{}' else jsonb_build_object('texts', to_jsonb(t.texts)) end
    || case when s.salts is null then '{}' else jsonb_build_object('salts', ledger.hexes(s.salts)) end
    order by l.index), '[]')
  from leaf l
  left join texts t on t.id = l.row_id and t.log = l.log and l.kind in ('row', 'backfill')
  left join ledger.salts s on s.row_id = l.row_id and s.log = l.log and l.kind in ('row', 'backfill')
$$;

-- The same of what is not sealed yet.
create function ledger.export_pending(after_seq bigint, max_leaves int) returns jsonb
language sql stable security definer set search_path = ''
as $$
  with leaf as materialized (
    select p.* from ledger.pending_leaves p where p.seq > after_seq order by p.seq limit max_leaves
  ), texts as materialized (
    select g.log, t.id, t.texts
    from (select l.log, array_agg(l.row_id) as ids from leaf l where l.kind in ('row', 'backfill') group by l.log) g
    cross join lateral ledger.row_texts(g.log, g.ids) t
  )
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('seq', l.seq, 'kind', l.kind, 'log', l.log, 'id', l.row_id,
      'hash', encode(l.hash, 'hex'), 'commitments', ledger.hexes(l.commitments), 'data', l.data))
    || case when t.id is null then '{}' else jsonb_build_object('texts', to_jsonb(t.texts)) end
    || case when s.salts is null then '{}' else jsonb_build_object('salts', ledger.hexes(s.salts)) end
    order by l.seq), '[]')
  from leaf l
  left join texts t on t.id = l.row_id and t.log = l.log and l.kind in ('row', 'backfill')
  left join ledger.salts s on s.row_id = l.row_id and s.log = l.log and l.kind in ('row', 'backfill')
$$;
create index leaves_events_idx on ledger.leaves (kind) where kind in ('fk-null', 'tombstone', 'redact');

-- Rows that no sealed leaf speaks of: those whose leaf is pending, and those that
-- came around the capture.
create function ledger.unsealed(log text) returns jsonb
language plpgsql stable security definer set search_path = ''
as $$
declare
  result pg_catalog.jsonb;
begin
  perform ledger.require_log(log);
  execute format($sql$
    select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'pending', exists (
      select from ledger.pending_leaves p where p.row_id = r.id and p.log = %1$L)) order by r.id), '[]')
    from public.%1$I r
    where not exists (select from ledger.leaves l where l.row_id = r.id and l.log = %1$L and l.kind in ('row', 'backfill'))
  $sql$, log) into result;
  return result;
end
$$;

-- As a witness for other logs: the last checkpoint that was cosigned of each.
create table ledger.witnessed (
  origin text primary key,
  size bigint not null,
  root bytea not null,
  note text not null,
  signed_at timestamptz not null default now()
);
revoke all on ledger.witnessed from public, anon, authenticated, service_role;

create function ledger.witnessed_of(origin text) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select jsonb_build_object('size', w.size, 'root', encode(w.root, 'base64')) from ledger.witnessed w where w.origin = $1
$$;

-- Moves a witnessed log forward from the size that was checked, or not at all.
create function ledger.witness(origin text, old_size bigint, size bigint, root text, note text) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  if old_size = 0 then
    insert into ledger.witnessed as w (origin, size, root, note)
    values (witness.origin, witness.size, decode(witness.root, 'base64'), witness.note)
    on conflict on constraint witnessed_pkey do update
      set size = excluded.size, root = excluded.root, note = excluded.note, signed_at = now() where w.size = 0;
  else
    update ledger.witnessed w set size = witness.size, root = decode(witness.root, 'base64'), note = witness.note, signed_at = now()
    where w.origin = witness.origin and w.size = old_size and witness.size >= old_size;
  end if;
  return found;
end
$$;

-- What the REST API shows runs as its caller.
create function public.seal_ledger(max_leaves int default 100000) returns jsonb
language sql volatile security invoker set search_path = '' as $$ select ledger.seal(max_leaves) $$;
create function public.read_ledger_state() returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.state() $$;
create function public.read_ledger_tiles(wanted jsonb) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.tiles(wanted) $$;
create function public.read_ledger_entries(log text, ids uuid[]) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.entries(log, ids) $$;
create function public.read_ledger_checkpoints(first_size bigint default 0) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.checkpoints_from(first_size) $$;
create function public.export_ledger(first bigint, max_leaves int default 1000) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.export(first, max_leaves) $$;
create function public.export_pending_leaves(after_seq bigint, max_leaves int default 1000) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.export_pending(after_seq, max_leaves) $$;
create function public.read_unsealed_rows(log text) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.unsealed(log) $$;
create function public.add_ledger_checkpoint(after_size bigint, size bigint, root text, note text) returns boolean
language sql volatile security invoker set search_path = '' as $$ select ledger.add_checkpoint(after_size, size, root, note) $$;
create function public.read_witnessed(origin text) returns jsonb
language sql stable security invoker set search_path = '' as $$ select ledger.witnessed_of(origin) $$;
create function public.witness_checkpoint(origin text, old_size bigint, size bigint, root text, note text) returns boolean
language sql volatile security invoker set search_path = '' as $$ select ledger.witness(origin, old_size, size, root, note) $$;

do $grants$
declare
  f regprocedure;
begin
  for f in
    select p.oid::regprocedure from pg_catalog.pg_proc p
    where p.oid in (
      'ledger.require_log'::regproc, 'ledger.row_texts'::regproc, 'ledger.hexes'::regproc, 'ledger.state'::regproc, 'ledger.tiles'::regproc,
      'ledger.add_checkpoint'::regproc, 'ledger.checkpoints_from'::regproc, 'ledger.entries'::regproc,
      'ledger.export'::regproc, 'ledger.export_pending'::regproc, 'public.export_pending_leaves'::regproc, 'ledger.unsealed'::regproc, 'ledger.witnessed_of'::regproc, 'ledger.witness'::regproc,
      'public.seal_ledger'::regproc, 'public.read_ledger_state'::regproc, 'public.read_ledger_tiles'::regproc,
      'public.read_ledger_entries'::regproc, 'public.read_ledger_checkpoints'::regproc, 'public.export_ledger'::regproc,
      'public.read_unsealed_rows'::regproc, 'public.add_ledger_checkpoint'::regproc, 'public.read_witnessed'::regproc,
      'public.witness_checkpoint'::regproc)
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', f);
    if f not in ('ledger.require_log'::regproc::oid, 'ledger.row_texts'::regproc::oid, 'ledger.hexes'::regproc::oid) then
      execute format('grant execute on function %s to service_role', f);
    end if;
  end loop;
end
$grants$;
grant execute on function ledger.seal(int) to service_role;
