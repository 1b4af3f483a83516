import { TOOL_ID } from "./existing-databases.ts";

/**
 * Ways in which a project's tables can differ from their documents, on top of a
 * project that has all four logs.
 *
 * @module
 */

/** One difference. */
interface Difference {
  title: string;
  /** Makes the tables differ. */
  change: string;
  /** How the error has to name it: the object and the problem, one line each. */
  named: RegExp[];
  /** Gives the missing column a value, where the remedy leaves that to a person. */
  fill?: string;
}

/** Where a remedy wants values that only a person can know. */
export const TO_FILL = "/* give it a value in every row */";

const FKEY = "llm_usage_log_cma_project_id_fkey";

/** Replaces the key of llm_usage_log to its projects. */
const rekey = (definition: string) =>
  `alter table llm_usage_log drop constraint ${FKEY}, add constraint ${FKEY} foreign key (cma_project_id) ${definition};`;

/** Replaces model_usage_log and its rows by another relation of that name. */
const remake = (columns: string, rest = "") =>
  `drop table model_usage_log; create table model_usage_log (${columns}) ${rest};`;

const MODEL_USAGE_COLUMNS =
  `id uuid default gen_random_uuid(), session_id text, sd_id text,
  phase text constraint model_usage_log_phase_check check (phase in ('LEAD', 'PLAN', 'EXEC', 'UNKNOWN')),
  subagent_type text, subagent_configured_model text, reported_model_name text not null,
  reported_model_id text not null, config_matches_reported boolean, captured_at timestamptz default now(),
  metadata jsonb default '{}'`;

export const DIFFERENCES: Difference[] = [
  {
    title: "a missing column",
    change: "alter table audit_log drop column ip_address;",
    named: [/public\.audit_log\.ip_address is missing/],
  },
  {
    title: "a missing column with a default",
    change: "alter table llm_usage_log drop column success;",
    named: [/public\.llm_usage_log\.success is missing/],
  },
  {
    title: "a missing column that is required, of a table without rows",
    change: "alter table tool_usage_ledger drop column created_at;",
    named: [/public\.tool_usage_ledger\.created_at is missing/],
  },
  {
    title: "a missing column that is required and has no default",
    change: "alter table tool_usage_ledger drop column tool_id;",
    named: [
      /public\.tool_usage_ledger\.tool_id is missing/,
      /tool_usage_ledger_tool_id_fkey on public\.tool_usage_ledger is missing/,
    ],
    fill: `update tool_usage_ledger set tool_id = '${TOOL_ID}';`,
  },
  {
    title: "another type",
    change: "alter table llm_usage_log alter cost_usd type double precision;",
    named: [
      /public\.llm_usage_log\.cost_usd is of type double precision; the document says numeric\(10,6\)/,
    ],
  },
  {
    title: "another precision",
    change: "alter table llm_usage_log alter cost_usd type numeric(12, 6);",
    named: [/cost_usd is of type numeric\(12,6\)/],
  },
  {
    title: "a time without its zone",
    change: "alter table audit_log alter created_at type timestamp;",
    named: [/created_at is of type timestamp without time zone/],
  },
  {
    title: "a phase of another type, with its CHECK",
    change: "alter table model_usage_log alter phase type varchar(10);",
    named: [
      /public\.model_usage_log\.phase is of type character varying\(10\)/,
      /model_usage_log_phase_check on public\.model_usage_log is CHECK/,
    ],
  },
  {
    title: "a dropped NOT NULL",
    change: "alter table llm_usage_log alter model drop not null;",
    named: [
      /public\.llm_usage_log\.model takes NULL; the document says NOT NULL/,
    ],
  },
  {
    title: "an extra NOT NULL",
    change:
      "update audit_log set ip_address = '' where ip_address is null; alter table audit_log alter ip_address set not null;",
    named: [/public\.audit_log\.ip_address is NOT NULL/],
  },
  {
    title: "a missing default of the key",
    change: "alter table audit_log alter id drop default;",
    named: [/public\.audit_log\.id has no default/],
  },
  {
    title: "another default",
    change: "alter table llm_usage_log alter success set default false;",
    named: [
      /public\.llm_usage_log\.success has DEFAULT false; the document says DEFAULT true/,
    ],
  },
  {
    title: "a default where the document has none",
    change: "alter table llm_usage_log alter latency_ms set default 7;",
    named: [/public\.llm_usage_log\.latency_ms has DEFAULT 7/],
  },
  {
    title: "a key with another action",
    change: rekey("references cma_projects on delete cascade"),
    named: [new RegExp(`${FKEY} on public.llm_usage_log is FOREIGN KEY`)],
  },
  {
    title: "a key that sets a default",
    change: rekey("references cma_projects on delete set default"),
    named: [/SET DEFAULT/],
  },
  {
    title: "a key that follows its parent",
    change: rekey("references cma_projects on update cascade"),
    named: [/ON UPDATE/],
  },
  {
    title: "a key of another parent",
    change: `create table tenants (id uuid primary key);
      insert into tenants select id from cma_projects;
      ${rekey("references tenants on delete set null")}`,
    named: [/REFERENCES public\.tenants\(id\)/],
  },
  {
    title: "a missing key",
    change: `alter table llm_usage_log drop constraint ${FKEY};`,
    named: [new RegExp(`${FKEY} on public.llm_usage_log is missing`)],
  },
  {
    title: "a key that was not validated",
    change: rekey("references cma_projects on delete set null not valid"),
    named: [/NOT VALID/],
  },
  {
    title: "a key that can be deferred",
    change: rekey("references cma_projects on delete set null deferrable"),
    named: [/DEFERRABLE/],
  },
  {
    title: "a further key that empties a documented column",
    change: `create table sessions (id text primary key);
      insert into sessions select distinct session_id from model_usage_log where session_id is not null;
      alter table model_usage_log add foreign key (session_id) references sessions on delete set null;`,
    named: [/model_usage_log_session_id_fkey on public\.model_usage_log/],
  },
  {
    title: "a missing CHECK",
    change:
      "alter table model_usage_log drop constraint model_usage_log_phase_check;",
    named: [
      /model_usage_log_phase_check on public\.model_usage_log is missing/,
    ],
  },
  {
    title: "a CHECK of other values",
    change:
      `alter table model_usage_log drop constraint model_usage_log_phase_check,
        add constraint model_usage_log_phase_check
        check (phase in ('LEAD', 'PLAN', 'EXEC', 'UNKNOWN', 'REVIEW'));`,
    named: [/REVIEW/],
  },
  {
    title: "a CHECK of other values under another name",
    change:
      `alter table llm_usage_log drop constraint llm_usage_log_task_type_check,
        add constraint tasks check (task_type in ('extraction', 'classification', 'validation', 'fallback', 'chat'));`,
    named: [
      /llm_usage_log_task_type_check on public\.llm_usage_log is missing/,
    ],
  },
  {
    title: "no primary key",
    change: "alter table audit_log drop constraint audit_log_pkey;",
    named: [/audit_log_pkey on public\.audit_log is missing/],
  },
  {
    title: "a primary key of other columns",
    change:
      "alter table audit_log drop constraint audit_log_pkey, add primary key (id, firm_id);",
    named: [
      /audit_log_pkey on public\.audit_log is PRIMARY KEY \(id, firm_id\)/,
    ],
  },
  {
    title: "an unlogged table",
    change: "alter table audit_log set unlogged;",
    named: [/public\.audit_log is unlogged/],
  },
  {
    title: "a view in place of a log",
    change:
      "alter table audit_log rename to events; create view audit_log as select * from events;",
    named: [/public\.audit_log is not a plain table/],
  },
  {
    title: "a partitioned log",
    change: remake(
      `${MODEL_USAGE_COLUMNS}, primary key (id)`,
      "partition by hash (id)",
    ),
    named: [/public\.model_usage_log is not a plain table/],
  },
  {
    title: "a log that is a partition",
    change:
      `create table usages (like audit_log including all) partition by hash (id);
      alter table usages attach partition audit_log for values with (modulus 1, remainder 0);`,
    named: [/public\.audit_log/],
  },
  {
    title: "a log with a child",
    change: "create table child () inherits (audit_log);",
    named: [/public\.audit_log.* inherit/],
  },
  {
    title: "a log with a parent",
    change:
      "create table base (id uuid not null); alter table audit_log inherit base;",
    named: [/public\.audit_log.* inherit/],
  },
  {
    title: "a further column that is generated",
    change:
      "alter table audit_log add size int generated always as (length(action)) stored;",
    named: [/public\.audit_log .*generated column/],
  },
  {
    title: "a documented column that is generated",
    change: `alter table llm_usage_log drop column latency_ms,
        add latency_ms int generated always as (input_tokens * 2) stored;`,
    named: [/public\.llm_usage_log .*generated column/],
  },
  {
    title: "a further column that is required",
    change:
      "alter table audit_log add tenant text not null default 'x'; alter table audit_log alter tenant drop default;",
    named: [/public\.audit_log\.tenant is a further column/],
  },
  {
    title: "a further unique constraint",
    change:
      "alter table model_usage_log add constraint own_unique unique (id, session_id);",
    named: [/own_unique on public\.model_usage_log/],
  },
  {
    title: "a further unique index",
    change: "create unique index own_unique on audit_log (id, action);",
    named: [/own_unique on public\.audit_log/],
  },
  {
    title: "a parent without a key",
    change:
      "alter table agent_registry drop constraint agent_registry_pkey cascade;",
    named: [
      /public\.agent_registry has no unique key/,
      /tool_usage_ledger_agent_id_fkey on public\.tool_usage_ledger is missing/,
    ],
  },
  {
    title: "a parent without a key, whose name comes after that of its log",
    change: "alter table users drop constraint users_pkey cascade;",
    named: [
      /public\.users has no unique key/,
      /audit_log_user_id_fkey on public\.audit_log is missing/,
    ],
  },
  {
    title: "a parent with a key of another column",
    change:
      "alter table users drop constraint users_pkey cascade, add primary key (email);",
    named: [/public\.users has no unique key/, /audit_log_user_id_fkey/],
  },
  {
    title: "a parent without a firm",
    change: "alter table cma_projects drop column firm_id;",
    named: [/public\.cma_projects\.firm_id is missing/],
  },
  {
    title: "a parent with an id of another type",
    change: `drop table tool_usage_ledger; drop table ventures;
      create table ventures (id text primary key);`,
    named: [/public\.ventures\.id is of type text/],
  },
  {
    title: "a view in place of a parent",
    change:
      `drop table tool_usage_ledger; alter table ventures rename to businesses;
      create view ventures as select * from businesses;`,
    named: [/public\.ventures is not a plain table/],
  },
  {
    title: "a parent that is missing while its log is there",
    change: "delete from tool_usage_ledger; drop table ventures cascade;",
    named: [
      /tool_usage_ledger_venture_id_fkey on public\.tool_usage_ledger is missing/,
    ],
  },
  {
    title: "a parent that is missing, and that the log's rows refer to",
    change: "drop table cma_projects cascade;",
    named: [
      /llm_usage_log_cma_project_id_fkey on public\.llm_usage_log is missing/,
    ],
  },
  {
    title: "a fn_is_chairman that returns text",
    change: `drop function fn_is_chairman() cascade;
      create function fn_is_chairman() returns text language sql as 'select ''yes''';`,
    named: [/public\.fn_is_chairman\(\) .*text/],
  },
  {
    title: "a table that has the name of one of ours",
    change: "create table model_prices (id int);",
    named: [/public\.model_prices/],
  },
  {
    title: "a function that has the name of one of ours",
    change:
      `create function record_audit_log(note text) returns text language sql as 'select $1';
      create function list_log() returns int language sql as 'select 1';`,
    named: [/public\.record_audit_log/, /public\.list_log/],
  },
  {
    title: "types that have the names of tables of ours",
    change: `create type model_prices as enum ('high', 'low');
      create type llm_budgets as (firm_id uuid);`,
    named: [/public\.model_prices/, /public\.llm_budgets/],
  },
  {
    title: "an index that has the name of one of ours",
    change:
      "create index llm_usage_details_reservation_id_idx on audit_log (entity_type);",
    named: [/public\.llm_usage_details_reservation_id_idx/],
  },
  {
    title: "rules",
    change: `create rule no_update as on update to audit_log do instead nothing;
      create rule no_delete as on delete to audit_log do instead nothing;`,
    named: [
      /no_update on public\.audit_log is a rule/,
      /no_delete on public\.audit_log is a rule/,
    ],
  },
  {
    title: "triggers with the names of ours",
    change:
      `create function keep() returns trigger language plpgsql as 'begin return new; end';
      create trigger capture_insert before insert on audit_log for each row execute function keep();
      create trigger guard_before before update on model_usage_log for each row execute function keep();`,
    named: [
      /capture_insert on public\.audit_log is a trigger/,
      /guard_before on public\.model_usage_log is a trigger/,
    ],
  },
  {
    title: "a second key of a documented column with another action",
    change:
      "alter table llm_usage_log add constraint also foreign key (cma_project_id) references cma_projects on delete cascade;",
    named: [/also on public\.llm_usage_log is a further foreign key/],
  },
];
