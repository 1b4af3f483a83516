-- An outbox for the audit log: an event per change of a table, sent until it is
-- acknowledged. Needs pg_net, pg_cron and a secret API key in the Vault:
--   select vault.create_secret('lfk_…', 'ledger_key');
-- Replace <ref>, and create the trigger at the end on each table to audit.

create schema outbox;

create table outbox.events (
  position bigint generated always as identity primary key,
  id uuid not null unique,    -- id of the row in audit_log
  event jsonb not null,
  request_id bigint,          -- pg_net's id of the last request with this event
  sent_at timestamptz,
  refused jsonb               -- the problem of an event that /audit will never accept
);

create function outbox.note_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  entry constant uuid := gen_random_uuid();
  changed constant jsonb := case tg_op when 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
  insert into outbox.events (id, event) values (entry, jsonb_strip_nulls(jsonb_build_object(
    'id', entry,
    'firm_id', changed ->> 'firm_id',
    'user_id', auth.uid(),
    'action', lower(tg_op),
    'entity_type', tg_table_name,
    'entity_id', changed ->> 'id',
    'created_at', now())));
  return null;
end
$$;

create function outbox.send() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  batch uuid[];
  body jsonb;
  request bigint;
begin
  -- Runs may overlap; only one sends.
  if not pg_try_advisory_xact_lock(hashtext('outbox.send')) then return; end if;

  -- Answers of earlier requests: a result for each event.
  with result as (
    select r.value ->> 'id' as id, r.value ->> 'outcome' as outcome, r.value -> 'problem' as problem
    from net._http_response a
    cross join lateral jsonb_array_elements(a.content::jsonb -> 'results') r
    where a.status_code in (200, 201, 207)
      and a.id in (select e.request_id from outbox.events e where e.refused is null)
  ), acknowledged as (
    delete from outbox.events e using result r
    where e.id = r.id::uuid and r.outcome in ('recorded', 'duplicate')
  )
  update outbox.events e set refused = r.problem from result r
  where e.id = r.id::uuid and r.outcome in ('conflict', 'rejected');

  -- Events not sent yet, or not answered within a minute; below 64 KB together.
  select array_agg(e.id), jsonb_agg(e.event order by e.position) into batch, body
  from (
    select e.*, sum(octet_length(e.event::text) + 2) over (order by e.position) as bytes
    from outbox.events e
    where e.refused is null and (e.sent_at is null or e.sent_at < now() - interval '1 minute')
    order by e.position limit 500
  ) e
  where e.bytes < 60000;
  if batch is null then return; end if;

  request := net.http_post(
    url := 'https://<ref>.supabase.co/functions/v1/audit',
    body := body,
    headers := jsonb_build_object('content-type', 'application/json',
      'x-ledger-key', (select s.decrypted_secret from vault.decrypted_secrets s where s.name = 'ledger_key')),
    timeout_milliseconds := 20000);
  update outbox.events e set request_id = request, sent_at = now() where e.id = any (batch);
end
$$;

select cron.schedule('outbox', '10 seconds', 'select outbox.send()');

create trigger invoices_to_outbox
  after insert or update or delete on public.invoices
  for each row execute function outbox.note_change();
