-- Sealing: pending leaves get contiguous indexes in one RFC 6962 tree over all logs.
--
-- A transaction may commit after one that began later, so what is visible is not
-- yet a prefix. Sealed is what lies below the snapshot's xmin: every transaction
-- below it has ended, so no committed row is ever skipped, and each seal says up to
-- where it is complete. The price is that a transaction that stays open, in any
-- database of the server, holds sealing back; writers never wait.

create table ledger.leaves (
  index bigint primary key,
  kind text not null,
  log text,
  row_id uuid,
  commitments bytea[],
  data text,
  hash bytea not null
);
create index leaves_row_id_idx on ledger.leaves (row_id);

-- Roots of full subtrees: node i of level n covers the leaves from i * 256^n.
create table ledger.nodes (
  level int not null,
  index bigint not null,
  hash bytea not null,
  primary key (level, index)
);

create table ledger.checkpoints (
  size bigint primary key,
  root bytea not null,
  note text not null,
  signed_at timestamptz not null default now()
);

revoke all on ledger.leaves, ledger.nodes, ledger.checkpoints from public, anon, authenticated, service_role;

create function ledger.refuse_change() returns trigger
language plpgsql set search_path = ''
as $$
begin
  raise exception using errcode = '42501',
    message = format('%s of %I.%I is refused: evidence is only ever added to', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME);
end
$$;
create trigger refuse_change before update or delete or truncate on ledger.leaves
  for each statement execute function ledger.refuse_change();
create trigger refuse_change before update or delete or truncate on ledger.nodes
  for each statement execute function ledger.refuse_change();
create trigger refuse_change before update or delete or truncate on ledger.checkpoints
  for each statement execute function ledger.refuse_change();
alter table ledger.leaves enable always trigger refuse_change;
alter table ledger.nodes enable always trigger refuse_change;
alter table ledger.checkpoints enable always trigger refuse_change;

-- The root of the full subtree over hashes that stand one after the other, whose
-- number is a power of two (RFC 6962 §2.1).
create function ledger.subtree_root(hashes bytea) returns bytea
language plpgsql immutable strict set search_path = ''
as $$
begin
  while length(hashes) > 32 loop
    hashes := (
      select string_agg(sha256(decode('01', 'hex') || substr(hashes, 64 * i + 1, 64)), '' order by i)
      from generate_series(0, length(hashes) / 64 - 1) i);
  end loop;
  return hashes;
end
$$;

-- A tile (C2SP tlog-tiles): up to 256 hashes of a level, one after the other.
create function ledger.tile(level int, tile bigint) returns bytea
language sql stable set search_path = ''
as $$
  select case when level = 0
    then (select string_agg(l.hash, '' order by l.index) from ledger.leaves l
      where l.index >= tile * 256 and l.index < (tile + 1) * 256)
    else (select string_agg(n.hash, '' order by n.index) from ledger.nodes n
      where n.level = $1 and n.index >= tile * 256 and n.index < (tile + 1) * 256) end
$$;

create function ledger.tree_size() returns bigint
language sql stable set search_path = ''
as $$ select coalesce(max(l.index) + 1, 0) from ledger.leaves l $$;

-- Seals what is final, at most max_leaves of it, and tells how it stands. One
-- sealer at a time: another is told that it is busy, and waits for nothing.
create function ledger.seal(max_leaves int default 100000) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  cut constant pg_catalog.xid8 := pg_snapshot_xmin(pg_current_snapshot());
  complete pg_catalog.xid8 := cut;  -- every transaction below it is in the tree
  size bigint;
  sealed bigint;
  data pg_catalog.text;
  width bigint;   -- nodes that are full at a level
  known bigint;   -- those that are there already
begin
  if not pg_try_advisory_xact_lock(hashtext('ledger.seal')) then
    return '{"busy": true}';
  end if;
  size := ledger.tree_size();
  with final as (
    select p.seq from ledger.pending_leaves p where p.xid < cut order by p.xid, p.seq limit max_leaves
  ), taken as (
    delete from ledger.pending_leaves p using final f where p.seq = f.seq returning p.*
  )
  insert into ledger.leaves (index, kind, log, row_id, commitments, data, hash)
  select size - 1 + row_number() over (order by t.xid, t.seq), t.kind, t.log, t.row_id, t.commitments, t.data, t.hash
  from taken t;
  get diagnostics sealed = row_count;

  if sealed > 0 then
    -- Where max_leaves left some, it ends at the first of them.
    complete := coalesce((select p.xid from ledger.pending_leaves p where p.xid < cut order by p.xid limit 1), cut);
    data := format('["seal/v1","%s","%s"]', complete, sealed);
    insert into ledger.leaves (index, kind, data, hash) values (size + sealed, 'seal', data, ledger.event_hash(data));
    size := size + sealed + 1;
    width := size;
    for height in 1..7 loop
      width := width / 256;
      exit when width = 0;
      select coalesce(max(n.index) + 1, 0) into known from ledger.nodes n where n.level = height;
      insert into ledger.nodes (level, index, hash)
      select height, i, ledger.subtree_root(ledger.tile(height - 1, i)) from generate_series(known, width - 1) i;
    end loop;
  end if;
  return (
    select jsonb_build_object('size', size, 'sealed', sealed, 'cut', complete,
      'pending', count(*),
      -- What cannot be sealed because a transaction that is older than it is open.
      'held_back', count(*) filter (where p.xid >= cut),
      'oldest_pending_seconds', round(extract(epoch from clock_timestamp() - min(p.captured_at))))
    from ledger.pending_leaves p);
end
$$;
comment on function ledger.seal is 'Gives pending leaves their place in the tree; for pg_cron, the function ledger, and npm run seal.';

-- Transaction ids mean something on one server only. Restored on another from a
-- dump, pending leaves may bear ids that it has yet to give out, and would wait
-- until then: after such a restore they become this transaction's, in their order.
create function ledger.rebase_pending() returns bigint
language plpgsql set search_path = ''
as $$
declare
  rebased bigint;
begin
  update ledger.pending_leaves set xid = pg_current_xact_id();
  get diagnostics rebased = row_count;
  return rebased;
end
$$;
comment on function ledger.rebase_pending is
  'Makes pending leaves sealable that were restored from the dump of another server; how many there are. For the owner, once, before anything is recorded.';

revoke all on function ledger.refuse_change, ledger.subtree_root, ledger.tile, ledger.tree_size, ledger.seal,
  ledger.rebase_pending from public;
