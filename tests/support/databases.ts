import { PGlite } from "@electric-sql/pglite";
import postgres from "postgres";
import { afterAll, beforeAll, inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";

/**
 * A fresh database for a test file, on both engines: PGlite in this process, and
 * PostgreSQL 17, of which one server runs for the whole vitest run.
 *
 * @module
 */

const MIGRATIONS = new URL("../../supabase/migrations/", import.meta.url);
const ROLES = new URL("../../local/roles.sql", import.meta.url);

/** The database of the run's server that holds every migration, to be copied. */
const TEMPLATE = "migrated";
/** Any number will do: test files that make the template at once wait on it. */
const TEMPLATE_LOCK = 7_302_511;

/** Images of a PGlite with the platform's roles, and with every migration too, in the run's directory. */
const EMPTY_PGLITE = "empty-pglite.tar";
const MIGRATED_PGLITE = "migrated-pglite.tar";

/** Runs one statement with `$1`, `$2`, … and returns its rows. */
export type Query = <Row = Record<string, unknown>>(
  sql: string,
  params?: unknown[],
) => Promise<Row[]>;

/** The role of a request, as PostgREST sets it. */
export type ApiRole = "anon" | "authenticated" | "service_role";

/** An open database, as its owner and a superuser. */
export interface TestDatabase {
  query: Query;
  /** Runs a script of any number of statements. */
  exec(sql: string): Promise<void>;
  /**
   * Runs `work` as a request of `role` would run: in a transaction, with
   * `request.jwt.claims` set to the claims (unset when null, a string as it is).
   * Commits when `work` returns.
   */
  as<Result>(
    role: ApiRole,
    claims: Record<string, unknown> | string | null,
    work: (query: Query) => Promise<Result>,
  ): Promise<Result>;
  close(): Promise<void>;
}

/** One of the two engines. */
export interface Engine {
  name: "PGlite" | "PostgreSQL 17";
  /** A fresh database with the platform's roles and every migration. */
  migrated(): Promise<TestDatabase>;
  /** A fresh database with the platform's roles only. */
  empty(): Promise<TestDatabase>;
}

/** For `describe.each(ENGINES)("$name", (engine) => …)`. */
export const ENGINES: Engine[] = [
  {
    name: "PGlite",
    migrated: async () =>
      overPglite(
        await openImage(MIGRATED_PGLITE, async () => {
          const pglite = await openImage(EMPTY_PGLITE, makeEmptyPglite);
          await applyMigrations(overPglite(pglite));
          return pglite;
        }),
      ),
    empty: async () =>
      overPglite(await openImage(EMPTY_PGLITE, makeEmptyPglite)),
  },
  {
    name: "PostgreSQL 17",
    migrated: async () => overPostgres(await createMigratedDatabase()),
    empty: async () => overPostgres(await createEmptyDatabase()),
  },
];

/** For tests that take three times as long on PGlite and run the same SQL there. */
export const SERVER_ONLY = ENGINES.filter(({ name }) => name !== "PGlite");

/** A migration: its file name and its SQL. */
export interface Migration {
  name: string;
  sql: string;
}

/** Every migration of the project, in the order in which they are applied. */
export async function readMigrations(): Promise<Migration[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(MIGRATIONS)) {
    if (name.endsWith(".sql")) names.push(name);
  }
  return await Promise.all(
    names.sort().map(async (name) => ({
      name,
      sql: await Deno.readTextFile(new URL(name, MIGRATIONS)),
    })),
  );
}

/** Applies every migration to a database that has none, each in a transaction, as the CLI does. */
export async function applyMigrations(
  database: Pick<TestDatabase, "exec">,
): Promise<void> {
  for (const migration of await readMigrations()) {
    await applyMigration(database, migration);
  }
}

/** Applies one migration in a transaction; the error of a failing one names it. */
async function applyMigration(
  database: Pick<TestDatabase, "exec">,
  { name, sql }: Migration,
): Promise<void> {
  try {
    await database.exec(`begin; ${sql}\n; commit;`);
  } catch (error) {
    await database.exec("rollback");
    throw new Error(`Cannot apply ${name}: ${error}`, { cause: error });
  }
}

/** URL of a fresh database of the run's PostgreSQL server with every migration applied. */
export async function createMigratedDatabase(): Promise<string> {
  await makeTemplate();
  return await createDatabase(
    { url: inject("postgresUrl") },
    undefined,
    TEMPLATE,
  );
}

/** URL of a fresh database of the run's PostgreSQL server with nothing but the platform's roles. */
export async function createEmptyDatabase(): Promise<string> {
  const url = await createDatabase({ url: inject("postgresUrl") });
  await openSchemaToRoles(url);
  return url;
}

/** The rows of one statement of a request. */
export const queryAs = <Row = Record<string, unknown>>(
  db: TestDatabase,
  role: ApiRole,
  claims: Record<string, unknown> | string | null,
  sql: string,
  params?: unknown[],
): Promise<Row[]> => db.as(role, claims, (query) => query<Row>(sql, params));

/** A database that is open for the tests of one `describe`, from its `beforeAll` on. */
export function useDatabase<Database extends TestDatabase>(
  open: () => Promise<Database>,
): Database {
  const database = {} as Database;
  beforeAll(async () => void Object.assign(database, await open()));
  afterAll(() => database.close?.());
  return database;
}

/** Opens a separate connection to a PostgreSQL database. */
export function overPostgres(url: string): TestDatabase {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  type Runner = Pick<typeof sql, "unsafe">;
  const queryOver = (runner: Runner): Query =>
  async <Row>(
    text: string,
    params: unknown[] = [],
  ) => [...await runner.unsafe(text, params as never[])] as Row[];
  return {
    query: queryOver(sql),
    exec: async (script) => void await sql.unsafe(script).simple(),
    as: async (role, claims, work) => {
      const result = await sql.begin(async (transaction) => {
        const query = queryOver(transaction);
        await becomeRole(query, role, claims);
        return { value: await work(query) };
      });
      return result.value;
    },
    close: () => sql.end(),
  };
}

/**
 * Starting PGlite from nothing takes seconds, from an image a tenth of that: the
 * first database of the run leaves its image for the others.
 */
async function openImage(
  name: string,
  make: () => Promise<PGlite>,
): Promise<PGlite> {
  const path = `${inject("runDirectory")}/${name}`;
  const image = await Deno.readFile(path).catch(() => undefined);
  if (image) return await PGlite.create({ loadDataDir: new Blob([image]) });
  const pglite = await make();
  const made = await pglite.dumpDataDir("none");
  // Renamed when complete, because test files run side by side.
  const unfinished = `${path}-${crypto.randomUUID()}`;
  await Deno.writeFile(unfinished, made.stream());
  await Deno.rename(unfinished, path);
  return pglite;
}

async function makeEmptyPglite(): Promise<PGlite> {
  const pglite = await PGlite.create();
  await pglite.exec(await Deno.readTextFile(ROLES));
  return pglite;
}

function overPglite(pglite: PGlite): TestDatabase {
  const queryOver = (runner: Pick<PGlite, "query">): Query =>
  async <Row>(
    text: string,
    params: unknown[] = [],
  ) => (await runner.query<Row>(text, params)).rows;
  return {
    query: queryOver(pglite),
    exec: async (script) => void await pglite.exec(script),
    as: (role, claims, work) =>
      pglite.transaction(async (transaction) => {
        const query = queryOver(transaction as Pick<PGlite, "query">);
        await becomeRole(query, role, claims);
        return await work(query);
      }),
    close: () => pglite.close(),
  };
}

async function becomeRole(
  query: Query,
  role: ApiRole,
  claims: Record<string, unknown> | string | null,
): Promise<void> {
  if (claims !== null) {
    await query("select set_config('request.jwt.claims', $1, true)", [
      typeof claims === "string" ? claims : JSON.stringify(claims),
    ]);
  }
  await query(`set local role ${role}`);
}

/** Makes the template on first use in the run; a broken migration leaves none behind. */
async function makeTemplate(): Promise<void> {
  const server = overPostgres(inject("postgresUrl"));
  try {
    await server.query("select pg_advisory_lock($1)", [TEMPLATE_LOCK]);
    const found = await server.query(
      "select from pg_database where datname = $1",
      [TEMPLATE],
    );
    if (found.length > 0) return;
    const url = await createDatabase(
      { url: inject("postgresUrl") },
      `${TEMPLATE}_unfinished`,
    );
    try {
      await openSchemaToRoles(url);
      const database = overPostgres(url);
      await applyMigrations(database).finally(() => database.close());
      await server.exec(
        `alter database ${TEMPLATE}_unfinished rename to ${TEMPLATE}`,
      );
    } catch (error) {
      await server.exec(`drop database ${TEMPLATE}_unfinished with (force)`);
      throw error;
    }
  } finally {
    await server.close();
  }
}

/** The roles are the server's, but their right to use `public` is each database's. */
async function openSchemaToRoles(url: string): Promise<void> {
  const database = overPostgres(url);
  try {
    await database.exec(await Deno.readTextFile(ROLES));
  } finally {
    await database.close();
  }
}
