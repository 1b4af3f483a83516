-- Evidence: every row of a log leaves a leaf, written in the transaction that
-- wrote the row. Leaves are sealed into a tree (the next migration) whose signed
-- checkpoints let anybody check that nothing was changed since.
--
-- A leaf is a JSON array of strings and nulls, so that every language writes the
-- same bytes: ["row/v1", table, id, the other columns in the table's order]. Text
-- is as it is, numbers as Postgres prints them, a time is microseconds since 1970.
-- What a foreign key may null, and what may have to be erased, is in it only as a
-- salted commitment: SHA-256(salt, 0x01, text), or SHA-256(salt, 0x00) of NULL.
-- Without its salt a commitment says nothing.
--
-- A reference that a foreign key nulls, and a row that it deletes, leave a leaf
-- too, and take the salts with them.
--
-- What is written here runs as the owner for whoever inserts. Types are qualified,
-- because a caller's temporary types come before those of the catalog, and bytes are
-- decoded, because a setting of the caller decides what a backslash means.

-- What is not sealed yet. A leaf's hash is SHA-256(0x00, data) (RFC 6962 §2.1); the
-- data of a row's own leaf is not kept, because the row says it.
create table ledger.pending_leaves (
  seq bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  captured_at timestamptz not null default now(),
  kind text not null,
  log text not null,
  row_id uuid not null,
  commitments bytea[],
  data text,
  hash bytea not null
);
create index pending_leaves_xid_idx on ledger.pending_leaves (xid, seq);

-- A salt per committed column, in the order of ledger.committed_columns; NULL once
-- it was forgotten.
create table ledger.salts (
  log text not null,
  row_id uuid not null,
  salts bytea[] not null,
  primary key (row_id, log)
);

revoke all on ledger.pending_leaves, ledger.salts from public, anon, authenticated, service_role;

-- The columns of a log that a leaf holds as commitments, in the table's order.
create function ledger.committed_columns(log name) returns name[]
language sql stable set search_path = ''
as $$
  select coalesce(array_agg(a.attname order by a.attnum), '{}')
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', log)::regclass and a.attnum > 0 and not a.attisdropped
    and (
      exists (
        select from pg_catalog.pg_constraint k
        where k.conrelid = a.attrelid and k.contype = 'f' and k.confdeltype = 'n' and k.conkey = array[a.attnum])
      or (log, a.attname) in (
        ('audit_log', 'entity_id'), ('audit_log', 'metadata'), ('audit_log', 'ip_address'),
        ('llm_usage_log', 'error_message'), ('model_usage_log', 'metadata')))
$$;

-- The text of a column's value in a leaf, as an SQL expression over the row r.
create function ledger.leaf_text(column_name name, type regtype) returns text
language sql immutable set search_path = ''
as $$
  select case when type = 'timestamptz'::regtype
    -- As numeric: the last years that there are do not fit into a bigint.
    then format('case when isfinite(r.%1$I) then trunc(extract(epoch from r.%1$I) * 1000000)::pg_catalog.text '
      || 'else r.%1$I::pg_catalog.text end', column_name)
    else format('r.%I::pg_catalog.text', column_name) end
$$;

-- The data of a row's leaf, as an SQL expression over the row r and its
-- commitments r.c.
create function ledger.leaf_expression(log name, kind text) returns text
language sql stable set search_path = ''
as $$
  select format('concat(%L, r.id, ''"'', %s, '']'')', format('["%s","public.%s","', kind, log),
    string_agg(
      case
        when a.attname = any (ledger.committed_columns(log)) then
          format(''',"'', encode(r.c[%s], ''hex''), ''"''', array_position(ledger.committed_columns(log), a.attname))
        -- These never hold what JSON escapes.
        when a.atttypid in ('uuid'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'bool'::regtype,
          'timestamptz'::regtype) then
          format(''','', coalesce(''"'' || %s || ''"'', ''null'')', ledger.leaf_text(a.attname, a.atttypid))
        else format(''','', coalesce(to_json(%s)::pg_catalog.text, ''null'')', ledger.leaf_text(a.attname, a.atttypid))
      end, ', ' order by a.attnum))
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', log)::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'id'
$$;

-- A leaf about a row, such as ["tombstone/v1", table, id], for each row of a query.
create function ledger.event_hash(data text) returns bytea
language sql immutable set search_path = ''
as $$ select sha256(decode('00', 'hex') || convert_to(data, 'UTF8')) $$;

-- The commitments of a row r with salts r.salts, as an SQL expression.
create function ledger.commitment_expression(log name) returns text
language sql stable set search_path = ''
as $$
  select format('array[%s]::pg_catalog.bytea[]', string_agg(format(
      'sha256(case when r.%1$I is null then r.salts[%2$s] || decode(''00'', ''hex'') '
      || 'else r.salts[%2$s] || decode(''01'', ''hex'') || convert_to(%3$s, ''UTF8'') end)',
      a.attname, n.position, ledger.leaf_text(a.attname, a.atttypid)), ', ' order by n.position))
  from unnest(ledger.committed_columns(log)) with ordinality n (name, position)
  join pg_catalog.pg_attribute a on a.attrelid = format('public.%I', log)::regclass and a.attname = n.name
$$;

-- The leaves of rows r, as an SQL statement: salts are made, kept, and the leaves put
-- among the pending ones. The hash is written out, because a call of
-- ledger.event_hash costs a single row a fifth of all this.
create function ledger.capture_statement(log name, source text, kind text) returns text
language sql stable set search_path = ''
as $$
  select format($sql$with fresh as materialized (
    select r.*, array[%1$s]::pg_catalog.bytea[] as salts from %2$s r
  ), committed as materialized (
    select r.*, %3$s as c from fresh r
  ), salted as (
    insert into ledger.salts (log, row_id, salts)
    select %4$L, r.id, r.salts from committed r where r.salts <> '{}'
  )
  insert into ledger.pending_leaves (kind, log, row_id, commitments, hash)
  select %5$L, %4$L, r.id, r.c, sha256(decode('00', 'hex') || convert_to(%6$s, 'UTF8')) from committed r$sql$,
    array_to_string(array_fill('uuid_send(gen_random_uuid())'::text, array[cardinality(ledger.committed_columns(log))]), ', '),
    source, ledger.commitment_expression(log), log, kind, ledger.leaf_expression(log, kind || '/v1'))
$$;

-- The functions that capture, written from the catalog as it is now: what each is
-- run after, what it sees, and its body.
create function ledger.capture_functions(log name)
returns table (operation text, transition text, body text)
language plpgsql stable set search_path = ''
as $generator$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  committed constant name[] := ledger.committed_columns(log);
  nulled text := '';  -- a statement per reference that a foreign key may null
  part record;
begin
  for part in
    select a.attname as name, array_position(committed, a.attname) as position
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
    where k.conrelid = log_table and k.contype = 'f' and k.confdeltype = 'n'
    order by a.attnum
  loop
    nulled := nulled || format($sql$
  with nulled as materialized (
    -- A row whose keys lose their parents one after the other is there once for each.
    select distinct n.id, format('["fk-null/v1","public.%2$s","%%s","%1$s"]', n.id) as data
    from new_rows n join old_rows o on o.id = n.id
    where o.%1$I is not null and n.%1$I is null
  ), forgotten as (
    update ledger.salts s set salts[%3$s] = null from nulled x where s.row_id = x.id and s.log = %2$L
  )
  insert into ledger.pending_leaves (kind, log, row_id, data, hash)
  select 'fk-null', %2$L, x.id, x.data, ledger.event_hash(x.data) from nulled x;
$sql$, part.name, log, part.position);
  end loop;

  return query
    select t.operation, t.transition, format($body$
-- Written by ledger.capture(%L) from the catalog: do not edit.
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

-- Puts capture on a log: again after a change of its columns or foreign keys, whose
-- leaves are of a new version.
create function ledger.capture(log name) returns void
language plpgsql set search_path = ''
as $capture$
declare
  log_table constant regclass := format('public.%I', log)::regclass;
  part record;
begin
  for part in select c.*, format('capture_%s_%s', c.operation, log) as name from ledger.capture_functions(log) c loop
    execute format('create or replace function ledger.%I() returns trigger
      language plpgsql security definer set search_path = %L set timezone = %L as %L', part.name, '', 'UTC', part.body);
    execute format('revoke all on function ledger.%I() from public', part.name);
    execute format(
      'create or replace trigger %I after %s on %s referencing %s for each statement execute function ledger.%I()',
      'capture_' || part.operation, part.operation, log_table, part.transition, part.name);
    execute format('alter table %s enable always trigger %I', log_table, 'capture_' || part.operation);
  end loop;
end
$capture$;
comment on function ledger.capture(name) is
  'Makes every row of a log, and every reference that a foreign key nulls in it, leave a leaf.';

revoke all on function ledger.committed_columns, ledger.leaf_text, ledger.leaf_expression, ledger.event_hash,
  ledger.commitment_expression, ledger.capture_statement, ledger.capture_functions, ledger.capture from public;

select ledger.capture('llm_usage_log');
select ledger.capture('audit_log');
select ledger.capture('tool_usage_ledger');
select ledger.capture('model_usage_log');

-- Rows that are there already: evidence of them begins now, and their leaves say so.
do $backfill$
declare
  log name;
begin
  foreach log in array '{llm_usage_log,audit_log,tool_usage_ledger,model_usage_log}'::name[] loop
    execute ledger.capture_statement(log, format('public.%I', log), 'backfill');
  end loop;
end
$backfill$;

-- The doctor looks at capture as well: its triggers are among the accepted state, and
-- its functions must be those that would be written now.
create function ledger.examine_capture(log name)
returns table ("check" text, object text, problem text, remedy text)
language sql stable set search_path = ''
as $$
  select 'capture', format('ledger.%I()', format('capture_%s_%s', c.operation, log)),
    case when f.oid is null then 'the function is missing'
      else 'is not the function that would be written now: it was changed, or the columns or foreign keys were' end,
    format('select ledger.capture(%L)', log)
  from ledger.capture_functions(log) c
  left join pg_catalog.pg_proc f on f.pronamespace = 'ledger'::regnamespace
    and f.proname = format('capture_%s_%s', c.operation, log)
  where f.prosrc is distinct from c.body
    and exists (
      select from ledger.accepted_state s
      where s.log = examine_capture.log and s.kind = 'trigger' and s.object like 'capture\_%')
$$;
revoke all on function ledger.examine_capture from public;

create or replace function ledger.doctor()
returns table ("check" text, object text, problem text, remedy text)
language plpgsql stable set search_path = ''
as $$
declare
  log name;
begin
  for log in select distinct s.log from ledger.accepted_state s order by 1 loop
    if to_regclass(format('public.%I', log)) is null then
      return query select 'log', format('public.%I', log), 'the table is missing',
        'Restore it from a backup, then ' || format('select ledger.guard(%L)', log);
    else
      return query select * from ledger.examine_state(log);
      return query select * from ledger.examine_guard(log);
      return query select * from ledger.examine_capture(log);
      return query select * from ledger.examine_privileges(log);
    end if;
  end loop;
  return query select * from ledger.examine_surroundings();
end
$$;

select ledger.accept_state('llm_usage_log');
select ledger.accept_state('audit_log');
select ledger.accept_state('tool_usage_ledger');
select ledger.accept_state('model_usage_log');
