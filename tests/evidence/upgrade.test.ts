import { describe, expect, test } from "vitest";
import {
  applyMigration,
  ENGINES,
  readMigrations,
} from "../database/databases.ts";
import { LOGS } from "../database/specification.ts";
import { makeWorld } from "../database/worlds.ts";
import { events, record } from "./events.ts";
import { expectOneLeaf, readLeaves, readSalts, sealAll } from "./leaves.ts";

describe.each(ENGINES)("evidence from before seeds on $name", (engine) => {
  test("verifies, is sealed and is forgotten like any other", async () => {
    const db = await engine.empty();
    try {
      const migrations = await readMigrations();
      const first = migrations.findIndex(({ name }) =>
        name.endsWith("_cheaper_capture.sql")
      );
      expect(first).toBeGreaterThan(0);
      for (const one of migrations.slice(0, first)) {
        await applyMigration(db, one);
      }
      const world = await makeWorld(db);
      const addEach = async () => {
        const ids: string[] = [];
        for (const log of LOGS) {
          const id = crypto.randomUUID();
          await record(db.query, log, [{ ...events(world)[log], id }]);
          ids.push(id);
        }
        return ids;
      };
      const sealed = await addEach();
      await sealAll(db);
      const pending = await addEach();
      for (const one of migrations.slice(first)) {
        await applyMigration(db, one);
      }
      const fresh = await addEach();
      const expectAll = async () => {
        for (const ids of [sealed, pending, fresh]) {
          for (const [at, log] of LOGS.entries()) {
            await expectOneLeaf(db.query, log, ids[at]);
          }
        }
      };
      await expectAll();
      await sealAll(db);
      await expectAll();

      const audit = LOGS.indexOf("audit_log");
      const ids = [sealed[audit], pending[audit], fresh[audit]];
      const before = await Promise.all(
        ids.map((id) => readSalts(db.query, "audit_log", id)),
      );
      await db.query("delete from public.users where id = $1", [world.user1]);
      for (const [at, id] of ids.entries()) {
        expect(await readSalts(db.query, "audit_log", id))
          .toEqual([null, ...before[at]!.slice(1)]);
        expect(await readLeaves(db.query, "audit_log", id))
          .toMatchObject([{ kind: "row" }, { kind: "fk-null" }]);
      }
    } finally {
      await db.close();
    }
  });
});
