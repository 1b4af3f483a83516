/**
 * The cost of an export for the process that streams it: few rows and many, from a
 * stack in a process of its own. Linux only: memory is read from /proc.
 *
 *     deno run -A bench/export.ts
 */
import { SECRET_KEY } from "../local/keys.ts";
import { describeMachine, WITHOUT_DISK } from "./machine.ts";
import { printTable } from "./measure.ts";
import { memoryOf, processorTime, resetPeak } from "./process-figures.ts";
import { serveStack } from "./served-stack.ts";

const ROWS = [10_000, 1_000_000];
const FORMATS = ["text/csv", "application/x-ndjson"];
const FIRM = "10000000-0000-4000-8000-000000000001";

/** The peak of each format's first export, in MiB. */
const peaks: Record<string, number> = {};
const stack = await serveStack();
const { sql } = stack;
try {
  console.log(await describeMachine(sql, WITHOUT_DISK, stack.rest));
  const table: string[][] = [];
  let stored = 0;
  for (const rows of ROWS) {
    await sql`insert into public.llm_usage_log
      (firm_id, model, task_type, input_tokens, output_tokens, cost_usd, created_at)
      select ${FIRM}, 'gemini-2.0-flash', 'extraction', i, 80, 0.000124,
        now() - i * interval '1 second'
      from generate_series(${stored + 1}::int, ${rows}::int) i`;
    await sql`analyze public.llm_usage_log`;
    stored = rows;
    for (const format of FORMATS) table.push(await measure(rows, format));
  }
  printTable(
    "Exports of llm_usage_log",
    [
      "rows",
      "format",
      "MiB",
      "rows/s",
      "memory before",
      "peak",
      `to ${ROWS[0]} rows`,
      "processor time",
    ],
    table,
  );
} finally {
  await stack.stop();
}

/** Reads one export to its end and counts its lines. */
async function measure(rows: number, format: string): Promise<string[]> {
  resetPeak(stack.pid);
  const before = memoryOf(stack.pid, "VmRSS");
  const processor = processorTime(stack.pid);
  const start = performance.now();
  const response = await fetch(
    `${stack.url}/functions/v1/llm-usage`,
    { headers: { apikey: SECRET_KEY, accept: format } },
  );
  let bytes = 0;
  let lines = 0;
  for await (const chunk of response.body!) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) lines++;
  }
  const seconds = (performance.now() - start) / 1000;
  if (lines - (format === "text/csv" ? 1 : 0) !== rows) {
    throw new Error(`an export of ${rows} rows had ${lines} lines`);
  }
  const peak = memoryOf(stack.pid, "VmHWM");
  peaks[format] ??= peak;
  return [
    String(rows),
    format,
    (bytes / 2 ** 20).toFixed(0),
    (rows / seconds).toFixed(0),
    `${before} MiB`,
    `${peak} MiB`,
    `×${(peak / peaks[format]).toFixed(2)}`,
    `${((processorTime(stack.pid) - processor) / 1000).toFixed(1)} s`,
  ];
}
