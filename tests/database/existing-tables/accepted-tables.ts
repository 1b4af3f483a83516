/**
 * Accepted differences of a project's tables from their documents, on top of a
 * project that has all four logs.
 *
 * @module
 */

/** A difference and its SQL. */
export const ACCEPTED: { title: string; change: string }[] = [
  {
    title: "defaults in other words",
    change: `
      create schema extensions;
      grant usage on schema extensions to anon, authenticated, service_role;
      create function extensions.uuid_generate_v4() returns uuid language sql as 'select gen_random_uuid()';
      alter table audit_log alter id set default extensions.uuid_generate_v4(),
        alter created_at set default timezone('utc', now());
      alter table llm_usage_log alter created_at set default current_timestamp;
      alter table model_usage_log alter captured_at set default transaction_timestamp();`,
  },
  {
    title: "constraints and indexes of other names",
    change: `
      alter table audit_log rename constraint audit_log_pkey to events_pk;
      alter table audit_log rename constraint audit_log_user_id_fkey to events_user;
      alter table llm_usage_log rename constraint llm_usage_log_task_type_check to tasks;
      alter index idx_model_usage_sd rename to by_directive;`,
  },
  {
    title: "a CHECK with its values in another order",
    change: `
      alter table model_usage_log drop constraint model_usage_log_phase_check,
        add constraint phases check (phase in ('UNKNOWN', 'EXEC', 'LEAD', 'PLAN'));`,
  },
  {
    title: "further indexes, policies and CHECKs",
    change: `
      create index own_index on audit_log (entity_type) where action <> '';
      create index own_gin on audit_log using gin (metadata);
      create policy own_policy on llm_usage_log for select to authenticated using (cost_usd < 1);
      create policy own_restriction on model_usage_log as restrictive for select to anon using (phase <> 'LEAD');
      alter table llm_usage_log add constraint own_check check (input_tokens >= 0);`,
  },
  {
    title: "triggers of the project's own, whose functions have no settings",
    change: `
      create table notices (log text, id uuid);
      grant all on notices to anon, authenticated, service_role;
      create function notice() returns trigger language plpgsql as $$
        begin insert into notices values (tg_table_name, new.id); return null; end $$;
      create trigger notice after insert on audit_log for each row execute function notice();
      create trigger notice after insert on llm_usage_log for each row execute function notice();
      create trigger notice after insert on model_usage_log for each row execute function notice();
      create trigger notice after insert on tool_usage_ledger for each row execute function notice();`,
  },
  {
    title: "tables of the project's own that refer to a log",
    change: `
      create table llm_usage_notes (id uuid primary key references llm_usage_log (id) on delete cascade, note text);
      create table aa_notes (id uuid primary key references audit_log (id) on delete cascade, action text, note text);
      create table model_notes (id uuid primary key, usage_id uuid references model_usage_log (id));
      insert into aa_notes select id, 'noted' from audit_log limit 3;
      create view spending as select firm_id, sum(cost_usd) from llm_usage_log group by firm_id;`,
  },
  {
    title: "further columns",
    change: `
      create table teams (id uuid primary key);
      insert into teams values ('77000000-0000-4000-8000-000000000001');
      alter table audit_log add team_id uuid references teams on delete set null, add index int, add "Own note" text;
      alter table llm_usage_log add provider text, add service_tier text not null default 'own',
        add tags text[] not null default '{}', add team_id uuid references teams on delete set null;
      create sequence ticket;
      alter table tool_usage_ledger add ticket bigint not null default nextval('ticket'),
        add number bigint generated always as identity;
      alter table model_usage_log add provider text default 'theirs';
      update audit_log set team_id = '77000000-0000-4000-8000-000000000001', index = 7;
      update llm_usage_log set provider = 'own', team_id = '77000000-0000-4000-8000-000000000001';
      grant usage on sequence ticket to anon, authenticated, service_role;
      grant select, insert, update, delete on teams to service_role;`,
  },
  {
    title: "columns in another order",
    change: `
      alter table audit_log add action2 text;
      update audit_log set action2 = action;
      alter table audit_log drop column action;
      alter table audit_log rename column action2 to action;
      alter table audit_log alter action set not null;
      create index on audit_log (action);`,
  },
  {
    title: "a parent that is partitioned, and parents of their own keys",
    change: `
      alter table tool_usage_ledger drop constraint tool_usage_ledger_venture_id_fkey;
      alter table ventures rename to old_ventures;
      create table ventures (id uuid primary key, title text) partition by hash (id);
      create table ventures0 partition of ventures for values with (modulus 1, remainder 0);
      insert into ventures select id, title from old_ventures;
      alter table tool_usage_ledger add foreign key (venture_id) references ventures;
      grant select on ventures to service_role;`,
  },
];
