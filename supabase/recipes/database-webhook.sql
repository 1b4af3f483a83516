-- A Database Webhook on the table invoices. Replace the table, <ref> and the key.

create trigger invoices_to_ledger
  after insert or update or delete on public.invoices
  for each row execute function supabase_functions.http_request(
    'https://<ref>.supabase.co/functions/v1/webhooks/database', 'POST',
    '{"content-type": "application/json", "x-ledger-key": "lfk_…"}', '{}', '5000');
