import { beforeAll, expect, test } from "vitest";
import { runSupabase } from "../../scripts/supabase-cli.ts";
import { createEmptyDatabase, readMigrations } from "../support/databases.ts";
import exceptions from "../../supabase/advisor-exceptions.json" with {
  type: "json",
};

/** Reports indexes that no traffic has used, which means nothing without traffic. */
const TRAFFIC_LINT = "unused_index";

/** The part of the CLI's answers that the tests read. */
interface Finding {
  name: string;
  metadata: {
    schema?: string;
    name?: string;
    fkey_name?: string;
    policy_name?: string;
  };
}

let url: string;
let versions: string[];
beforeAll(async () => {
  url = await createEmptyDatabase();
  const migrations = await readMigrations();
  versions = migrations.map(({ name }) => name.split("_")[0]);
});

/** Runs a command that must succeed, against the test's database, and reads its JSON. */
async function run<Answer>(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await runSupabase([
    ...args,
    `--db-url=${url}?sslmode=disable`,
    "--output-format=json",
  ]);
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout);
}

// The tests build on each other: an empty database, then a migrated one.

test("the CLI pushes every migration to an empty database", async () => {
  const before = await run<{ migrations: { local: string; remote: string }[] }>(
    "migration",
    "list",
  );
  expect(before.migrations.map(({ local, remote }) => [local, remote]))
    .toEqual(versions.map((version) => [version, ""]));
  const push = await run<{ upToDate: boolean; migrations: unknown[] }>(
    "db",
    "push",
    "--yes",
  );
  expect(push.upToDate).toBe(false);
  expect(push.migrations).toHaveLength(versions.length);
});

test("a second push finds the database up to date", async () => {
  expect(await run("db", "push", "--yes")).toMatchObject({
    upToDate: true,
    migrations: [],
  });
});

test("the CLI lists every migration as applied", async () => {
  const { migrations } = await run<
    { migrations: { local: string; remote: string }[] }
  >("migration", "list");
  expect(migrations.map(({ local, remote }) => [local, remote]))
    .toEqual(versions.map((version) => [version, version]));
});

test("the advisors find what supabase/advisor-exceptions.json names, and nothing else", async () => {
  const { results } = await run<{ results: Finding[] }>(
    "db",
    "advisors",
    "--type=all",
    "--level=info",
  );
  // Every index of this database is unused, so its absence would mean a broken run.
  expect(results.map(({ name }) => name)).toContain(TRAFFIC_LINT);
  const findings = results.filter(({ name }) => name !== TRAFFIC_LINT)
    .map((
      { name, metadata: { schema, name: table, fkey_name, policy_name } },
    ) => ({
      name,
      object: [schema, table, fkey_name ?? policy_name].filter(Boolean).join(
        ".",
      ),
    }));
  expect(ordered(findings))
    .toEqual(ordered(exceptions.map(({ name, object }) => ({ name, object }))));
});

test("every exception from the advisors gives its reason", () => {
  for (const { reason } of exceptions) expect(reason).toMatch(/\w+ \w+/);
});

function ordered(findings: { name: string; object: string }[]) {
  return findings.map(({ name, object }) => `${name} ${object}`).sort();
}
