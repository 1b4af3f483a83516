import { expect, test } from "vitest";
import {
  FIRST_DATABASE,
  FIRST_LOGS,
  FIRST_OTHERS,
  SECOND_DATABASE,
  TOOL_USAGE_ROWS,
} from "./existing-databases.ts";
import { DIFFERENCES } from "./differing-tables.ts";
import { createProject } from "./push.ts";
import { readCatalog, readRows } from "./snapshots.ts";

test("a push into different tables prints all differences, changes nothing, and succeeds after the remedies", async () => {
  const changes = DIFFERENCES.filter(({ title }) =>
    ["a missing column", "another type", "a key with another action"]
      .includes(title)
  );
  const project = await createProject(
    FIRST_DATABASE + SECOND_DATABASE +
      changes.map(({ change }) => change).join(""),
  );
  const { query, exec } = project.owner;
  const before = await readCatalog(query);
  const { code, stdout, stderr } = await project.push();
  expect(code).not.toBe(0);
  const output = stdout + stderr;
  for (const name of changes.flatMap(({ named }) => named)) {
    expect(output).toMatch(name);
  }
  expect(await readCatalog(query)).toEqual(before);
  expect(
    await query("select * from supabase_migrations.schema_migrations"),
  ).toEqual([]);

  const remedies = output.split("\n")
    .filter((line) => /^ {4}alter /.test(line))
    .map((line) => line.replace(/; \(SQLSTATE.*/, ";"));
  expect(remedies).toHaveLength(changes.length);
  await exec(remedies.join("\n"));
  const second = await project.push();
  expect(second.code, second.stderr).toBe(0);
  expect(await query("select * from ledger.doctor()")).toEqual([]);
  await project.close();
});

test("a push succeeds with a table that service_role may not read, and the doctor names it", async () => {
  const project = await createProject(
    FIRST_DATABASE + TOOL_USAGE_ROWS +
      "revoke all on ventures from service_role;",
  );
  const { query } = project.owner;
  const before = await readRows(query, [...FIRST_LOGS, ...FIRST_OTHERS]);
  const { code, stderr } = await project.push();
  expect(code, stderr).toBe(0);
  expect(await readRows(query, [...FIRST_LOGS, ...FIRST_OTHERS]))
    .toEqual(before);
  const findings = await query<{ object: string; remedy: string }>(
    "select object, remedy from ledger.doctor()",
  );
  expect(findings).toEqual([{
    object: "public.ventures",
    remedy: "grant select on public.ventures to service_role",
  }]);
  await project.owner.exec(findings[0].remedy);
  expect(await query("select * from ledger.doctor()")).toEqual([]);
  await project.close();
});
