/**
 * `npm run bench`: measures the project's own path against what one would do
 * without it, and writes bench/results.md. It takes about six minutes.
 *
 *     npm run bench [-- [--full] [part …]]
 *
 * Parts that are not run keep their place and what was measured of them before.
 * `--full` adds growth to ten million rows.
 */
import { parseArgs } from "node:util";
import { printUsage } from "../scripts/command-line.ts";

const RESULTS = new URL("results.md", import.meta.url);

const TITLE = `# Speed

Written by \`npm run bench\`, each part by the command below its title. Times are
only good against the other times of the same table: what is compared takes turns,
round by round, and a figure is the median with its quartiles. Nothing waits for
the disk, whose share would be the same for both sides of every comparison.
`;

/** What is measured, in the order of the page. */
const PARTS: Record<string, { title: string; args: string[]; text: string }> = {
  endpoint: {
    title: "Endpoint",
    args: ["bench/endpoint.ts"],
    text:
      `A request to the endpoint, to a function that inserts what it gets with
supabase-js and checks nothing ([plain-functions](plain-functions)), and to the
REST API itself: an insert, as the plain function makes it, and a call of the record
function, as the endpoint makes it. All go through the same gateway into the same
table, and the functions through the same machinery, after some hundred requests
each; the stack is one process, its clients are another, and PostgREST and PostgreSQL
are on the same two cores. A call of a model is two rows here, with what it consists
of and what it costs, where the plain function keeps one: "with details" is a plain
function that writes both. Where the line below has another REST API than PostgREST,
that takes six more statements for a call than for an insert, which PostgREST does
not.`,
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
[the smallest function](template-function/index.ts) of @supabase/server. Memory is
what the process ever held, Deno itself included (the figure at the start). V8 does
not hurry to collect garbage where there is room, so the goal is for one body, and
for many with a heap of 32 MiB.`,
  },
  growth: {
    title: "Growth",
    args: ["bench/growth.ts"],
    text:
      `Writes, pages and summaries in databases of each size. What a summary reads
is the rows that it sums. ![Curves](results/growth.svg)`,
  },
  "growth-full": {
    title: "Growth to ten million rows",
    args: ["bench/growth.ts", "--full"],
    text:
      "The same, with one size more: `npm run bench -- --full`. ![Curves](results/growth-full.svg)",
  },
};

const USAGE = `\
Usage: npm run bench [-- [--full] [part …]]

Measures the project's own path against plain ones, and writes bench/results.md. It
takes about six minutes. Parts that are not run keep what was measured before.

  part    ${Object.keys(PARTS).join(", ")}
  --full  adds growth to ten million rows
  --help  show this text

Example: npm run bench -- endpoint sql`;

if (printUsage(Deno.args, USAGE)) Deno.exit(0);
const { values, positionals } = parseArgs({
  options: { full: { type: "boolean" } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`Wanted any of ${Object.keys(PARTS).join(", ")}`);
  Deno.exit(2);
}
const chosen = positionals.length > 0
  ? positionals
  : Object.keys(PARTS).filter((name) => name !== "growth-full" || values.full);

const sections = await readSections();
for (const name of chosen) {
  const { title, args, text } = PARTS[name];
  console.log(`\n## ${title}\n`);
  const output = await run(args);
  sections.set(
    title,
    `${text}\n\n\`deno run -A ${args.join(" ")}\`: ${output.trim()}\n`,
  );
  await writeSections(sections);
}

/** What the page has, by title. */
async function readSections(): Promise<Map<string, string>> {
  const page = await Deno.readTextFile(RESULTS).catch(() => "");
  return new Map(
    page.split(/^## /m).slice(1).map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end).trim() + "\n"];
    }),
  );
}

async function writeSections(sections: Map<string, string>): Promise<void> {
  const known = Object.values(PARTS).filter(({ title }) => sections.has(title));
  const page = known.map(({ title }) =>
    `## ${title}\n\n${sections.get(title)}`
  );
  await Deno.writeTextFile(RESULTS, [TITLE, ...page].join("\n"));
}

/** Runs a script, showing what it prints, and returns that. */
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
  if (!success) throw new Error(`${args.join(" ")} failed`);
  return output;
}
