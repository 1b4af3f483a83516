import type { TestProject } from "vitest/node";
import { installSupabaseRoles, startPostgres } from "../../local/postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Of the run's one PostgreSQL server: database `postgres`, superuser. */
    postgresUrl: string;
    /** A directory for the run's files, removed at its end. */
    runDirectory: string;
  }
}

/**
 * Vitest global setup: one PostgreSQL 17 for the whole run, with the platform's
 * roles. Tests reach it with `inject("postgresUrl")`.
 */
export default async function setup(
  project: TestProject,
): Promise<() => Promise<void>> {
  const server = await startPostgres({
    // Nothing here outlives the run, so nothing needs to reach the disk.
    settings: { fsync: "off", synchronous_commit: "off" },
  });
  await installSupabaseRoles(server.url);
  const runDirectory = await Deno.makeTempDir({
    prefix: "ledger-functions-tests-",
  });
  const remove = () => Deno.removeSync(runDirectory, { recursive: true });
  // Ctrl-C ends the run without its teardown.
  addEventListener("unload", remove);
  project.provide("postgresUrl", server.url);
  project.provide("runDirectory", runDirectory);
  return async () => {
    removeEventListener("unload", remove);
    remove();
    await server.stop();
  };
}
