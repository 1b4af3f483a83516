/**
 * Applies the migrations and seeds of a project, and records them as the Supabase CLI
 * does, so that each finds the other's migrations applied.
 */
import { getAuthSchemaSql } from "@supabase/lite";
import type { Database, SqlRunner } from "./database.ts";
import { StackError } from "./stack-error.ts";

/** A file of `supabase/migrations`, named `<version>_<name>.sql`. */
interface Migration {
  version: string;
  name: string;
  file: string;
}

/** The result of {@linkcode migrate}. */
export interface MigrateResult {
  /** Names of the newly applied migration files, in order. */
  applied: string[];
  /** Whether the seed ran: only on a database without migrations and tables. */
  seeded: boolean;
}

const MIGRATION_FILE = /^(\d+)_(.*)\.sql$/;
/** An arbitrary number that every stack uses. */
const MIGRATE_LOCK = 5432_1120;
/** Concurrent preparations of two databases on one server can conflict over roles. */
const PREPARE_ATTEMPTS = 5;
const CONCURRENT_UPDATE = "XX000";
/** The hash of a seed that a fresh database still needs. */
const SEED_PENDING = "pending";

// The Supabase CLI's statements, so that either may come first.
const HISTORY_TABLE = `
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
create table if not exists supabase_migrations.seed_files (path text not null primary key, hash text not null);
`;

/**
 * Prepares the platform's roles and schemas, applies the pending migrations in file
 * order, each in one transaction with its history row, and seeds a fresh database.
 *
 * @param supabaseDir The project's `supabase` folder.
 * @param seedPaths Seed files relative to `supabaseDir`; a missing one is skipped.
 * @throws {StackError} with the file that failed and Postgres's message.
 */
export async function migrate(
  database: Database,
  supabaseDir: string,
  seedPaths: string[],
): Promise<MigrateResult> {
  const apply = async () => {
    await preparePlatform(database);
    return await applyFiles(database, supabaseDir, seedPaths);
  };
  if (database.kind === "pglite") return await apply();
  return await database.transaction(async (lock) => {
    // This connection holds the lock while the files run on others, so that two stacks
    // over one database apply each file once.
    await lock.query("select pg_advisory_xact_lock($1)", [MIGRATE_LOCK]);
    return await apply();
  });
}

async function preparePlatform(database: Database): Promise<void> {
  for (const file of ["roles.sql", "platform.sql"]) {
    const script = await Deno.readTextFile(new URL(file, import.meta.url));
    for (let attempt = 1;; attempt++) {
      try {
        await database.run(script);
        break;
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        if (attempt < PREPARE_ATTEMPTS && code === CONCURRENT_UPDATE) continue;
        throw new StackError(
          `Cannot prepare the platform's roles and schemas (${file}): ${message}`,
        );
      }
    }
  }
}

async function applyFiles(
  database: Database,
  supabaseDir: string,
  seedPaths: string[],
): Promise<MigrateResult> {
  await database.run(HISTORY_TABLE);
  await createAuthTables(database);
  const applied = await readAppliedVersions(database);
  const pending = (await listMigrations(`${supabaseDir}/migrations`))
    .filter((migration) => !applied.has(migration.version));
  if (applied.size === 0 && !await hasTables(database)) {
    await markSeedsPending(database, seedPaths);
  }
  for (const migration of pending) {
    await applyMigration(database, `${supabaseDir}/migrations`, migration);
  }
  const seeded = await runPendingSeeds(database, supabaseDir);
  return { applied: pending.map((migration) => migration.file), seeded };
}

/** Whether the database has tables of a project, which a seed must not change. */
async function hasTables(database: Database): Promise<boolean> {
  const [{ found }] = await database.query<{ found: boolean }>(
    "select exists (select from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')) as found",
  );
  return found;
}

/** Creates the tables of `/auth/v1`, unless the database has them. */
async function createAuthTables(database: Database): Promise<void> {
  const [{ missing }] = await database.query<{ missing: boolean }>(
    "select to_regclass('auth.users') is null as missing",
  );
  if (missing) await database.run(getAuthSchemaSql());
}

async function readAppliedVersions(sql: SqlRunner): Promise<Set<string>> {
  const rows = await sql.query<{ version: string }>(
    "select version from supabase_migrations.schema_migrations",
  );
  return new Set(rows.map((row) => row.version));
}

async function listMigrations(folder: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  try {
    for await (const { name: file, isFile } of Deno.readDir(folder)) {
      const match = MIGRATION_FILE.exec(file);
      if (isFile && match) {
        migrations.push({ version: match[1], name: match[2], file });
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return migrations.sort((a, b) => a.file < b.file ? -1 : 1);
}

async function applyMigration(
  database: Database,
  folder: string,
  { version, name, file }: Migration,
): Promise<void> {
  const script = await Deno.readTextFile(`${folder}/${file}`);
  try {
    await database.transaction(async (sql) => {
      await sql.run(script);
      await sql.query(
        "insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, array[$2::text], $3)",
        [version, script, name],
      );
    });
  } catch (error) {
    throw new StackError(
      `Cannot apply migration ${file}: ${describeSqlError(error, script)}`,
    );
  }
}

/**
 * Marks the seeds of a fresh database as pending. The mark survives a failing
 * migration or seed, so the seed runs after the file is corrected.
 */
async function markSeedsPending(
  sql: SqlRunner,
  seedPaths: string[],
): Promise<void> {
  for (const path of seedPaths) {
    await sql.query(
      "insert into supabase_migrations.seed_files (path, hash) values ($1, $2) on conflict (path) do nothing",
      [seedKey(path), SEED_PENDING],
    );
  }
}

async function runPendingSeeds(
  database: Database,
  supabaseDir: string,
): Promise<boolean> {
  const pending = await database.query<{ path: string }>(
    "select path from supabase_migrations.seed_files where hash = $1 order by path",
    [SEED_PENDING],
  );
  let seeded = false;
  for (const { path } of pending) {
    const script = await readFileIfAny(`${supabaseDir}/../${path}`);
    if (script === undefined) continue;
    try {
      await database.transaction(async (sql) => {
        await sql.run(script);
        await sql.query(
          "update supabase_migrations.seed_files set hash = encode(sha256(convert_to($2, 'UTF8')), 'hex') where path = $1",
          [path, script],
        );
      });
    } catch (error) {
      throw new StackError(
        `Cannot apply seed ${path}: ${describeSqlError(error, script)}`,
      );
    }
    seeded = true;
  }
  return seeded;
}

/** The Supabase CLI's key of a seed: its path from the project's root. */
function seedKey(path: string): string {
  return `supabase/${path.replace(/^\.\//, "")}`;
}

async function readFileIfAny(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Postgres's message, with the line of the script. */
function describeSqlError(error: unknown, script: string): string {
  const { message, position } = error as {
    message: string;
    position?: string | number;
  };
  if (!position) return message;
  const line = script.slice(0, Number(position)).split("\n").length;
  return `${message} (line ${line})`;
}
