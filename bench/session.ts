import postgres from "postgres";
import { installSupabaseRoles, startPostgres } from "../local/postgres.ts";
import { WITHOUT_DISK } from "./machine.ts";

const MIGRATIONS = new URL("../supabase/migrations/", import.meta.url);

/** Who asks, as PostgREST sets it up. */
export interface Caller {
  /** For the tables. */
  name: string;
  role: "service_role" | "authenticated";
  claims: Record<string, unknown>;
}

/** One connection to a server of its own, as its superuser. */
export interface Session {
  sql: postgres.Sql;
  /** What the server has said since the list was last emptied. */
  notices: string[];
  /** Runs one statement and returns its rows. */
  // deno-lint-ignore no-explicit-any
  query(text: string, parameters?: any[]): Promise<any[]>;
  /**
   * Runs `work` in a transaction that is rolled back, as the caller; `before`
   * runs first, as the superuser.
   */
  as<Result>(
    caller: Caller,
    work: () => Promise<Result>,
    before?: string,
  ): Promise<Result>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL 17 with the platform's roles and every migration, and connects. */
export async function startSession(): Promise<Session> {
  const server = await startPostgres({ settings: WITHOUT_DISK });
  try {
    const session = await openSession(server.url);
    return {
      ...session,
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

/** Connects to an empty database as its superuser, after the platform's roles and every migration. */
export async function openSession(url: string): Promise<Session> {
  const notices: string[] = [];
  // One connection, so that statements of a transaction stay together.
  const sql = postgres(url, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    onnotice: ({ message }) => notices.push(message),
  });
  const session: Session = {
    sql,
    notices,
    query: async (text, parameters = []) => [
      ...await sql.unsafe(text, parameters),
    ],
    async as(caller, work, before = "") {
      await sql.unsafe(`begin; ${before}`).simple();
      try {
        await sql`select set_config('request.jwt.claims', ${
          JSON.stringify(caller.claims)
        }, true)`;
        await sql.unsafe(`set local role ${caller.role}`);
        return await work();
      } finally {
        await sql.unsafe("rollback");
      }
    },
    stop: () => sql.end(),
  };
  try {
    await installSupabaseRoles(url);
    for (const name of migrationNames()) {
      const script = await Deno.readTextFile(new URL(name, MIGRATIONS));
      await sql.unsafe(`begin; ${script}; commit`).simple();
    }
    await sql.unsafe("load 'auto_explain'");
  } catch (error) {
    await session.stop();
    throw error;
  }
  return session;
}

/** Adds the demo world and the price list, which {@linkcode openSession} leaves out. */
export async function loadSeeds({ sql }: Session): Promise<void> {
  for (const name of ["seed.sql", "prices.sql"]) {
    const file = new URL(`../supabase/${name}`, import.meta.url);
    await sql.unsafe(await Deno.readTextFile(file)).simple();
  }
}

function migrationNames(): string[] {
  return [...Deno.readDirSync(MIGRATIONS)].map(({ name }) => name)
    .filter((name) => name.endsWith(".sql")).sort();
}
