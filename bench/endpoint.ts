/**
 * A log's endpoint against the function that one would write instead, and against
 * inserting through the REST API: single events and batches, by one client and by
 * many. All go through the same gateway into the same table.
 *
 *     deno run -A bench/endpoint.ts [--rounds <n>]
 */
import { parseArgs } from "node:util";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import {
  alternate,
  type Figure,
  judge,
  printTable,
  ratio,
  ratioWithSpread,
  show,
  toFigure,
} from "./measure.ts";
import { makeBatch, type Sample, sampleOf } from "./sample-events.ts";
import { type ServedStack, serveStack } from "./served-stack.ts";

const { values } = parseArgs({ options: { rounds: { type: "string" } } });
const ROUNDS = Number(values.rounds ?? 5);
const TABLES = ["audit_log", "llm_usage_log"];
const CLIENTS = [1, 8, 32];
/** Events of a request → requests of a run, by the number of clients. */
const REQUESTS: Record<number, Record<number, number>> = {
  1: { 1: 40, 8: 128, 32: 128 },
  10: { 1: 30, 8: 96, 32: 96 },
  100: { 1: 10, 8: 32, 32: 32 },
  1_000: { 1: 3, 8: 16, 32: 32 },
};
/** A run of these takes seconds. */
const LONG = { events: 1_000, clients: 8, rounds: 2 };
/** Rows that are there before anything is measured. */
const FILLED = 20_000;
/** Requests that each way in has answered by then: code that ran before runs faster. */
const WARM_UP = 300;

const MAX_LATENCY = 1.25;
const MIN_THROUGHPUT = 0.9;

/** What happened at one way in, over all rounds but the first. */
type Load = { runs: Figure; latency: Figure };

const stack = await serveStack();
try {
  console.log(await describeMachine(stack.sql, WITHOUT_DISK, stack.rest));
  for (const table of TABLES) await measureLog(stack, sampleOf(table));
} finally {
  await stack.stop();
}

async function measureLog(stack: ServedStack, sample: Sample): Promise<void> {
  await fill(stack, sample);
  const rows: string[][] = [];
  for (const events of Object.keys(REQUESTS).map(Number)) {
    for (const clients of CLIENTS) {
      const loads = await measureLoads(stack, sample, events, clients);
      rows.push(describe(events, clients, loads));
    }
  }
  printTable(`${sample.table}: latency of a request`, [
    "events",
    "clients",
    "endpoint: median [quartiles]",
    "plain function",
    "REST, insert",
    "REST, record function",
    ...pathsOf(sample).length > 4 ? ["plain, with details"] : [],
    "to plain: latency",
    "throughput [quartiles]",
    ...pathsOf(sample).length > 4 ? ["to plain with details"] : [],
    "to REST's record function",
    "goal",
  ], rows);
}

/** Through the stack, so that plans are made as they are in production: for a table with rows. */
async function fill({ post, sql }: ServedStack, sample: Sample) {
  const functions = pathsOf(sample).slice(0, 2);
  for (let n = 0; n < FILLED; n += 1_000) {
    const path = functions[n / 1_000 % functions.length];
    await post(path, JSON.stringify(makeBatch(sample, 1_000)));
  }
  await sql`analyze`;
  for (let n = 0; n < WARM_UP; n++) {
    for (const path of pathsOf(sample)) await postTo(post, path, sample.make());
  }
}

/**
 * The endpoint, the plain function, and the REST API's two ways; for calls of models
 * also a plain function that keeps as much as the endpoint.
 */
function pathsOf({ slug, table }: Sample): string[] {
  return [
    `/functions/v1/${slug}`,
    `/functions/v1/plain-${slug}`,
    `/rest/v1/${table}`,
    `/rest/v1/rpc/record_${table}`,
    ...slug === "llm-usage"
      ? ["/functions/v1/plain-llm-usage-with-details"]
      : [],
  ];
}

/** Sends an event or a batch as the client of that way would. Resolves to milliseconds. */
async function postTo(
  post: ServedStack["post"],
  path: string,
  sent: Record<string, unknown> | Record<string, unknown>[],
): Promise<number> {
  const isCall = path.includes("/rpc/");
  const body = JSON.stringify(
    isCall ? { events: [sent].flat(), brief: Array.isArray(sent) } : sent,
  );
  const columns = isCall
    ? "?columns=events,brief"
    : path.startsWith("/rest/")
    ? nameColumns(sent)
    : "";
  const start = performance.now();
  await post(path + columns, body);
  return performance.now() - start;
}

async function measureLoads(
  { post }: ServedStack,
  sample: Sample,
  events: number,
  clients: number,
): Promise<Load[]> {
  const requests = REQUESTS[events][clients];
  const isLong = events >= LONG.events && clients >= LONG.clients;
  const rounds = isLong ? Math.min(LONG.rounds, ROUNDS) : ROUNDS;
  const paths = pathsOf(sample);
  const latencies = paths.map(() => [] as number[]);
  const runs = paths.map((path, index) => async () => {
    let left = requests;
    await Promise.all(Array.from({ length: clients }, async () => {
      while (left-- > 0) {
        const sent = events === 1 ? sample.make() : makeBatch(sample, events);
        latencies[index].push(await postTo(post, path, sent));
      }
    }));
  });
  const figures = await alternate(runs, rounds);
  return figures.map((runs, index) => ({
    runs,
    // The first round does not count.
    latency: toFigure(latencies[index].slice(requests)),
  }));
}

/** What supabase-js says of an array that it inserts, and the REST API then need not find out. */
function nameColumns(sent: object | object[]): string {
  if (!Array.isArray(sent)) return "";
  const columns = new Set(sent.flatMap((event) => Object.keys(event)));
  const quoted = [...columns].map((name) => `"${name}"`).join(",");
  return `?${new URLSearchParams({ columns: quoted })}`;
}

function describe(events: number, clients: number, loads: Load[]): string[] {
  const [endpoint, plain, , recording, detailed] = loads;
  return [
    String(events),
    String(clients),
    ...loads.map(({ latency }) => show(latency)),
    ratio(endpoint.latency, plain.latency),
    ratioWithSpread(plain.runs, endpoint.runs),
    ...detailed ? [ratio(endpoint.latency, detailed.latency)] : [],
    ratio(endpoint.latency, recording.latency),
    judgeLoad(events, clients, endpoint, plain),
  ];
}

/** Three goals: one event at a time, a thousand at a time, and many clients. */
function judgeLoad(
  events: number,
  clients: number,
  endpoint: Load,
  plain: Load,
): string {
  const latency = endpoint.latency.median / plain.latency.median;
  const throughput = plain.runs.median / endpoint.runs.median;
  if (clients === 32) {
    return `throughput at least ×${MIN_THROUGHPUT}: ${
      judge(throughput >= MIN_THROUGHPUT)
    }`;
  }
  if (clients === 1 && events === 1) {
    return `at most ×${MAX_LATENCY}: ${judge(latency <= MAX_LATENCY)}`;
  }
  if (clients === 1 && events === 1_000) {
    return `at most ×1: ${judge(latency <= 1)}`;
  }
  return "";
}
