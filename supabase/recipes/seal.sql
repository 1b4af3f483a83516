-- Seals every 5 seconds, and signs every minute. Needs pg_net, pg_cron and a secret API
-- key in the Vault:
--   select vault.create_secret('sb_secret_…', 'sealer');
-- Replace <ref>.

select cron.schedule('seal', '5 seconds', 'select ledger.seal()');
select cron.schedule('sign', '* * * * *', $$ select net.http_post(
  'https://<ref>.supabase.co/functions/v1/ledger/seal', timeout_milliseconds := 20000,
  headers := jsonb_build_object('apikey', (
    select decrypted_secret from vault.decrypted_secrets where name = 'sealer'))) $$);
