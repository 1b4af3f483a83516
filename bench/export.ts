/**
 * What an export costs the process that streams it: `deno run -A bench/export.ts`.
 * The same export of few rows and of many, from a stack in a process of its own,
 * read by a client as fast as it can. Linux only: memory is read from /proc.
 *
 * @module
 */
import postgres from "postgres";
import { SECRET_KEY } from "../local/keys.ts";
import { startPostgres } from "../local/postgres.ts";
import { printTable } from "./measure.ts";

const PORT = 54_987;
const ROWS = [10_000, 1_000_000];
const FORMATS = ["text/csv", "application/x-ndjson"];
const FIRM = "10000000-0000-4000-8000-000000000001";

const server = await startPostgres({ settings: { fsync: "off" } });
const stack = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "-A",
    new URL("../local/start.ts", import.meta.url).pathname,
    `--port=${PORT}`,
    `--database-url=${server.url}`,
  ],
  stdout: "piped",
}).spawn();

try {
  await untilPrinted(stack.stdout, "Ctrl-C");
  const sql = postgres(server.url, { max: 1 });
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
  await sql.end();
  printTable(
    `Exports of llm_usage_log (PostgreSQL 17, Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores)`,
    [
      "rows",
      "format",
      "MiB",
      "rows/s",
      "memory before",
      "peak",
      "processor time",
    ],
    table,
  );
} finally {
  stack.kill("SIGINT");
  await stack.status;
  await server.stop();
}

/** Reads one export to its end and counts its lines. */
async function measure(rows: number, format: string): Promise<string[]> {
  await Deno.writeTextFile(`/proc/${stack.pid}/clear_refs`, "5");
  const before = memory("VmRSS");
  const processor = processorSeconds();
  const start = performance.now();
  const response = await fetch(
    `http://127.0.0.1:${PORT}/functions/v1/llm-usage`,
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
  return [
    String(rows),
    format,
    (bytes / 2 ** 20).toFixed(0),
    (rows / seconds).toFixed(0),
    `${before} MiB`,
    `${memory("VmHWM")} MiB`,
    `${(processorSeconds() - processor).toFixed(1)} s`,
  ];
}

/** A figure of /proc/<pid>/status, in MiB. */
function memory(name: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${stack.pid}/status`);
  const [, kilobytes] = new RegExp(`${name}:\\s+(\\d+)`).exec(status)!;
  return Math.round(Number(kilobytes) / 1024);
}

/** User and system time so far (/proc/<pid>/stat, in hundredths of a second). */
function processorSeconds(): number {
  const stat = Deno.readTextFileSync(`/proc/${stack.pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function untilPrinted(
  stream: ReadableStream<Uint8Array>,
  wanted: string,
): Promise<void> {
  let text = "";
  for await (
    const chunk of stream.pipeThrough(new TextDecoderStream() as never)
  ) {
    text += chunk;
    if (text.includes(wanted)) return;
  }
  throw new Error(`the stack ended: ${text}`);
}
