-- As the owner runs this for whoever reads, its casts must be to the catalog's types:
-- without a schema, those that a session made for itself come first.
create or replace function ledger.member_firm_id() returns pg_catalog.uuid
language sql stable security definer set search_path = ''
as $$
  select u.firm_id from public.users u
  where u.id = (nullif(current_setting('request.jwt.claims', true), '')::pg_catalog.jsonb ->> 'sub')::pg_catalog.uuid
$$;
