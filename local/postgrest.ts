/**
 * A PostgREST process on loopback, which serves `/rest/v1` as on the platform, over a
 * migrated database.
 */
import { freePort } from "./free-port.ts";
import { guardAgainstOrphan } from "./orphan-guard.ts";
import { StackError } from "./stack-error.ts";

/** The options of {@linkcode startPostgrest}. */
export interface PostgrestOptions {
  /** The program: a path, or a name to look up in PATH. */
  program: string;
  /** The URL's user must be a member of the API roles. */
  databaseUrl: string;
  /** Exposed schemas. */
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
  /** Name and version: `PostgREST 12.0.2`. */
  readonly name: string;
  readonly pid: number;
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** The HS256 secret of the tokens that it accepts. */
  readonly secret: Uint8Array;
  /** Ends the process. Idempotent. */
  close(): Promise<void>;
}

/** The timeouts of the start and of the end. */
const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 5_000;
const POLL_MS = 25;
/** Attempts to find free ports, which another process may take first. */
const PORT_ATTEMPTS = 5;
const SECRET_BYTES = 32;
/** The search path of every request, as on the platform. */
const EXTRA_SEARCH_PATH = "public,extensions";
/** The end of the log that is kept, and that is shown in messages. */
const LOG_TAIL_CHARS = 4_000;
const LOG_TAIL_LINES = 5;

/**
 * Starts PostgREST and resolves when it has read the schema. A random secret keeps
 * other users of the machine out.
 *
 * @throws {StackError} if the program is missing or does not start, with the end of its
 * log.
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
    const timer = setTimeout(() => send(child, "SIGKILL"), END_TIMEOUT_MS);
    await exited;
    await log.complete;
    clearTimeout(timer);
  };

  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!await isReady(adminPort)) {
    if (!ended && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      continue;
    }
    const problem = ended
      ? `${options.program} ended with exit code ${ended.code}`
      : `${options.program} was not ready in ${START_TIMEOUT_MS / 1000} s`;
    await close();
    throw new StackError(
      `Cannot start PostgREST: ${problem}: ${log.logTail()}`,
    );
  }
  void exited.then(() => {
    if (!closing) console.error(`PostgREST has ended: ${log.logTail()}`);
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
    // Settings in the database must not override these.
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
      // PGRST_ and PG variables of the caller would change the behaviour.
      clearEnv: true,
      env: Object.fromEntries([
        ["PATH", Deno.env.get("PATH") ?? ""],
        ...Object.entries(settings).map((
          [name, value],
        ) => [`PGRST_${name}`, value]),
      ]),
      // Ctrl-C must not reach it, because this process still has requests to finish.
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

/** Collects the end of the process's log. */
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
    logTail: () =>
      text.trim().split("\n").slice(-LOG_TAIL_LINES).join(" ") ||
      "its log is empty",
    complete: Promise.all([collect(child.stdout), collect(child.stderr)]),
  };
}

/** Whether it listens, is connected and has read the schema (`/ready`). */
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
    // The process has ended.
  }
}
