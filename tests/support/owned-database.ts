import {
  type ApiRole,
  applyMigrations,
  createEmptyDatabase,
  type Engine,
  overPostgres,
  type TestDatabase,
} from "./databases.ts";

/**
 * A migrated database as a hosted project has it: everything belongs to a role
 * that is no superuser, and the API roles arrive through `authenticator`.
 *
 * @module
 */

/** Stands for the hosted platform's `postgres`: BYPASSRLS, may turn on replica mode, no superuser. */
export const OWNER = "postgres_like";

/** Everyone whom the tests let loose on a log. */
export const ACTORS = [
  "anon",
  "authenticated",
  "service_role",
  "owner",
  "superuser",
] as const;
export type Actor = (typeof ACTORS)[number];

/** A migrated database that {@linkcode OWNER} owns. */
export interface OwnedDatabase extends TestDatabase {
  engine: Engine["name"];
  /**
   * Runs a script as the actor, in one transaction that is rolled back when a
   * statement of it fails. On PostgreSQL an actor's session is its own: it is not
   * a superuser's that has changed its role.
   */
  attempt(actor: Actor, script: string): Promise<void>;
  /**
   * Opens a new session of an API role, which has not resolved any name yet; PostgreSQL
   * only.
   */
  connect(role: ApiRole): Promise<TestDatabase>;
}

/** Makes a database with every migration applied by {@linkcode OWNER}. */
export async function openOwnedDatabase(
  engine: Engine,
): Promise<OwnedDatabase> {
  if (engine.name === "PGlite") {
    const database = await engine.empty();
    await migrateAsOwner(database);
    const attempt = (actor: Actor, script: string) =>
      runAtomically(
        database,
        actor === "superuser" ? "" : roleOf(actor),
        script,
      );
    const connect = () => Promise.reject(new Error("PGlite has one session"));
    return { ...database, engine: engine.name, attempt, connect };
  }

  const url = await createEmptyDatabase();
  const database = overPostgres(url);
  await migrateAsOwner(database);
  const sessions = new Map<string, TestDatabase>();
  const open = (user: string) => {
    const address = new URL(url);
    address.username = user;
    return overPostgres(address.href);
  };
  const sessionOf = (user: string) => {
    const session = sessions.get(user) ?? open(user);
    sessions.set(user, session);
    return session;
  };
  return {
    ...database,
    engine: engine.name,
    async attempt(actor, script) {
      if (actor === "superuser") {
        return await runAtomically(database, "", script);
      }
      if (actor === "owner") {
        return await runAtomically(sessionOf(OWNER), "", script);
      }
      await runAtomically(sessionOf("authenticator"), actor, script);
    },
    async connect(role) {
      const session = open("authenticator");
      await session.exec(`set role ${role}`);
      return session;
    },
    async close() {
      for (const session of sessions.values()) await session.close();
      await database.close();
    },
  };
}

function roleOf(actor: Actor): string {
  return actor === "owner" ? OWNER : actor;
}

async function runAtomically(
  database: TestDatabase,
  role: string,
  script: string,
): Promise<void> {
  const become = role && `set local role ${role};`;
  try {
    await database.exec(`begin; ${become} ${script}\n; commit;`);
  } catch (error) {
    await database.exec("rollback");
    throw error;
  } finally {
    await database.exec("discard temp; reset all; deallocate all");
  }
}

async function migrateAsOwner(database: TestDatabase): Promise<void> {
  await createOwner(database);
  await database.exec(`
    alter schema public owner to ${OWNER};
    do $$ begin execute format('grant create on database %I to ${OWNER}', current_database()); end $$;
    set role ${OWNER}`);
  await applyMigrations(database);
  await database.exec("reset role");
}

/** Roles are the whole server's: another test file may be making the same one. */
async function createOwner(database: TestDatabase): Promise<void> {
  for (let attempts = 0;; attempts++) {
    try {
      await database.exec(`do $$ begin
        if to_regrole('${OWNER}') is null then
          create role ${OWNER} login bypassrls nosuperuser;
        end if;
        if not pg_has_role('${OWNER}', 'service_role', 'member') then
          grant anon, authenticated, service_role to ${OWNER};
        end if;
        if not has_parameter_privilege('${OWNER}', 'session_replication_role', 'set') then
          grant set on parameter session_replication_role to ${OWNER};
        end if;
      end $$`);
      return;
    } catch (error) {
      if (attempts === 5) throw error;
    }
  }
}
