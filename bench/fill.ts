/**
 * A year of four logs, made by SQL: skewed firms, batches whose rows share one
 * microsecond, late deliveries, rows stored in the order in which they arrived.
 *
 * @module
 */
import type postgres from "postgres";

/** The rows of a log are a multiple of this, because whole batches make them up. */
export const ROWS_STEP = 10_000;

/** How much of the past the logs cover, up to now. */
const MONTHS = 13;

/** The k-th firm is 1/k as busy as the first: from 22% of the rows down to 0.4%. */
const FIRMS = 50;

/** A firm that sent its last event half a year ago. */
const GONE_FIRM = 20;

const PARENTS = `
insert into public.firms (id, name)
  select md5('firm ' || f)::uuid, 'Firm ' || f from generate_series(1, ${FIRMS}) f on conflict do nothing;
insert into public.users (id, firm_id)
  select md5('user ' || f || ' ' || u)::uuid, md5('firm ' || f)::uuid
  from generate_series(1, ${FIRMS}) f, generate_series(1, 5) u on conflict do nothing;
insert into public.cma_projects (id, firm_id, name)
  select md5('project ' || f || ' ' || p)::uuid, md5('firm ' || f)::uuid, 'Project ' || p
  from generate_series(1, ${FIRMS}) f, generate_series(1, 20) p on conflict do nothing;
insert into public.agent_registry (id, name)
  select md5('agent ' || n)::uuid, 'Agent ' || n from generate_series(1, 40) n on conflict do nothing;
insert into public.tool_registry (id, name)
  select md5('tool ' || n)::uuid, 'Tool ' || n from generate_series(1, 30) n on conflict do nothing;
insert into public.ventures (id, name)
  select md5('venture ' || n)::uuid, 'Venture ' || n from generate_series(1, 25) n on conflict do nothing;
`;

/** A tenth of the rows comes alone, a fifth in batches of 1,000. One batch in 50 is late, by up to three days. */
const batches = (rows: number) => `
create temporary table batch as
with sized as (
  select size, now() - random() * interval '${MONTHS} months' as arrived
  from (values (1, 0.1), (10, 0.3), (100, 0.4), (1000, 0.2)) c (size, share),
    generate_series(1, (${rows} * share / size)::int)
), owned as (
  select size, arrived, ${draw(FIRMS)} as firm,
    arrived - case when random() < 0.02 then random() ^ 3 * interval '3 days' else '0' end as happened
  from sized
)
select size, arrived, happened, size = 1000 and random() < 0.5 as mixed,
  case when firm = ${GONE_FIRM} and arrived > now() - interval '6 months' then 1 else firm end as firm
from owned;
`;

/** The rows of each log, over the rows r of all batches: firm, time, n. */
const LOGS: Record<string, string> = {
  llm_usage_log: `
(firm_id, cma_project_id, model, task_type, input_tokens, output_tokens, cost_usd, latency_ms, success, error_message, created_at)
select md5('firm ' || firm)::uuid,
  case when random() < 0.8 then md5('project ' || firm || ' ' || ${
    draw(20)
  })::uuid end,
  'model-' || ${draw(12)},
  (array['extraction', 'classification', 'validation', 'fallback'])[${draw(4)}],
  (100 + random() ^ 3 * 20000)::int, (10 + random() ^ 3 * 2000)::int,
  (random() ^ 3 * 0.2)::numeric(10, 6), (200 + random() ^ 4 * 30000)::int,
  n % 50 <> 0, case when n % 50 = 0 then 'the provider answered 529: overloaded' end, time`,
  audit_log: `
(firm_id, user_id, action, entity_type, entity_id, metadata, ip_address, created_at)
select md5('firm ' || firm)::uuid, md5('user ' || firm || ' ' || ${
    draw(5)
  })::uuid,
  'action_' || ${draw(15)}, 'entity_' || ${draw(8)},
  md5('entity ' || firm || ' ' || (random() * 500)::int)::uuid,
  jsonb_build_object('document_count', n % 9, 'source', 'upload'),
  '203.0.113.' || n % 250, time`,
  tool_usage_ledger: `
(agent_id, venture_id, tool_id, tokens_consumed, cost_usd, execution_ms, created_at)
select md5('agent ' || ${draw(40)})::uuid,
  case when random() < 0.8 then md5('venture ' || ${draw(25)})::uuid end,
  md5('tool ' || ${draw(30)})::uuid,
  (random() ^ 3 * 5000)::int, (random() ^ 3 * 0.1)::numeric(10, 6), (5 + random() ^ 4 * 20000)::int, time`,
  model_usage_log: `
(session_id, sd_id, phase, subagent_type, subagent_configured_model, reported_model_name, reported_model_id, config_matches_reported, captured_at, metadata)
select 'session-' || n / 40, 'SD-' || n / 500, (array['EXEC', 'PLAN', 'LEAD', 'UNKNOWN'])[${
    draw(4)
  }],
  'subagent-' || ${draw(20)}, 'model-' || n % 7,
  'Model ' || n % 7, 'model-' || n % 7 || '-20260101', n % 30 <> 0, time, '{"source": "hook"}'`,
};

/** The names of the logs. */
export const LOG_NAMES = Object.keys(LOGS);

/** Creates the parents, and adds `rows` rows to each log; the connection's owner is a superuser. */
export async function fillLogs(
  sql: postgres.Sql,
  rows: number,
  logs: string[] = LOG_NAMES,
): Promise<void> {
  await sql.unsafe(PARENTS).simple();
  await sql.unsafe(`set session_replication_role = replica`);
  await sql.unsafe("select setseed(0.5)");
  for (const log of logs) {
    await sql.unsafe(`drop table if exists batch; ${batches(rows)}`).simple();
    // What refers to nothing is not made here, so the foreign keys need no check.
    await sql.unsafe(`insert into public.${log} ${LOGS[log]}
      from (
        select case when mixed then ${draw(FIRMS)} else firm end as firm,
          happened as time, row_number() over () as n
        from (select * from batch order by arrived) b, generate_series(1, b.size)
      ) r`);
  }
  await sql.unsafe("set session_replication_role = origin");
  await sql.unsafe(
    `vacuum (analyze) ${logs.map((log) => `public.${log}`)}`,
  );
}

/** SQL for a number from 1 to `count`, of which the k-th comes 1/k as often as the first. */
function draw(count: number): string {
  const weights = Array.from({ length: count }, (_, k) => 1 / (k + 1));
  const total = weights.reduce((sum, weight) => sum + weight);
  let upTo = 0;
  const bounds = weights.map((weight) => upTo += weight / total).slice(0, -1);
  return `(1 + width_bucket(random(), '{${bounds}}'::float8[]))`;
}
