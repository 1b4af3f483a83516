/**
 * A PostgREST of this process: the program that serves `/rest/v1` on the platform,
 * on loopback, over a database that has its migrations.
 */
import { freePort } from "./free-port.ts";
import { guardAgainstOrphan } from "./orphan-guard.ts";
import { StackError } from "./stack-error.ts";

/** What PostgREST is to serve. */
export interface PostgrestOptions {
  /** The program: a path, or a name to look up in PATH. */
  program: string;
  /** PostgREST logs in as this URL's user, who may take on the API roles. */
  databaseUrl: string;
  /** Schemas that it shows. */
  schemas: string[];
  /** Most rows in one answer. */
  maxRows: number;
  /** Most connections at once. */
  poolSize: number;
  /** Longest wait for a connection, in milliseconds. */
  maxWaitMs: number;
}

/** A running PostgREST. */
export interface Postgrest {
  /** What it calls itself: `PostgREST 12.0.2`. */
  readonly name: string;
  readonly pid: number;
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** It believes the claims of every token that is signed with this (HS256). */
  readonly secret: Uint8Array;
  /** Ends it; a second call does nothing. */
  close(): Promise<void>;
}

/** How long a start may take, and how long its end, before it counts as failed. */
const PATIENCE_MS = 30_000;
const END_PATIENCE_MS = 5_000;
const POLL_MS = 25;
/** How often free ports are looked for again when another process took one first. */
const PORT_ATTEMPTS = 5;
const SECRET_BYTES = 32;
/** Schemas that every request finds without their name, as the platform has it. */
const EXTRA_SEARCH_PATH = "public,extensions";
/** Characters of log kept in memory, and its last lines for a message. */
const LOG_TAIL_CHARS = 4_000;
const LOG_TAIL_LINES = 5;

/**
 * Starts PostgREST and resolves when it has read the schema. A random secret,
 * which is not disclosed, keeps other users of the machine out.
 *
 * @throws {StackError} when the program is missing or does not start; with its last words.
 */
export async function startPostgrest(
  options: PostgrestOptions,
): Promise<Postgrest> {
  for (let attempt = 1;; attempt++) {
    try {
      return await tryToStart(options);
    } catch (error) {
      const taken = error instanceof StackError &&
        error.message.includes("Address already in use");
      if (!taken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function tryToStart(options: PostgrestOptions): Promise<Postgrest> {
  const [port, adminPort] = [freePort(), freePort()];
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const child = spawn(options, { port, adminPort, secret });
  const log = keepTail(child);
  const dismissGuard = await guardAgainstOrphan(child.pid);

  let ended: Deno.CommandStatus | undefined;
  let closing = false;
  const exited = child.status.then(async (status) => {
    ended = status;
    await dismissGuard();
  });
  const close = async () => {
    closing = true;
    send(child, "SIGTERM");
    const timer = setTimeout(() => send(child, "SIGKILL"), END_PATIENCE_MS);
    await exited;
    await log.complete;
    clearTimeout(timer);
  };

  const deadline = Date.now() + PATIENCE_MS;
  while (!await isReady(adminPort)) {
    if (!ended && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      continue;
    }
    const problem = ended
      ? `${options.program} ended with exit code ${ended.code}`
      : `${options.program} was not ready in ${PATIENCE_MS / 1000} s`;
    await close();
    throw new StackError(
      `Cannot start PostgREST: ${problem}: ${log.lastWords()}`,
    );
  }
  void exited.then(() => {
    if (!closing) console.error(`PostgREST has ended: ${log.lastWords()}`);
  });
  return {
    name: log.name(),
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    secret,
    close,
  };
}

function spawn(
  { program, databaseUrl, schemas, maxRows, poolSize, maxWaitMs }:
    PostgrestOptions,
  own: { port: number; adminPort: number; secret: Uint8Array },
): ReturnType<Deno.Command["spawn"]> {
  const settings: Record<string, string> = {
    DB_URI: databaseUrl,
    DB_SCHEMAS: schemas.join(","),
    DB_EXTRA_SEARCH_PATH: EXTRA_SEARCH_PATH,
    DB_ANON_ROLE: "anon",
    DB_MAX_ROWS: String(maxRows),
    DB_POOL: String(poolSize),
    DB_POOL_ACQUISITION_TIMEOUT: String(Math.ceil(maxWaitMs / 1000)),
    // What is set here holds, whatever the database says.
    DB_CONFIG: "false",
    JWT_SECRET: own.secret.toBase64(),
    JWT_SECRET_IS_BASE64: "true",
    SERVER_HOST: "127.0.0.1",
    SERVER_PORT: String(own.port),
    ADMIN_SERVER_PORT: String(own.adminPort),
    LOG_LEVEL: "error",
  };
  try {
    return new Deno.Command(program, {
      // PGRST_ and PG variables of the caller would change what it does.
      clearEnv: true,
      env: Object.fromEntries([
        ["PATH", Deno.env.get("PATH") ?? ""],
        ...Object.entries(settings).map((
          [name, value],
        ) => [`PGRST_${name}`, value]),
      ]),
      // Ctrl-C in a terminal is for this process, which still has requests to finish.
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new StackError(
      `Cannot start PostgREST: cannot run ${program}: ${
        (error as Error).message
      }`,
    );
  }
}

/** Keeps the end of what the process says. */
function keepTail(child: Deno.ChildProcess) {
  let name = "PostgREST";
  let text = "";
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text = (text + part).slice(-LOG_TAIL_CHARS);
      name = /Starting (PostgREST [\w.-]*\w)/.exec(text)?.[1] ?? name;
    }
  };
  return {
    name: () => name,
    lastWords: () =>
      text.trim().split("\n").slice(-LOG_TAIL_LINES).join(" ") ||
      "it said nothing",
    complete: Promise.all([collect(child.stdout), collect(child.stderr)]),
  };
}

/** Whether it listens, is connected and has read the schema. */
async function isReady(adminPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/ready`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function send(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}
