/**
 * What pricing costs: batches of 1,000 usage events recorded with it and without,
 * in SQL and through the endpoint (HTTP, function, REST API, PostgreSQL 17). The
 * variants take turns within each round.
 *
 *     deno run -A bench/pricing.ts
 */
import postgres from "postgres";
import { createDatabase, startPostgres } from "../local/postgres.ts";
import { type Stack, startStack } from "../local/stack.ts";
import { alternate, printTable, ratio, show } from "./measure.ts";

const ROUNDS = 15;
const BATCH = 1_000;
const FIRM = "10000000-0000-4000-8000-000000000001";

// Without waiting for the disk, whose noise hides what is measured.
const SETTINGS = {
  autovacuum: "off",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
};

/** Takes pricing away: the log alone, written by the same generator. */
const WITHOUT_PRICING =
  `drop table public.llm_usage_details cascade; drop function public.record_llm_usage_log;
  select ledger.create_record_function('llm_usage_log', same_firm => '{cma_project_id}')`;

const BUDGET =
  `select public.set_llm_budget('${FIRM}', null, 1000000, '{50,100}', 'UTC')`;

type Sql = ReturnType<typeof postgres>;
/** A stack over a database of its own, and a connection to that. */
type World = { stack: Stack; sql: Sql };

/** What a batch looks like, by what the caller knows. */
const EVENTS = {
  reported: (event: object) => ({ ...event, cost_usd: "0.014574" }),
  tokens: (event: object) => ({ ...event, cache_read_tokens: 16_399 }),
  usage: ({ input_tokens, output_tokens, ...event }: Counts) => ({
    ...event,
    usage: {
      input_tokens: input_tokens - 16_399,
      cache_read_input_tokens: 16_399,
      output_tokens,
    },
  }),
};
type Counts = { input_tokens: number; output_tokens: number };

const server = await startPostgres({ settings: SETTINGS });
const worlds: World[] = [];
try {
  const bare = await openWorld(WITHOUT_PRICING);
  const priced = await openWorld("");
  const budgeted = await openWorld(BUDGET);
  const runs = [
    ["cost reported, no pricing", bare, EVENTS.reported, ""],
    ["cost reported", priced, EVENTS.reported, "anthropic"],
    ["cost computed from tokens", priced, EVENTS.tokens, "anthropic"],
    ["… provider implied by the model", priced, EVENTS.tokens, ""],
    ["… with a budget", budgeted, EVENTS.tokens, "anthropic"],
  ] as const;
  const usage = ["cost computed from usage", priced, EVENTS.usage, "anthropic"];
  await report(
    "record_llm_usage_log, 1,000 events",
    runs.map(([name, world, event, provider]) => ({
      name,
      run: () => recordInSql(world, makeBatch(event, provider)),
    })),
  );
  await report(
    "POST /llm-usage, 1,000 events",
    [...runs, usage as unknown as (typeof runs)[number]].map((
      [name, world, event, provider],
    ) => ({
      name,
      run: () => recordOverHttp(world, makeBatch(event, provider)),
    })),
  );
} finally {
  for (const { stack, sql } of worlds) {
    await sql.end();
    await stack.stop();
  }
  await server.stop();
}

async function openWorld(script: string): Promise<World> {
  const databaseUrl = await createDatabase(server);
  const stack = await startStack({ port: 0, databaseUrl });
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  worlds.push({ stack, sql });
  await sql.unsafe(script).simple();
  await sql.unsafe("analyze").simple();
  return worlds.at(-1)!;
}

function makeBatch(event: (event: Counts) => object, provider: string) {
  return Array.from({ length: BATCH }, (_, index) => ({
    id: crypto.randomUUID(),
    firm_id: FIRM,
    task_type: "extraction",
    model: ["claude-sonnet-4-5-20250929", "claude-haiku-4-5"][index % 2],
    ...provider && { provider },
    ...event({ input_tokens: 18_495 + index, output_tokens: 120 }),
  }));
}

async function recordInSql({ sql }: World, batch: object[]): Promise<void> {
  const [{ results }] = await sql`
    select public.record_llm_usage_log(${sql.json(batch as never)}) as results`;
  requireRecorded(results);
}

async function recordOverHttp({ stack }: World, batch: object[]) {
  const response = await fetch(`${stack.url}/functions/v1/llm-usage`, {
    method: "POST",
    headers: { apikey: stack.secretKey, "content-type": "application/json" },
    body: JSON.stringify(batch),
  });
  requireRecorded((await response.json()).results);
}

function requireRecorded(results: { outcome: string }[]): void {
  const recorded = results.filter(({ outcome }) => outcome === "recorded");
  if (recorded.length !== BATCH) throw new Error("a batch was not recorded");
}

/** Prints each run against the first. */
async function report(
  title: string,
  runs: { name: string; run: () => Promise<void> }[],
): Promise<void> {
  const figures = await alternate(runs.map(({ run }) => run), ROUNDS);
  printTable(
    title,
    ["", "median [quartiles]", "to the first"],
    figures.map((
      figure,
      index,
    ) => [runs[index].name, show(figure), ratio(figure, figures[0])]),
  );
}
