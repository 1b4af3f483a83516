/**
 * Processor time and memory of a process that serves one function, and the cold
 * start of a function, against the smallest function of @supabase/server. Linux only.
 *
 *     deno run -A bench/footprint.ts [--rounds <n>]
 */
import { parseArgs } from "node:util";
import { MAX_BODY_BYTES } from "../shared/limits.ts";
import { type FunctionServer, serveFunction } from "./function-server.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import { judge, printTable, show, toFigure } from "./measure.ts";
import { memoryOf, processorTime } from "./process-figures.ts";
import { makeBatch, type Sample, SAMPLES } from "./sample-events.ts";
import { type ServedStack, serveStack } from "./served-stack.ts";
import { printStarts } from "./starts.ts";

const { values } = parseArgs({ options: { rounds: { type: "string" } } });
const ROUNDS = Number(values.rounds ?? 25);
const EVENTS = 1_000;
/** Requests before processor time counts, and how many are told apart. */
const WARM_UP = 20;

/** What is garbage is kept for a while where there is room; this says how much is needed. */
const SMALL_HEAP = "--max-semi-space-size=2,--max-old-space-size=32";

const MAX_PROCESSOR_MS = 150;
const MAX_MEMORY_MIB = 128;

const stack = await serveStack();
try {
  console.log(await describeMachine(stack.sql, WITHOUT_DISK, stack.rest));
  const rows: string[][] = [];
  for (const sample of SAMPLES) rows.push(await measureWork(stack, sample));
  printTable(`A process that serves one function, ${EVENTS} events a request`, [
    "function",
    "processor time: first request",
    `after ${WARM_UP}: median [quartiles]`,
    `goal: under ${MAX_PROCESSOR_MS} ms`,
    "memory at the start",
    `most, after one body of ${MAX_BODY_BYTES / 2 ** 20} MiB`,
    `after ${ROUNDS} more`,
    "the same, heap kept small",
    `goal: under ${MAX_MEMORY_MIB} MiB`,
  ], rows);
  await printStarts(stack.url, SAMPLES.map(pathOf), Math.min(ROUNDS, 15));
} finally {
  await stack.stop();
}

function pathOf({ slug }: Sample): string {
  return `supabase/functions/${slug}/index.ts`;
}

async function measureWork({ url }: ServedStack, sample: Sample) {
  const server = await serveFunction(pathOf(sample), url);
  try {
    const atStart = memoryOf(server.pid, "VmRSS");
    const spend = async (body: string) => {
      const before = processorTime(server.pid);
      await requireRecorded(server, body);
      return processorTime(server.pid) - before;
    };
    const batch = () => JSON.stringify(makeBatch(sample, EVENTS));
    const first = await spend(batch());
    for (let n = 0; n < WARM_UP; n++) await spend(batch());
    const times: number[] = [];
    for (let n = 0; n < ROUNDS; n++) times.push(await spend(batch()));
    const figure = toFigure(times);
    const most = await measureMemory(url, sample);
    const least = await measureMemory(url, sample, SMALL_HEAP);
    return [
      sample.slug,
      `${first} ms`,
      show(figure),
      judge(Math.max(first, figure.median) < MAX_PROCESSOR_MS),
      `${atStart} MiB`,
      `${most.once} MiB`,
      `${most.often} MiB`,
      `${least.often} MiB`,
      judge(Math.max(most.once, least.often) < MAX_MEMORY_MIB),
    ];
  } finally {
    await server.stop();
  }
}

/** The most memory that a fresh process held after one largest body, and after many. */
async function measureMemory(url: string, sample: Sample, v8Flags?: string) {
  const server = await serveFunction(pathOf(sample), url, { v8Flags });
  try {
    const post = () => requireRecorded(server, pad(makeBatch(sample, EVENTS)));
    await post();
    const once = memoryOf(server.pid, "VmHWM");
    for (let n = 0; n < ROUNDS; n++) await post();
    return { once, often: memoryOf(server.pid, "VmHWM") };
  } finally {
    await server.stop();
  }
}

async function requireRecorded(server: FunctionServer, body: string) {
  const status = await server.post(body);
  if (status !== 201) throw new Error(`a batch was answered with ${status}`);
}

/** The same events in a body of nearly the largest size; white space is parsed like the rest. */
function pad(events: object[]): string {
  const body = JSON.stringify(events);
  const each = Math.floor((MAX_BODY_BYTES - body.length) / events.length);
  const space = " ".repeat(Math.max(0, each));
  return `[${events.map((one) => JSON.stringify(one) + space)}]`;
}
