-- Sealing sorts what is pending by itself, and moves each leaf once.

create or replace function ledger.seal(max_leaves int default 100000) returns jsonb
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
  with final as materialized (
    select p.seq, size - 1 + row_number() over (order by p.xid, p.seq) as index
    from ledger.pending_leaves p where p.xid < cut order by p.xid, p.seq limit max_leaves
  ), taken as (
    delete from ledger.pending_leaves p using final f where p.seq = f.seq returning p.*, f.index
  )
  insert into ledger.leaves (index, kind, log, row_id, commitments, data, hash)
  select t.index, t.kind, t.log, t.row_id, t.commitments, t.data, t.hash from taken t;
  get diagnostics sealed = row_count;

  if sealed > 0 then
    -- Where max_leaves left some, it ends at the first of them.
    complete := coalesce((select min(p.xid) from ledger.pending_leaves p where p.xid < cut), cut);
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
