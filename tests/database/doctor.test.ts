import { describe, expect, test } from "vitest";
import type { Finding } from "../../scripts/doctor.ts";
import { BREAKS } from "./broken-projects.ts";
import {
  applyMigrations,
  SERVER_ONLY,
  useDatabase,
} from "../support/databases.ts";
import { openOwnedDatabase } from "../support/owned-database.ts";

/** What projects grant on later tables, to their own roles too. */
const OLDER_PROJECT = `
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges grant all on tables to pg_monitor`;

describe.each(SERVER_ONLY)("ledger.doctor() on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  const examine = () =>
    db.query<Finding>('select * from ledger.doctor() order by "check", object');

  test("finds nothing in a project with the migrations", async () => {
    expect(await examine()).toEqual([]);
  });

  test("finds nothing in a project whose owner is no superuser", async () => {
    const owned = await openOwnedDatabase(engine);
    expect(await owned.query("select * from ledger.doctor()")).toEqual([]);
    await owned.attempt(
      "owner",
      "do $$ begin if exists (select from ledger.doctor()) then raise 'findings'; end if; end $$",
    );
    await owned.close();
  }, 30_000);

  test(
    "finds nothing in an older project, whose default grants the migrations revoke",
    async () => {
      const older = await engine.empty();
      await older.exec(OLDER_PROJECT);
      await applyMigrations(older);
      expect(await older.query("select * from ledger.doctor()")).toEqual([]);
      await older.close();
    },
    30_000,
  );

  test.each(BREAKS)("finds %s", async (_, sql, expected) => {
    await db.exec(`begin; ${sql}`);
    try {
      const findings = await examine();
      expect(
        findings.map(({ check, object, problem }) => [check, object, problem]),
      ).toEqual(
        expected.map(([check, object, problem]) => [
          check,
          expect.stringContaining(object),
          expect.stringContaining(problem),
        ]),
      );
      for (const { remedy } of findings) expect(remedy).not.toBe("");
    } finally {
      await db.exec("rollback");
    }
  });

  test.each([
    "guard",
    "policy",
    "grant",
    "owner",
    "row security",
    "rule",
    "trigger",
    "foreign key",
  ])(
    "gives a remedy for a %s that fixes it",
    async (check) => {
      const broken = BREAKS.filter(([, , found]) =>
        found.some(([kind]) => kind === check)
      );
      expect(broken).not.toEqual([]);
      for (const [name, sql] of broken) {
        await db.exec(`begin; ${sql}`);
        try {
          const findings = await db.query<Finding>(
            "select * from ledger.doctor()",
          );
          for (const finding of findings) {
            const [statements] = finding.remedy.split(". If it was meant: ");
            const runnable = /^(alter|create|drop|grant|revoke|select) /i;
            if (runnable.test(statements)) {
              await db.exec(statements);
            }
          }
          // What a guard was written for may have been mended after it.
          await db.exec(
            `select ledger.guard(log) from (select distinct log from ledger.accepted_state) l;
             select ledger.capture(log) from (
               select distinct log from ledger.accepted_state where object like 'capture\\_%') l`,
          );
          expect(await examine(), name).toEqual([]);
        } finally {
          await db.exec("rollback");
        }
      }
    },
  );

  test("accepts an intended change for the named log only", async () => {
    await db.exec(`begin;
      alter table audit_log add note text; alter table model_usage_log add note text;
      select ledger.capture('audit_log'), ledger.accept_state('audit_log')`);
    try {
      expect((await examine()).map(({ object }) => object)).toEqual([
        "public.model_usage_log.note",
      ]);
    } finally {
      await db.exec("rollback");
    }
  });
});
