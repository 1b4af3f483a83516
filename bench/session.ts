import postgres from "postgres";
import { installSupabaseRoles, startPostgres } from "../local/postgres.ts";
import { WITHOUT_DISK } from "./machine.ts";

const MIGRATIONS = new URL("../supabase/migrations/", import.meta.url);

/** A connection to a database with every migration, as its superuser. */
export interface Session {
  sql: postgres.Sql;
  stop(): Promise<void>;
}

/** Starts a PostgreSQL 17 for one session; its stop ends the server too. */
export async function startSession(): Promise<Session> {
  const server = await startPostgres({ settings: WITHOUT_DISK });
  try {
    const session = await openSession(server.url);
    return {
      sql: session.sql,
      stop: async () => {
        await session.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Adds the platform's roles, the migrations, the demo world and the price list to an empty database. */
export async function openSession(url: string): Promise<Session> {
  const sql = connect(url);
  try {
    await installSupabaseRoles(url);
    const names = [...Deno.readDirSync(MIGRATIONS)].map(({ name }) => name);
    for (const name of names.filter((name) => name.endsWith(".sql")).sort()) {
      const script = await Deno.readTextFile(new URL(name, MIGRATIONS));
      await sql.unsafe(`begin; ${script}; commit`).simple();
    }
    for (const name of ["seed.sql", "prices.sql"]) {
      const file = new URL(`../supabase/${name}`, import.meta.url);
      await sql.unsafe(await Deno.readTextFile(file)).simple();
    }
  } catch (error) {
    await sql.end();
    throw error;
  }
  return { sql, stop: () => sql.end() };
}

/** One connection that stays: statements of a transaction belong together. */
export function connect(url: string): postgres.Sql {
  return postgres(url, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    onnotice: () => {},
  });
}
