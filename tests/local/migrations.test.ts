import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Database,
  openPglite,
  openPostgres,
} from "../../local/database.ts";
import { migrate } from "../../local/migrations.ts";
import { createDatabase, startPostgres } from "../../local/postgres.ts";
import {
  makeProject,
  type ScratchProject,
} from "../support/scratch-project.ts";

// Starting databases takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const FIRST = `-- several statements; with a ';' in one
create table public.things (name text primary key);
insert into public.things values ('from;migration');
`;
const SECOND = "alter table public.things add column size int;";
const SEED = "insert into public.things values ('from seed');";
const SEED_PATHS = ["./seed.sql"];

type Server = Awaited<ReturnType<typeof startPostgres>>;

let server: Server;
const root = new URL("../..", import.meta.url).pathname;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** An empty database of the kind, and how to open it once more. */
async function makeDatabase(kind: "pglite" | "postgres") {
  if (kind === "pglite") return { open: () => openPglite() };
  const url = await createDatabase(server);
  return { open: () => openPostgres(url), url };
}

async function withDatabase(
  kind: "pglite" | "postgres",
  work: (database: Database, project: ScratchProject) => Promise<void>,
): Promise<void> {
  const database = await (await makeDatabase(kind)).open();
  const project = await makeProject({
    "migrations/20260101000000_first.sql": FIRST,
    "seed.sql": SEED,
  });
  try {
    await work(database, project);
  } finally {
    await database.close();
    await project.remove();
  }
}

const apply = (
  database: Database,
  project: ScratchProject,
  seedPaths = SEED_PATHS,
) => migrate(database, `${project.dir}/supabase`, seedPaths);

const names = (database: Database) =>
  database.query<{ name: string }>("select name from things order by name")
    .then((rows) => rows.map((row) => row.name));

for (const kind of ["pglite", "postgres"] as const) {
  describe(`migrations on ${kind}`, () => {
    test("are applied once, with the CLI's own record of them", () =>
      withDatabase(kind, async (database, project) => {
        expect(await apply(database, project)).toEqual({
          applied: ["20260101000000_first.sql"],
          seeded: true,
        });
        expect(
          await database.query(
            "select version, name, statements from supabase_migrations.schema_migrations",
          ),
        ).toEqual([{
          version: "20260101000000",
          name: "first",
          statements: [FIRST],
        }]);
        await project.write("migrations/20260102000000_second.sql", SECOND);
        expect(await apply(database, project)).toEqual({
          applied: ["20260102000000_second.sql"],
          seeded: false,
        });
        expect(await apply(database, project)).toEqual({
          applied: [],
          seeded: false,
        });
        expect(await names(database)).toEqual(["from seed", "from;migration"]);
      }));

    test("that fail leave nothing behind and are named with their line", () =>
      withDatabase(kind, async (database, project) => {
        await project.write(
          "migrations/20260102000000_bad.sql",
          "create table public.half (id int);\n\nselect nonsense;\n",
        );
        await expect(apply(database, project)).rejects.toThrow(
          /^Cannot apply migration 20260102000000_bad\.sql: .*nonsense.* \(line 3\)$/,
        );
        expect(await database.query("select to_regclass('half') as half"))
          .toEqual([{ half: null }]);
        expect(await names(database)).toEqual(["from;migration"]);
        await project.write("migrations/20260102000000_bad.sql", "select 1;");
        expect(await apply(database, project)).toEqual({
          applied: ["20260102000000_bad.sql"],
          seeded: true,
        });
      }));

    test("seed only a fresh database", () =>
      withDatabase(kind, async (database, project) => {
        await apply(database, project, []);
        expect(await apply(database, project)).toEqual({
          applied: [],
          seeded: false,
        });
        expect(await names(database)).toEqual(["from;migration"]);
      }));

    test("do not seed a database that has other tables", () =>
      withDatabase(kind, async (database, project) => {
        await database.run("create table public.firms (id int)");
        expect((await apply(database, project)).seeded).toBe(false);
        expect(await names(database)).toEqual(["from;migration"]);
      }));

    test("find the platform's roles, and new tables without grants", () =>
      withDatabase(kind, async (database, project) => {
        await apply(database, project);
        expect(
          await database.query(
            `select rolname, rolcanlogin, rolinherit, rolbypassrls from pg_roles
             where rolname in ('anon', 'authenticated', 'service_role', 'authenticator')
             order by rolname`,
          ),
        ).toEqual([
          ["anon", false, false, false],
          ["authenticated", false, false, false],
          ["authenticator", true, false, false],
          ["service_role", false, false, true],
        ].map(([rolname, rolcanlogin, rolinherit, rolbypassrls]) => ({
          rolname,
          rolcanlogin,
          rolinherit,
          rolbypassrls,
        })));
        expect(
          await database.query(
            `select role, has_table_privilege(role, 'things', 'select, insert, update, delete') as any
             from unnest(array['anon', 'authenticated', 'service_role']) as role`,
          ),
        )
          .toEqual(["anon", "authenticated", "service_role"]
            .map((role) => ({ role, any: false })));
      }));
  });
}

test("two stacks over one new database apply each migration once", async () => {
  const { open } = await makeDatabase("postgres");
  const project = await makeProject({
    "migrations/1_slow.sql": `select pg_sleep(0.2); ${FIRST}`,
    "seed.sql": SEED,
  });
  const databases = await Promise.all([open(), open(), open()]);
  const results = await Promise.all(
    databases.map((each) => apply(each, project)),
  );
  expect(results.flatMap((result) => result.applied)).toEqual(["1_slow.sql"]);
  expect(results.filter((result) => result.seeded)).toHaveLength(1);
  for (const database of databases) await database.close();
  await project.remove();
});

test("the stack and `supabase db push` recognize each other's migrations", async () => {
  for (const order of ["stack first", "CLI first"]) {
    const { open, url } = await makeDatabase("postgres");
    const project = await makeProject({
      "config.toml": 'project_id = "scratch"\n',
      "migrations/20260101000000_first.sql": FIRST,
    });
    const push = async () => {
      const { code, stdout, stderr } = await new Deno.Command(
        `${root}node_modules/.bin/supabase`,
        {
          args: [
            "db",
            "push",
            `--db-url=${url}?sslmode=disable`,
            "--yes",
            "--agent=no",
          ],
          cwd: project.dir,
          env: { DO_NOT_TRACK: "1", HOME: project.dir },
        },
      ).output();
      const text = new TextDecoder();
      const output = text.decode(stdout) + text.decode(stderr);
      expect([code, output]).toEqual([0, expect.any(String)]);
      return output;
    };
    const database = await open();
    if (order === "stack first") {
      await apply(database, project);
      expect(await push()).toContain("up to date");
    } else {
      expect(await push()).toContain("20260101000000_first.sql");
      expect((await apply(database, project)).applied).toEqual([]);
    }
    await database.close();
    await project.remove();
  }
});
