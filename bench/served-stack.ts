import { relative } from "@std/path/relative.js";
import postgres from "postgres";
import { SECRET_KEY } from "../local/keys.ts";
import { startPostgres } from "../local/postgres.ts";
import { findPostgrest } from "../local/postgrest-program.ts";
import { WITHOUT_DISK } from "./machine.ts";

/**
 * The local stack in a process of its own, over a PostgreSQL 17 of its own. Its REST
 * is PostgREST, as on the platform, where npm has one for this machine.
 */
export interface ServedStack {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** The process with gateway and functions, and with REST unless that is PostgREST. */
  pid: number;
  /** What its REST is: `PostgREST 12.0.2`, or `@supabase/lite`. */
  rest: string;
  /** A connection to the database, as its superuser. */
  sql: postgres.Sql;
  /** Sends a body of JSON, as a service, and throws unless it is taken. */
  post(path: string, body: string): Promise<void>;
  stop(): Promise<void>;
}

const PROJECT = new URL("../", import.meta.url).pathname;

/** Starts it, with the plain functions as `plain-<name>` beside the project's. */
export async function serveStack(): Promise<ServedStack> {
  const server = await startPostgres({ settings: WITHOUT_DISK });
  const project = await makeProject();
  // Into a file: reading the functions' logs would take processor time from the clients.
  const output = `${project}/output.txt`;
  const stack = new Deno.Command("sh", {
    args: [
      "-c",
      `exec "$@" > ${output}`,
      "sh",
      Deno.execPath(),
      "run",
      "-A",
      `${PROJECT}scripts/start.ts`,
      "--port=0",
      `--database-url=${server.url}`,
      `--project-dir=${project}`,
      ...findPostgrest().program === undefined ? [] : ["--postgrest"],
    ],
  }).spawn();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  const stop = async () => {
    await sql.end();
    if (await isRunning(stack)) stack.kill("SIGINT");
    await stack.status;
    await server.stop();
    await Deno.remove(project, { recursive: true });
  };
  try {
    const text = await untilStarted(stack, output);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0];
    const rest = /^REST .*\((.+)\)$/m.exec(text)![1];
    const post = (path: string, body: string) => sendJson(url + path, body);
    return {
      url,
      pid: stack.pid,
      rest,
      sql,
      post,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** This project with the plain functions in its configuration, in a folder of its own. */
async function makeProject(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "ledger-functions-bench-" });
  await Deno.mkdir(`${folder}/supabase/functions`, { recursive: true });
  for (const name of ["migrations", "seed.sql", "prices.sql"]) {
    await Deno.symlink(
      `${PROJECT}supabase/${name}`,
      `${folder}/supabase/${name}`,
    );
  }
  // The functions may read the folders of their project only.
  await Deno.symlink(`${PROJECT}shared`, `${folder}/shared`);
  const entry = (path: string) =>
    relative(`${folder}/supabase`, `${PROJECT}${path}`);
  const blocks = [
    ...["audit", "llm-usage"].map((slug) =>
      block(slug, entry(`supabase/functions/${slug}/index.ts`))
    ),
    ...["audit", "llm-usage", "llm-usage-with-details"].map((name) =>
      block(`plain-${name}`, entry("bench/plain-functions.ts"))
    ),
  ];
  await Deno.writeTextFile(
    `${folder}/supabase/config.toml`,
    `[db.seed]\nsql_paths = ["./seed.sql", "./prices.sql"]\n${blocks.join("")}`,
  );
  return folder;
}

function block(slug: string, entrypoint: string): string {
  return `[functions.${slug}]\nverify_jwt = false\nentrypoint = "${entrypoint}"\n`;
}

/** The output of the stack up to its start. */
async function untilStarted(
  stack: Deno.ChildProcess,
  output: string,
): Promise<string> {
  for (;;) {
    const running = await isRunning(stack);
    const text = await Deno.readTextFile(output).catch(() => "");
    if (text.includes("Ctrl-C")) return text;
    if (!running) throw new Error(`the stack did not start: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function isRunning(process: Deno.ChildProcess): Promise<boolean> {
  return await Promise.race([
    process.status.then(() => false),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 0)),
  ]);
}

async function sendJson(url: string, body: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { apikey: SECRET_KEY, "content-type": "application/json" },
    body,
  });
  const answer = await response.text();
  if (!response.ok || response.status === 207) {
    throw new Error(`${url} answered ${response.status}: ${answer}`);
  }
}
