import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { runDoctor } from "../../scripts/doctor.ts";
import {
  readDefinitions,
  readMachinery,
} from "../../scripts/doctor/machinery.ts";
import {
  createMigratedDatabase,
  overPostgres,
  type TestDatabase,
} from "../support/databases.ts";
import { run } from "../support/command.ts";

describe("npm run doctor", () => {
  let url: string;
  let db: TestDatabase;
  beforeAll(async () => {
    url = await createMigratedDatabase();
    db = overPostgres(url);
  });
  afterAll(() => db.close());

  const doctor = (...args: string[]) => run("../scripts/doctor.ts", args);

  test("ends with 0 and one sentence without findings", async () => {
    expect(await doctor("--database-url", url)).toEqual({
      code: 0,
      stdout: "The logs are as the migrations made them: append-only\n",
      stderr: "",
    });
  });

  test("ends with 1 and one line per finding", async () => {
    await db.exec(
      "create rule r as on insert to audit_log do instead nothing; alter table model_usage_log disable row level security",
    );
    const { code, stdout, stderr } = await doctor("--database-url", url);
    await db.exec(
      "drop rule r on audit_log; alter table model_usage_log enable row level security",
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: "2 findings\n" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^rule: r on public\.audit_log: .*Remedy: drop rule r on public\.audit_log/,
    );
    expect(lines[1]).toMatch(
      /^row security: public\.model_usage_log: .*Remedy: alter table/,
    );
  });

  test("finds a doctor that was replaced by one without findings", async () => {
    await db.exec(`begin;
      create table original as select pg_get_functiondef('ledger.doctor()'::regprocedure) as definition;
      create or replace function ledger.doctor() returns table ("check" text, object text, problem text, remedy text)
        language sql stable set search_path = pg_catalog, pg_temp as 'select null, null, null, null where false';
      commit`);
    const { code, stdout } = await doctor("--database-url", url);
    await db.exec(
      "do $$ begin execute (select definition from original); end $$; drop table original",
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^machinery: ledger\.doctor: .*Remedy: [^\n]*\n$/);
  });

  test.each([
    ["without a URL", [], "expected --database-url"],
    ["with an unknown flag", ["--fix"], "--fix"],
    [
      "with an invalid URL",
      ["--database-url", "localhost"],
      "expected postgresql://",
    ],
    [
      "with an unreachable server",
      ["--database-url", "postgresql://postgres:hunter2@127.0.0.1:1/postgres"],
      "127.0.0.1:1/postgres: connect ECONNREFUSED",
    ],
  ])("ends with 2 and one sentence %s", async (_, args, sentence) => {
    const { code, stdout, stderr } = await doctor(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain("hunter2");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("ends with 2 on a database without the migrations", async () => {
    expect(await runDoctor(["--database-url", inject("postgresUrl")])).toBe(2);
  });

  test("ends with 2 as a role without the privileges", async () => {
    const guest = new URL(url);
    guest.username = "authenticator";
    expect(await runDoctor(["--database-url", guest.href])).toBe(2);
  });

  test("reads each function of the machinery from the schema, except those generated per log", () => {
    const bodies = readDefinitions(`
CREATE OR REPLACE FUNCTION public.a()
 RETURNS integer
 LANGUAGE sql
AS $function$ one $function$;

CREATE OR REPLACE FUNCTION ledger.a(b integer DEFAULT 1)
 RETURNS integer
 LANGUAGE sql
AS $functionx$ as $function$two$function$; $functionx$;

CREATE OR REPLACE FUNCTION ledger.guard_audit_log()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
-- Written by ledger.guard('audit_log') from the catalog: do not edit.
$function$;
`);
    expect([...bodies]).toEqual([
      ["ledger.a", " as $function$two$function$; "],
    ]);
  });

  test("compares every function of the machinery", async () => {
    const names = await db.query<{ name: string }>(
      `select 'ledger.' || proname as name from pg_proc
        where pronamespace = 'ledger'::regnamespace
          and proname !~ '^(guard|capture_(insert|update|delete))_(.*_log|.*_ledger|llm_.*|model_prices)$'
        order by 1`,
    );
    expect([...(await readMachinery()).keys()].sort())
      .toEqual(names.map(({ name }) => name).sort());
  });
});
