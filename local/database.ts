/**
 * The database behind the local stack: PGlite in this process, or any Postgres
 * by its URL. One connection object serves the migrations and the REST and auth
 * API, because a PGlite folder can be opened only once.
 */
import {
  createPgliteConnection,
  type PgliteConnection,
} from "@supabase/lite/pglite";
import type { PostgresConnection } from "@supabase/lite/postgres";
import type { Reservation } from "./kysely-dialect.ts";
import { createPostgresPool } from "./postgres-pool.ts";
import { StackError } from "./stack-error.ts";

/** Runs SQL: in the database, or in one open transaction. */
export interface SqlRunner {
  /** Runs a script of any number of statements, without parameters. */
  run(script: string): Promise<void>;
  /** Runs one statement with `$1`, `$2`, … and returns its rows. */
  query<Row>(statement: string, parameters?: unknown[]): Promise<Row[]>;
}

/** An open database. */
export interface Database extends SqlRunner {
  /** `pglite` has one connection, `postgres` a pool. */
  readonly kind: "pglite" | "postgres";
  /** The URL for functions; only a server has one. */
  readonly url?: string;
  /** The same database, for `@supabase/lite`. */
  readonly connection: PgliteConnection | PostgresConnection;
  /** Commits if `work` returns, rolls back and rethrows if it throws. */
  transaction<Result>(
    work: (sql: SqlRunner) => Promise<Result>,
  ): Promise<Result>;
  close(): Promise<void>;
}

/** The result of initdb, so that only the first database in memory waits for it. */
let emptyDatabase: Blob | undefined;

/**
 * Opens PGlite.
 *
 * @param folder The data folder; without it the database is in memory.
 */
export async function openPglite(folder?: string): Promise<Database> {
  if (folder) await createFolder(folder);
  const connection = await createPgliteConnection(
    folder
      ? { url: folder }
      : { pgliteOptions: { loadDataDir: emptyDatabase } },
  );
  const { driver } = connection;
  try {
    await driver.waitReady;
    if (!folder) emptyDatabase ??= await driver.dumpDataDir("none");
  } catch (error) {
    throw new StackError(
      `Cannot open the database in ${folder ?? "memory"}: ${reasonOf(error)}`,
    );
  }
  type Runner = Pick<typeof driver, "exec" | "query">;
  const over = (runner: Runner): SqlRunner => ({
    run: async (script) => void await runner.exec(script),
    query: async <Row>(statement: string, parameters: unknown[] = []) =>
      (await runner.query<Row>(statement, parameters)).rows,
  });
  useRequestRolesOnly(connection);
  return {
    kind: "pglite",
    connection,
    ...over(driver),
    transaction: (work) => driver.transaction((tx) => work(over(tx))),
    close: () => connection.close(),
  };
}

/**
 * Creates a new database in a temporary folder and renames that when it is complete,
 * so that a killed process does not leave an incomplete database.
 */
async function createFolder(folder: string): Promise<void> {
  try {
    await Deno.lstat(folder);
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const temporary = `${folder}.new`;
  await Deno.remove(temporary, { recursive: true }).catch(() => {});
  const connection = await createPgliteConnection({ url: temporary });
  await connection.driver.waitReady;
  await connection.close();
  await Deno.rename(temporary, folder);
}

/**
 * Opens a pool to a Postgres server and checks the connection.
 *
 * @throws {StackError} for an invalid URL or an unreachable server.
 */
export async function openPostgres(url: string): Promise<Database> {
  const shown = withoutPassword(url);
  const pool = createPostgresPool(url);
  const over = ({ unsafe }: Pick<Reservation, "unsafe">): SqlRunner => ({
    run: async (script) => void await unsafe(script),
    query: async <Row>(statement: string, parameters?: unknown[]) =>
      [...await unsafe(statement, parameters)] as Row[],
  });
  async function reserved<Result>(
    work: (reservation: Reservation) => Promise<Result>,
  ): Promise<Result> {
    const reservation = await pool.reserve();
    try {
      return await work(reservation);
    } finally {
      reservation.release();
    }
  }
  const direct = over({
    unsafe: (...statement) => reserved(({ unsafe }) => unsafe(...statement)),
  });
  try {
    await direct.query("select 1");
  } catch (error) {
    await pool.close();
    throw new StackError(
      `Cannot reach the database at ${shown}: ${reasonOf(error)}`,
    );
  }
  useRequestRolesOnly(pool.connection);
  return {
    kind: "postgres",
    url,
    connection: pool.connection,
    ...direct,
    transaction: (work) =>
      reserved(async ({ unsafe }) => {
        await unsafe("begin");
        try {
          const result = await work(over({ unsafe }));
          await unsafe("commit");
          return result;
        } catch (error) {
          await unsafe("rollback").catch(() => {});
          throw error;
        }
      }),
    close: pool.close,
  };
}

/**
 * Lite checks once whether any table has row security. If so, it grants ALL on every
 * table to the API roles, which would undo the migrations' grants; if not, it runs
 * requests as the owner. The platform does neither, so this sets the state in which
 * requests switch roles and nothing is granted.
 */
function useRequestRolesOnly(connection: object): void {
  const lite = connection as { rlsState?: string };
  if (lite.rlsState !== "unknown") {
    throw new StackError(
      `Cannot use this version of @supabase/lite: rlsState is ${lite.rlsState}, expected unknown`,
    );
  }
  lite.rlsState = "active";
}

/**
 * Host, port and database of a URL, for messages.
 *
 * @throws {StackError} if it is not the URL of a Postgres database.
 */
export function withoutPassword(url: string): string {
  const parsed = URL.parse(url);
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new StackError(
      "Cannot use the database URL: expected postgresql://user:password@host:port/database",
    );
  }
  return `${parsed.hostname}:${parsed.port || 5432}${parsed.pathname}`;
}

/** The reason in a few words: the error's message, or a code such as `ECONNREFUSED`. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
