import { type CliResult, runSupabase } from "../../../scripts/supabase-cli.ts";
import {
  createEmptyDatabase,
  overPostgres,
  type TestDatabase,
} from "../../support/databases.ts";

/**
 * A push with the Supabase CLI into a project that has tables already.
 *
 * @module
 */

/** A database of a PostgreSQL server, as a hosted project has it. */
export interface Project {
  /** Of the superuser. */
  url: string;
  /** The owner of everything, who is no superuser. */
  owner: TestDatabase;
  /** `supabase db push`, as the owner. */
  push(): Promise<CliResult>;
  close(): Promise<void>;
}

/** Makes a project with these tables. */
export async function createProject(script: string): Promise<Project> {
  const url = await createEmptyDatabase();
  const database = new URL(url).pathname.slice(1);
  const role = `owner_of_${database}`;
  const superuser = overPostgres(url);
  await superuser.exec(`
    create role ${role} login createrole createdb bypassrls;
    grant anon, authenticated, service_role to ${role} with admin option;
    alter database ${database} owner to ${role};
    alter schema public owner to ${role};
  `);
  const ownUrl = Object.assign(new URL(url), { username: role }).href;
  const owner = overPostgres(ownUrl);
  await owner.exec(script);
  return {
    url,
    owner,
    push: () =>
      runSupabase([
        "db",
        "push",
        "--yes",
        `--db-url=${ownUrl}?sslmode=disable`,
      ]),
    async close() {
      await owner.close();
      await superuser.exec(`
        reassign owned by ${role} to postgres;
        drop owned by ${role};
        drop role ${role};
      `);
      await superuser.close();
    },
  };
}
