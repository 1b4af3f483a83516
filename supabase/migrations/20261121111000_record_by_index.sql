-- A session keeps its plans. Made while a log was empty, and known to be, they read
-- the whole log for every event: ten thousand rows later a batch took seconds. The
-- record functions look rows up by their keys alone, so they are told never to read
-- a table from end to end; and never to compile, because the planner makes what it
-- is told to avoid look too expensive to run as it is.
--
-- Pricing reads all prices of a small table, and may.

do $$
declare
  generator constant regprocedure := 'ledger.create_record_function(name, name[], name, regproc, jsonb, regproc)';
  head constant text := E'set search_path = '''' set timezone = ''UTC''\nas $record$';
  again constant text := replace(pg_get_functiondef(generator), head,
    E'set search_path = '''' set timezone = ''UTC'' set enable_seqscan = off set jit = off\nas $record$');
begin
  if again = pg_get_functiondef(generator) then
    raise exception 'the generator of the record functions is not the one that this migration changes';
  end if;
  execute again;
end
$$;

alter function ledger.price_events set enable_seqscan = on;

select ledger.create_record_function('llm_usage_log', same_firm => '{cma_project_id}',
  prepare => 'ledger.price_events', settle => 'ledger.charge_budgets',
  warnings => '{
    "unpriced": "d.cost_source = ''unpriced''",
    "partly_unpriced": "d.cost_source = ''computed'' and d.cost_is_floor",
    "cost_differs": "d.cost_differs"
  }');
select ledger.create_record_function('audit_log', actor => 'user_id');
select ledger.create_record_function('tool_usage_ledger');
select ledger.create_record_function('model_usage_log');

select ledger.accept_state('llm_usage_log');
select ledger.accept_state('audit_log');
select ledger.accept_state('tool_usage_ledger');
select ledger.accept_state('model_usage_log');
