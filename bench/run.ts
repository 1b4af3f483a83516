/**
 * `npm run bench`: measures the project against plain alternatives, and writes
 * bench/results.md. Parts that do not run keep their figures.
 *
 *     npm run bench [-- [--full] [part …]]
 */
import { StackError } from "../local/stack-error.ts";
import { readArguments, runCommand } from "../scripts/command-line.ts";

const RESULTS = new URL("results.md", import.meta.url);

const TITLE = `# Speed

Written by \`npm run bench\`, each part by the command below its title. Compare times
only within a table: its variants take turns, round by round, and each figure is the
median with its quartiles. Nothing waits for the disk, which costs both sides of a
comparison the same.
`;

/** A script, with the title and text above its figures. */
interface Part {
  title: string;
  args: string[];
  /** Takes minutes, so it runs with `--full` or by name only. */
  isLong?: boolean;
  text: string;
}

/** In the order of the page. */
const PARTS: Record<string, Part> = {
  endpoint: {
    title: "Endpoint",
    args: ["bench/endpoint.ts"],
    text: `A request to the endpoint, to a function that inserts the events with
supabase-js and checks nothing ([plain-functions.ts](plain-functions.ts)), and to the
REST API itself: an insert, as the plain function makes it, and a call of the record
function, as the endpoint makes it. All pass the same gateway into the same table, and
the functions run in the same way, after some hundred requests each. The stack is one
process, its clients are another, and PostgREST and PostgreSQL share the same two
cores. The endpoint stores a call of a model as two rows, with its details and its
cost; the plain function stores one, and "with details" is a plain function that
writes both. Another REST API than PostgREST takes six more statements for a call than
for an insert.`,
  },
  sql: {
    title: "Record functions and replays",
    args: ["bench/sql.ts"],
    text:
      `Calls of the record functions in the database, against one prepared INSERT
and against COPY from a file on the server, into the same table with its indexes,
foreign keys and triggers.`,
  },
  footprint: {
    title: "A function's process",
    args: ["bench/footprint.ts"],
    text:
      `Processor time, memory and start of a process that serves one function. The
platform allows a request two seconds of processor time. The template is
[the smallest function](template-function.ts) of @supabase/server. Memory is the
peak of the process, Deno itself included (the figure at the start). V8 collects
garbage late where there is room, so the goal is for one body, and for many with a
heap of 32 MiB.`,
  },
  evidence: {
    title: "Evidence",
    args: ["bench/evidence.ts"],
    isLong: true,
    text:
      `Writes to the log with the most committed columns: without the capture of
leaves, with it, and while a sealer runs every second; then sealing, and storage.`,
  },
  verify: {
    title: "Verifying",
    args: ["bench/verify.ts"],
    isLong: true,
    text: "Verifying an evidence bundle, against reading its lines.",
  },
  export: {
    title: "Exports",
    args: ["bench/export.ts"],
    isLong: true,
    text:
      `Memory and processor time of the process with the gateway and the functions,
and with REST unless that is PostgREST. The client reads as fast as it can.`,
  },
  growth: {
    title: "Growth",
    args: ["bench/growth.ts"],
    text:
      `Writes, pages and summaries in databases of each size. A summary reads the
rows that it sums. ![Curves](results/growth.svg)`,
  },
  "growth-full": {
    title: "Growth to ten million rows",
    args: ["bench/growth.ts", "--full"],
    isLong: true,
    text: "The same, with one size more. ![Curves](results/growth-full.svg)",
  },
};

const named = (isLong: boolean) =>
  Object.keys(PARTS).filter((name) => isLong === !!PARTS[name].isLong);

const USAGE = `\
Usage: npm run bench [-- [--full] [part …]]

Measures the project against plain alternatives, and writes bench/results.md.
Parts that do not run keep their figures.

  part    ${named(false).join(", ")} (all by default: six minutes);
          ${named(true).join(", ")}
  --full  run every part (20 minutes, 10 GB of disk)
  --help  show this text

Example: npm run bench -- endpoint evidence`;

await runCommand(USAGE, measure);

async function measure(args: string[]): Promise<void> {
  const parts = chooseParts(args).map((name) => PARTS[name]);
  const figures = await readFigures();
  for (const { title, args } of parts) {
    console.log(`\n## ${title}\n`);
    const output = await run(args);
    figures.set(title, `\`deno run -A ${args.join(" ")}\`: ${output.trim()}\n`);
    await writePage(figures);
  }
}

function chooseParts(args: string[]): string[] {
  const { flags: { full }, positionals } = readArguments(
    args,
    { full: { type: "boolean" } },
    Infinity,
  );
  const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) {
    throw new StackError(
      `Unknown part '${unknown}'; expected one of ${
        Object.keys(PARTS).join(", ")
      }`,
    );
  }
  if (positionals.length > 0) return positionals;
  return full ? Object.keys(PARTS) : named(false);
}

/** The figures of each part on the page, by title: from the line with its command. */
async function readFigures(): Promise<Map<string, string>> {
  const page = await Deno.readTextFile(RESULTS).catch(() => "");
  return new Map(
    page.split(/^## /m).slice(1).map((section) => [
      section.slice(0, section.indexOf("\n")),
      section.slice(section.search(/^`deno run/m)).trim() + "\n",
    ]),
  );
}

async function writePage(figures: Map<string, string>): Promise<void> {
  const parts = Object.values(PARTS).filter(({ title }) => figures.has(title));
  const sections = parts.map(({ title, text }) =>
    `## ${title}\n\n${text}\n\n${figures.get(title)}`
  );
  await Deno.writeTextFile(RESULTS, [TITLE, ...sections].join("\n"));
}

/** Runs a script, shows its output, and returns it. */
async function run(args: string[]): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...args],
    cwd: new URL("..", import.meta.url),
    stdout: "piped",
  }).spawn();
  let output = "";
  const decoder = new TextDecoder();
  for await (const chunk of process.stdout) {
    await Deno.stdout.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  const { success } = await process.status;
  if (!success) {
    throw new StackError(`${args.join(" ")} failed; its error is above`);
  }
  return output;
}
