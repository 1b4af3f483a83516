/**
 * A year of llm_usage_log, made by SQL: skewed firms, batches whose rows share one
 * microsecond, late deliveries, rows stored in the order of their arrival.
 *
 * @module
 */
import type postgres from "postgres";

/** How much of the past the log covers, up to now. */
const MONTHS = 13;

/** The k-th firm is 1/k as busy as the first: from 22% of the rows down to 0.4%. */
const FIRMS = 50;

/** A firm that sent its last event half a year ago. */
const GONE_FIRM = 20;

const PARENTS = `
insert into public.firms (id, name)
  select md5('firm ' || f)::uuid, 'Firm ' || f from generate_series(1, ${FIRMS}) f on conflict do nothing;
insert into public.cma_projects (id, firm_id, name)
  select md5('project ' || f || ' ' || p)::uuid, md5('firm ' || f)::uuid, 'Project ' || p
  from generate_series(1, ${FIRMS}) f, generate_series(1, 20) p on conflict do nothing;
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

/** Columns and values of the log, from the rows of all batches: firm, time, n. */
const EVENTS = `
(firm_id, cma_project_id, model, task_type, input_tokens, output_tokens, cost_usd, latency_ms, success, error_message, created_at)
select md5('firm ' || firm)::uuid,
  case when random() < 0.8 then md5('project ' || firm || ' ' || ${
  draw(20)
})::uuid end,
  'model-' || ${draw(12)},
  (array['extraction', 'classification', 'validation', 'fallback'])[${draw(4)}],
  (100 + random() ^ 3 * 20000)::int, (10 + random() ^ 3 * 2000)::int,
  (random() ^ 3 * 0.2)::numeric(10, 6), (200 + random() ^ 4 * 30000)::int,
  n % 50 <> 0, case when n % 50 = 0 then 'the provider answered 529: overloaded' end, time`;

/** Adds rows, a multiple of 10,000, and the rows they refer to; `sql` is a superuser's. */
export async function fillUsageLog(
  sql: postgres.Sql,
  rows: number,
): Promise<void> {
  await sql.unsafe(PARENTS).simple();
  // Every reference exists, so the foreign keys need no check.
  await sql.unsafe(`set session_replication_role = replica`);
  await sql.unsafe("select setseed(0.5)");
  await sql.unsafe(`drop table if exists batch; ${batches(rows)}`).simple();
  await sql.unsafe(`insert into public.llm_usage_log ${EVENTS}
    from (
      select case when mixed then ${draw(FIRMS)} else firm end as firm,
        happened as time, row_number() over () as n
      from (select * from batch order by arrived) b, generate_series(1, b.size)
    ) r`);
  await sql.unsafe("set session_replication_role = origin");
  await sql.unsafe("vacuum (analyze) public.llm_usage_log");
}

/** SQL for a number from 1 to `count`, of which the k-th comes 1/k as often as the first. */
function draw(count: number): string {
  const weights = Array.from({ length: count }, (_, k) => 1 / (k + 1));
  const total = weights.reduce((sum, weight) => sum + weight);
  let upTo = 0;
  const bounds = weights.map((weight) => upTo += weight / total).slice(0, -1);
  return `(1 + width_bucket(random(), '{${bounds}}'::float8[]))`;
}
