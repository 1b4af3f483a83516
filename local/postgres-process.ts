/** The last characters of the server log that are kept for error messages. */
const LOG_TAIL_CHARS = 4_000;

/** How to start initdb and postgres. */
interface Program {
  /** The package's `native` folder. */
  native: string;
  /** The data directory. */
  dir: string;
  /** Undefined: as this process's own user. */
  user?: { uid: number; gid: number };
}

/** A running postmaster. */
export interface PostgresProcess {
  readonly pid: number;
  /** True once the postmaster has exited. */
  readonly ended: boolean;
  /** The end of its log. */
  log(): string;
  /**
   * Sends a signal and waits until the postmaster and all its children have ended;
   * false after `timeoutMs`. Does nothing if it has ended.
   */
  end(signal: "SIGINT" | "SIGKILL", timeoutMs: number): Promise<boolean>;
}

/** Creates a cluster in `dir`: superuser `postgres`, trust on loopback, UTF8. */
export async function runInitdb(program: Program): Promise<void> {
  const { success, stdout, stderr } = await command("initdb", program, [
    "--pgdata",
    program.dir,
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    // Unlike the C library's locales, the builtin provider is the same everywhere.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
  ], "piped").output();
  if (success) return;
  const text = new TextDecoder();
  throw new Error(
    `initdb could not create a cluster in ${program.dir}: ${
      (text.decode(stdout) + text.decode(stderr)).trim().slice(-LOG_TAIL_CHARS)
    }`,
  );
}

/** Starts the postmaster on 127.0.0.1 without Unix sockets; it may not be ready yet. */
export function spawnPostgres(
  program: Program & { port: number; settings: Record<string, string> },
): PostgresProcess {
  const settings: Record<string, string> = {
    timezone: "UTC",
    ...program.settings,
    listen_addresses: "127.0.0.1",
    port: String(program.port),
    unix_socket_directories: "",
  };
  const child = command("postgres", program, [
    "-D",
    program.dir,
    ...Object.entries(settings).flatMap((
      [name, value],
    ) => ["-c", `${name}=${value}`]),
  ], "null").spawn();

  let ended = false;
  let log = "";
  // Every process of the server holds this pipe, so it ends with the last of them.
  const drained = (async () => {
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) log = (log + text).slice(-LOG_TAIL_CHARS);
  })();
  const exited = child.status.then(() => {
    ended = true;
  });

  return {
    pid: child.pid,
    get ended() {
      return ended;
    },
    log: () => log,
    async end(signal, timeoutMs) {
      try {
        if (!ended) child.kill(signal);
      } catch {
        // It exited in the meantime.
      }
      return await within(timeoutMs, Promise.all([exited, drained]));
    },
  };
}

function command(
  name: "initdb" | "postgres",
  { native, user, dir }: Program,
  args: string[],
  stdout: "piped" | "null",
): Deno.Command {
  return new Deno.Command(`${native}/bin/${name}`, {
    args,
    // `user` may lack access to the current working directory.
    cwd: user ? "/" : dir,
    // LC_ALL and the PG variables of the caller would change the behaviour.
    clearEnv: true,
    stdin: "null",
    stdout,
    stderr: "piped",
    ...user,
  });
}

/** Whether `work` finished in time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
