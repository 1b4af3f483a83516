import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runDoctor } from "../../../scripts/doctor.ts";
import { FIRST_DATABASE, SECOND_DATABASE } from "./existing-databases.ts";
import { createProject, type Project } from "./push.ts";
import { readCatalog } from "./snapshots.ts";

let project: Project;
let printed: string[];
afterEach(async () => {
  vi.restoreAllMocks();
  await project.close();
});
beforeEach(() => {
  printed = [];
  for (const name of ["log", "error"] as const) {
    vi.spyOn(console, name).mockImplementation((line) => {
      printed.push(line);
    });
  }
});

/** Examines a project with these tables before the push; its catalog must stay as it is. */
async function examine(script: string): Promise<number> {
  project = await createProject(script);
  const before = await readCatalog(project.owner.query);
  const code = await runDoctor([
    "--database-url",
    project.url,
    "--before-install",
  ]);
  expect(await readCatalog(project.owner.query)).toEqual(before);
  return code;
}

test("the doctor lists what the push keeps, takes over, creates, adds and revokes", async () => {
  expect(await examine(FIRST_DATABASE)).toBe(0);
  expect(printed).toEqual(expect.arrayContaining([
    "keep: public.ventures: stays as it is",
    expect.stringMatching(
      /^take over: public\.model_usage_log: stays, with its 863 rows, which get evidence; becomes append-only/,
    ),
    expect.stringMatching(/^create: public\.audit_log: is created$/m),
    expect.stringMatching(
      /^add index: public\.tool_usage_ledger: .*\n {4}create index idx_tool_usage_ledger_created_at /,
    ),
    expect.stringMatching(
      /^revoke: public\.model_usage_log: .*\n {4}revoke .*update on public\.model_usage_log from anon, authenticated, service_role cascade;$/,
    ),
    "The push succeeds. Nothing was changed.",
  ]));
  const { code, stderr } = await project.push();
  expect(code, stderr).toBe(0);
});

test("the doctor lists row security, further columns and unreadable parents", async () => {
  expect(
    await examine(
      `${SECOND_DATABASE} alter table audit_log add column "Note" text;
        revoke all on firms from service_role;`,
    ),
  ).toBe(0);
  const lines = printed.join("\n");
  expect(lines).toMatch(/^enable row security: public\.audit_log: /m);
  expect(lines).toMatch(/^take over: public\.audit_log: .* keeps "Note", /m);
  expect(lines).toMatch(
    /^advise: public\.firms: .*\n {4}grant select on public\.firms to service_role;/m,
  );
});

test("the doctor predicts a refusal, with every difference and its remedy", async () => {
  expect(
    await examine(
      `${SECOND_DATABASE} alter table audit_log drop column ip_address;
        alter table llm_usage_log alter column model drop not null;`,
    ),
  ).toBe(1);
  const lines = printed.join("\n");
  expect(lines).toContain(
    "refuse: public.audit_log.ip_address: is missing\n    alter table public.audit_log add column ip_address text;",
  );
  expect(lines).toMatch(/^refuse: public\.llm_usage_log\.model: takes NULL/m);
  expect(printed.at(-1)).toBe(
    "The push is refused until you resolve 2 differences. Nothing was changed.",
  );
  expect((await project.push()).code).not.toBe(0);
});

test("the doctor refuses a database that has the migrations", async () => {
  project = await createProject("");
  expect((await project.push()).code).toBe(0);
  expect(
    await runDoctor(["--database-url", project.url, "--before-install"]),
  ).toBe(2);
  expect(printed).toEqual([
    expect.stringContaining("these migrations were applied already"),
  ]);
});
