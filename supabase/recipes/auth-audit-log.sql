-- A Database Webhook on Auth's own audit log. Replace <ref>, <uuid> (the firm) and the key.

create trigger audit_entries_to_ledger
  after insert on auth.audit_log_entries
  for each row execute function supabase_functions.http_request(
    'https://<ref>.supabase.co/functions/v1/webhooks/auth?firm_id=<uuid>', 'POST',
    '{"content-type": "application/json", "x-ledger-key": "lfk_…"}', '{}', '5000');
