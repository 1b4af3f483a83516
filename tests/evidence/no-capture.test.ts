import { beforeEach, describe, expect, test } from "vitest";
import {
  createMigratedDatabase,
  ENGINES,
  overPostgres,
  useDatabase,
} from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";
import {
  addLlmUsage,
  addModelUsage,
  insertParents,
  useParents,
} from "../support/log-rows.ts";
import { events, record } from "./events.ts";
import {
  countEvidence,
  expectOneLeaf,
  readLeaves,
  untilWaiting,
} from "../support/evidence-leaves.ts";

describe.each(ENGINES)("no capture on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db);
  let before: unknown;
  beforeEach(async () => {
    before = await countEvidence(db.query);
  });

  const expectNothing = async () =>
    expect(await countEvidence(db.query)).toEqual(before);

  test.each(LOGS)(
    "of a transaction of %s that is rolled back",
    async (log) => {
      await db.exec("begin");
      await record(db.query, log, [{
        ...events(parents)[log],
        id: crypto.randomUUID(),
      }]);
      await db.exec("rollback");
      await expectNothing();
    },
  );

  test("of a savepoint that is rolled back, and capture of the rest of its transaction", async () => {
    const [first, undone, last] = [1, 2, 3].map(() => crypto.randomUUID());
    await db.exec("begin");
    await addModelUsage(db.query, { id: first });
    await db.exec("savepoint s");
    await addModelUsage(db.query, { id: undone });
    await db.exec("rollback to s");
    await addModelUsage(db.query, { id: last });
    await db.exec("commit");
    expect(await readLeaves(db.query, "model_usage_log", undone)).toEqual([]);
    for (const id of [first, last]) {
      await expectOneLeaf(db.query, "model_usage_log", id);
    }
  });

  test.each(LOGS)("of a conflict in %s", async (log) => {
    const event = { ...events(parents)[log], id: crypto.randomUUID() };
    await record(db.query, log, [event]);
    const after = await countEvidence(db.query);
    const other = log === "model_usage_log"
      ? { reported_model_id: "other" }
      : { cost_usd: "0.7", action: "other" };
    expect(await record(db.query, log, [{ ...event, ...other }])).toMatchObject(
      [{ outcome: "conflict" }],
    );
    expect(await countEvidence(db.query)).toEqual(after);
  });

  test("of an atomic batch with a rejection", async () => {
    const event = events(parents).llm_usage_log;
    const outcomes = await record(db.query, "llm_usage_log", [
      { ...event, id: crypto.randomUUID() },
      { ...event, id: crypto.randomUUID(), firm_id: crypto.randomUUID() },
    ], ", atomic => true");
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "aborted",
      "rejected",
    ]);
    await expectNothing();
  });

  test("of an event that a batch rejects", async () => {
    const event = events(parents).tool_usage_ledger;
    const outcomes = await record(db.query, "tool_usage_ledger", [
      { ...event, id: crypto.randomUUID() },
      { ...event, id: crypto.randomUUID(), agent_id: crypto.randomUUID() },
    ]);
    await expectOneLeaf(db.query, "tool_usage_ledger", outcomes[0].id);
    expect(await readLeaves(db.query, "tool_usage_ledger", outcomes[1].id))
      .toEqual([]);
  });

  test("of an INSERT that fails", async () => {
    await expect(addLlmUsage(db.query, {
      firm_id: parents.firm1,
      task_type: "no such task",
    })).rejects.toMatchObject({ code: "23514" });
    await expectNothing();
  });

  test("of an INSERT … ON CONFLICT DO UPDATE, which the guard refuses", async () => {
    const id = await addModelUsage(db.query);
    await expect(db.query(
      `insert into model_usage_log (id, reported_model_name, reported_model_id) values ($1, 'x', 'x')
          on conflict (id) do update set reported_model_id = 'y'`,
      [id],
    )).rejects.toMatchObject({ code: "42501" });
    await expectOneLeaf(db.query, "model_usage_log", id);
  });
});

describe("capture in the record function's second attempt on PostgreSQL 17", () => {
  test("writes one leaf for a recorded row, and none for a rejected one", async () => {
    const url = await createMigratedDatabase();
    const [db, other, watch] = [1, 2, 3].map(() => overPostgres(url));
    try {
      const w = await insertParents(db);
      const event = { action: "a", entity_type: "b" };
      const kept = { ...event, id: crypto.randomUUID(), firm_id: w.firm2 };
      const lost = { ...event, id: crypto.randomUUID(), firm_id: w.firm1 };
      await other.exec(`begin; delete from firms where id = '${w.firm1}'`);
      const recording = db.query<{ results: { outcome: string }[] }>(
        "select public.record_audit_log($1::text::jsonb) as results",
        [JSON.stringify([kept, lost])],
      );
      await untilWaiting(watch);
      await other.exec("commit");
      const [{ results }] = await recording;
      expect(results.map(({ outcome }) => outcome)).toEqual([
        "recorded",
        "rejected",
      ]);
      await expectOneLeaf(db.query, "audit_log", kept.id);
      expect(await readLeaves(db.query, "audit_log", lost.id)).toEqual([]);
    } finally {
      for (const one of [db, other, watch]) await one.close();
    }
  });
});
