-- Capture and sealing for less, with leaves, commitments and salts as they were.
--
-- A row keeps one seed, from which the salts of its commitments are made: salt i,
-- from 0, is 16 bytes of SHA-512(seed, byte i / 4), from byte 16 * (i mod 4) on. Who
-- knows one salt learns nothing of another. Where one has to be forgotten, the
-- others take the place of the seed.
--
-- Among the pending leaves a row's own is found by its seq, which stands beside its
-- salts; indexes for it, and for the order in which leaves are sealed, cost every row
-- more than they save.

alter table ledger.salts
  alter salts drop not null,
  add seed bytea,
  add seq bigint;

update ledger.salts s set seq = p.seq
from ledger.pending_leaves p
where p.row_id = s.row_id and p.log = s.log and p.kind in ('row', 'backfill');

-- A log without committed columns had no salts; now each row has its line here.
insert into ledger.salts (log, row_id, salts, seq)
select p.log, p.row_id, p.commitments, p.seq from ledger.pending_leaves p
where p.kind in ('row', 'backfill') and p.commitments = '{}'
on conflict do nothing;

drop index ledger.pending_leaves_xid_idx, ledger.pending_leaves_row_id_idx;
create index pending_leaves_events_idx on ledger.pending_leaves (row_id) where kind in ('fk-null', 'tombstone', 'redact');

-- The columns of a log that a leaf holds as commitments, in the table's order. It is
-- called where a caller's temporary types would come before those of the catalog.
create or replace function ledger.committed_columns(log name) returns name[]
language sql stable set search_path = ''
as $$
  select coalesce(array_agg(a.attname order by a.attnum), '{}')
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', log)::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped
    and (
      exists (
        select from pg_catalog.pg_constraint k
        where k.conrelid = a.attrelid and k.contype = 'f' and k.confdeltype = 'n' and k.conkey = array[a.attnum])
      or (log, a.attname) in (
        ('audit_log', 'entity_id'), ('audit_log', 'metadata'), ('audit_log', 'ip_address'),
        ('llm_usage_log', 'error_message'), ('model_usage_log', 'metadata')))
$$;

-- The salts of a row that has so many commitments; NULL in the place of each that is
-- forgotten.
create function ledger.salts_of(seed bytea, salts bytea[], count int) returns bytea[]
language sql immutable set search_path = ''
as $$
  select case when salts is not null or seed is null then salts else array(
    select substr(sha512(seed || decode(lpad(to_hex(i / 4), 2, '0'), 'hex')), 16 * (i % 4) + 1, 16)
    from generate_series(0, count - 1) i order by i) end
$$;

-- Forgets the salt of a committed column of some rows, so that nobody can ever tell
-- what was committed to.
create function ledger.forget(log name, column_name name, ids uuid[]) returns void
language plpgsql set search_path = ''
as $$
declare
  committed constant pg_catalog.name[] := ledger.committed_columns(log);
begin
  update ledger.salts s
  set seed = null, salts = array(
    select case when n <> array_position(committed, column_name) then salt end
    from unnest(ledger.salts_of(s.seed, s.salts, cardinality(committed))) with ordinality u (salt, n) order by n)
  where s.row_id = any (ids) and s.log = forget.log;
end
$$;

create or replace function ledger.leaf_text(column_name name, type regtype) returns text
language sql immutable set search_path = ''
as $$
  select case when type = 'timestamptz'::regtype
    -- As numeric: the last years that there are do not fit into a bigint.
    then format('lower(trunc(extract(epoch from r.%I) * 1000000)::pg_catalog.text)', column_name)
    else format('r.%I::pg_catalog.text', column_name) end
$$;

-- The data of a row's leaf, as an SQL expression over the row r and its commitments
-- r.commitment1 and so on. One call for all members: what a single row costs is the
-- number of calls.
create or replace function ledger.leaf_expression(log name, kind text) returns text
language sql stable set search_path = ''
as $$
  select format('array_to_json(array[%L, %L, r.id::pg_catalog.text, %s]::pg_catalog.text[])::pg_catalog.text',
    kind, 'public.' || log,
    string_agg(
      case when a.attname = any (ledger.committed_columns(log))
        then format('encode(r.commitment%s, ''hex'')', array_position(ledger.committed_columns(log), a.attname))
        else ledger.leaf_text(a.attname, a.atttypid) end,
      ', ' order by a.attnum))
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', log)::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'id'
$$;

-- The commitments of a row r as r.commitment1 and so on, from what its seed was made into.
create or replace function ledger.commitment_expression(log name) returns text
language sql stable set search_path = ''
as $$
  select coalesce(string_agg(
    format(', sha256(substr(r.leaf_salts%s, %s, 16) || coalesce(convert_to(chr(1) || %s, ''UTF8''), decode(''00'', ''hex''))) as commitment%s',
      (n.position - 1) / 4, 16 * ((n.position - 1) % 4) + 1, ledger.leaf_text(a.attname, a.atttypid), n.position),
    '' order by n.position), '')
  from unnest(ledger.committed_columns(log)) with ordinality n (name, position)
  join pg_catalog.pg_attribute a on a.attrelid = format('public.%I', log)::regclass and a.attname = n.name
$$;

-- The columns of a row r that a leaf holds as they are.
create function ledger.plain_columns(log name) returns text
language sql stable set search_path = ''
as $$
  select coalesce(string_agg(format(', r.%I', a.attname), '' order by a.attnum), '')
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', log)::regclass and a.attnum > 0 and not a.attisdropped
    and a.attname <> 'id' and a.attname <> all (ledger.committed_columns(log))
$$;

create or replace function ledger.capture_statement(log name, source text, kind text) returns text
language sql stable set search_path = ''
as $$
  select format($sql$with fresh as materialized (
    select r.*, nextval('ledger.pending_leaves_seq_seq') as leaf_seq, %1$s as leaf_seed from %2$s r
  ), salted as (
    insert into ledger.salts (log, row_id, seed, seq)
    select %3$L, r.id, r.leaf_seed, r.leaf_seq from fresh r
  )
  insert into ledger.pending_leaves (seq, kind, log, row_id, commitments, hash) overriding system value
  select r.leaf_seq, %4$L, %3$L, r.id, array[%5$s]::pg_catalog.bytea[], sha256(decode('00', 'hex') || convert_to(%6$s, 'UTF8'))
  -- Each step is computed once, because nothing is pulled up through an OFFSET.
  from (select r.id, r.leaf_seq%7$s from (select r.*%8$s from fresh r offset 0) r offset 0) r$sql$,
    case when committed.count > 0 then 'uuid_send(gen_random_uuid())' else 'null::pg_catalog.bytea' end,
    source, log, kind,
    (select string_agg('r.commitment' || n, ', ' order by n) from generate_series(1, committed.count) n),
    ledger.leaf_expression(log, kind || '/v1'),
    ledger.plain_columns(log) || ledger.commitment_expression(log),
    (select string_agg(format(', sha512(r.leaf_seed || decode(''%s'', ''hex'')) as leaf_salts%s', lpad(to_hex(n), 2, '0'), n), '' order by n)
      from generate_series(0, (committed.count + 3) / 4 - 1) n))
  from (select cardinality(ledger.committed_columns(log))) committed (count)
$$;

create or replace function ledger.capture_functions(log name)
returns table (operation text, transition text, body text)
language plpgsql stable set search_path = ''
as $generator$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  nulled text := '';  -- statements for each reference that a foreign key may null
  part record;
begin
  for part in
    select a.attname as name
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    where k.conrelid = log_table and k.contype = 'f' and k.confdeltype = 'n'
    order by a.attnum
  loop
    nulled := nulled || format($sql$
  -- A row whose keys lose their parents one after the other is there once for each.
  ids := array(
    select distinct n.id from new_rows n join old_rows o on o.id = n.id
    where o.%1$I is not null and n.%1$I is null);
  perform ledger.forget(%2$L, %1$L, ids);
  insert into ledger.pending_leaves (kind, log, row_id, data, hash)
  select 'fk-null', %2$L, x.id, x.data, ledger.event_hash(x.data)
  from (select u.id, format('["fk-null/v1","public.%2$s","%%s","%1$s"]', u.id) as data from unnest(ids) u (id)) x;
$sql$, part.name, log);
  end loop;

  return query
    select t.operation, t.transition, format($body$
-- Written by ledger.capture(%L) from the catalog: do not edit.
declare
  ids pg_catalog.uuid[];
begin
  %s
  return null;
end
$body$, log, t.statements)
    from (values
      ('insert', 'new table as new_rows', ledger.capture_statement(log, 'new_rows', 'row') || ';'),
      ('update', 'old table as old_rows new table as new_rows', nulled),
      ('delete', 'old table as old_rows', format($sql$
  with gone as materialized (
    select o.id, format('["tombstone/v1","public.%1$s","%%s"]', o.id) as data from old_rows o
  ), forgotten as (
    delete from ledger.salts s using gone x where s.row_id = x.id and s.log = %1$L
  )
  insert into ledger.pending_leaves (kind, log, row_id, data, hash)
  select 'tombstone', %1$L, x.id, x.data, ledger.event_hash(x.data) from gone x;$sql$, log))
    ) t (operation, transition, statements);
end
$generator$;

create or replace function ledger.capture(log name) returns void
language plpgsql set search_path = ''
as $capture$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  part record;
begin
  for part in select c.*, format('capture_%s_%s', c.operation, log) as name from ledger.capture_functions(log) c loop
    execute format('create or replace function ledger.%I() returns trigger
      language plpgsql security definer set search_path = %L as %L', part.name, '', part.body);
    execute format('revoke all on function ledger.%I() from public', part.name);
    execute format(
      'create or replace trigger %I after %s on %s referencing %s for each statement execute function ledger.%I()',
      'capture_' || part.operation, part.operation, log_table, part.transition, part.name);
    execute format('alter table %s enable always trigger %I', log_table, 'capture_' || part.operation);
  end loop;
end
$capture$;


revoke all on function ledger.salts_of, ledger.forget, ledger.plain_columns from public;

select ledger.capture('llm_usage_log');
select ledger.capture('audit_log');
select ledger.capture('tool_usage_ledger');
select ledger.capture('model_usage_log');
select ledger.accept_state('llm_usage_log');
select ledger.accept_state('audit_log');
select ledger.accept_state('tool_usage_ledger');
select ledger.accept_state('model_usage_log');
