import { describe, expect, test } from "vitest";
import type { LogName } from "../../shared/logs/index.ts";
import type { EventLeaf } from "../../shared/evidence/leaf.ts";
import { ENGINES, useDatabase } from "../support/databases.ts";
import { addAudit, addLlmUsage, useParents } from "../support/log-rows.ts";
import {
  countEvidence,
  expectedEventLeaf,
  expectOneLeaf,
  type KeptLeaf,
  leafNow,
  readLeaves,
  readSalts,
  sealAll,
} from "../support/evidence-leaves.ts";

/** A row's own leaf and its digest, as they were before a change. */
interface Recorded {
  leaf: KeptLeaf;
  digest: string;
}

const HIDDEN = expect.stringMatching(/^[0-9a-f]{32}$/);

describe.each(ENGINES)("evidence of referential actions on $name", (engine) => {
  const db = useDatabase(engine.migrated);
  const parents = useParents(db);

  const audit = (user_id: string, firm_id = parents.firm1) =>
    addAudit(db.query, {
      firm_id,
      user_id,
      entity_id: parents.project1,
      metadata: { count: 1 },
      ip_address: "192.0.2.1",
    });
  const llm = (cma_project_id: string, firm_id = parents.firm1) =>
    addLlmUsage(db.query, { firm_id, cma_project_id, error_message: "e" });
  const nulled = (log: LogName, id: string, column: string): EventLeaf => ({
    kind: "fk-null/v1",
    log,
    id,
    column,
  });
  const gone = (
    own: Map<string, Recorded>,
    log: LogName,
    id: string,
  ): EventLeaf => ({
    kind: "tombstone/v1",
    log,
    id,
    digest: own.get(id)!.digest,
  });

  /** The row's own leaf as it is now, for what has to follow it. */
  async function before(log: LogName, ids: string[]) {
    const leaves = new Map<string, Recorded>();
    for (const id of ids) {
      await expectOneLeaf(db.query, log, id);
      const [leaf] = await readLeaves(db.query, log, id);
      const { digest } = await leafNow(db, log, id);
      leaves.set(id, { leaf, digest });
    }
    return leaves;
  }

  /** Asserts that after the row's own leaf exactly these came. */
  async function expectAfter(
    own: Map<string, Recorded>,
    log: LogName,
    id: string,
    events: EventLeaf[],
  ) {
    expect(await readLeaves(db.query, log, id)).toEqual([
      own.get(id)!.leaf,
      ...events.map(expectedEventLeaf),
    ]);
  }

  test("a project's deletion adds a leaf per row, and deletes the salt of that column only", async () => {
    const [one, two, other] = [
      await llm(parents.project1),
      await llm(parents.project1),
      await llm(parents.project2, parents.firm2),
    ];
    const own = await before("llm_usage_log", [one, two, other]);
    await db.query("delete from cma_projects where id = $1", [
      parents.project1,
    ]);
    for (const id of [one, two]) {
      await expectAfter(own, "llm_usage_log", id, [
        nulled("llm_usage_log", id, "cma_project_id"),
      ]);
      expect(await readSalts(db.query, "llm_usage_log", id)).toEqual([
        null,
        HIDDEN,
      ]);
    }
    await expectOneLeaf(db.query, "llm_usage_log", other);
  });

  test("a user's deletion adds a leaf per row, and deletes the salt of user_id", async () => {
    const ids = [await audit(parents.user1), await audit(parents.user1)];
    const own = await before("audit_log", ids);
    await db.query("delete from users where id = $1", [parents.user1]);
    for (const id of ids) {
      await expectAfter(own, "audit_log", id, [
        nulled("audit_log", id, "user_id"),
      ]);
      expect(await readSalts(db.query, "audit_log", id)).toEqual([
        null,
        HIDDEN,
        HIDDEN,
        HIDDEN,
      ]);
    }
  });

  test("a row whose reference was NULL gets no leaf", async () => {
    const id = await addAudit(db.query, { firm_id: parents.firm1 });
    await audit(parents.user1);
    await db.query("delete from users where id = $1", [parents.user1]);
    await expectOneLeaf(db.query, "audit_log", id);
  });

  test("several parents in one statement add a leaf per row", async () => {
    const ids = [await audit(parents.user1), await audit(parents.user2)];
    const own = await before("audit_log", ids);
    await db.query("delete from users where id = any ($1)", [
      [parents.user1, parents.user2],
    ]);
    for (const id of ids) {
      await expectAfter(own, "audit_log", id, [
        nulled("audit_log", id, "user_id"),
      ]);
    }
  });

  test("several statements of one transaction add a leaf per row", async () => {
    const ids = [await audit(parents.user1), await audit(parents.user2)];
    const own = await before("audit_log", ids);
    await db.exec(
      `begin; delete from users where id = '${parents.user1}'; delete from users where id = '${parents.user2}'; commit`,
    );
    for (const id of ids) {
      await expectAfter(own, "audit_log", id, [
        nulled("audit_log", id, "user_id"),
      ]);
    }
  });

  test("parents of two logs in one statement add a leaf per row", async () => {
    const [a, l] = [await audit(parents.user1), await llm(parents.project1)];
    const own = new Map([
      ...await before("audit_log", [a]),
      ...await before("llm_usage_log", [l]),
    ]);
    await db.query(
      `with gone as (delete from users where id = $1) delete from cma_projects where id = $2`,
      [parents.user1, parents.project1],
    );
    await expectAfter(own, "audit_log", a, [nulled("audit_log", a, "user_id")]);
    await expectAfter(own, "llm_usage_log", l, [
      nulled("llm_usage_log", l, "cma_project_id"),
    ]);
  });

  test("a firm's deletion adds one tombstone per row, and deletes its salts", async () => {
    const [a, b, other] = [
      await addAudit(db.query, { firm_id: parents.firm1 }),
      await addAudit(db.query, { firm_id: parents.firm1 }),
      await audit(parents.user2, parents.firm2),
    ];
    const own = await before("audit_log", [a, b, other]);
    await db.query("delete from firms where id = $1", [parents.firm1]);
    for (const id of [a, b]) {
      await expectAfter(own, "audit_log", id, [gone(own, "audit_log", id)]);
      expect(await readSalts(db.query, "audit_log", id)).toEqual([]);
    }
    await expectOneLeaf(db.query, "audit_log", other);
  });

  test("a firm's deletion with its users and projects adds one tombstone per row", async () => {
    const [a, l] = [await audit(parents.user1), await llm(parents.project1)];
    const own = new Map([
      ...await before("audit_log", [a]),
      ...await before("llm_usage_log", [l]),
    ]);
    await db.query("delete from firms where id = $1", [parents.firm1]);
    for (
      const [log, id, column] of [
        ["audit_log", a, "user_id"],
        ["llm_usage_log", l, "cma_project_id"],
      ] as [LogName, string, string][]
    ) {
      const [first, ...events] = await readLeaves(db.query, log, id);
      expect(first).toEqual(own.get(id)!.leaf);
      // Which action comes first is the order of the foreign keys' triggers.
      const tombstone = expectedEventLeaf(gone(own, log, id));
      const loss = expectedEventLeaf(nulled(log, id, column));
      expect([[tombstone], [loss, tombstone], [tombstone, loss]])
        .toContainEqual(events);
      expect(await readSalts(db.query, log, id)).toEqual([]);
    }
  });

  test("a user and another firm in one statement affect their own rows", async () => {
    const mine = await audit(parents.user1, parents.firm1);
    const theirs = await audit(parents.user1, parents.firm2);
    const own = await before("audit_log", [mine, theirs]);
    await db.query(
      "with gone as (delete from users where id = $1) delete from firms where id = $2",
      [parents.user1, parents.firm2],
    );
    await expectAfter(own, "audit_log", mine, [
      nulled("audit_log", mine, "user_id"),
    ]);
    const [, ...events] = await readLeaves(db.query, "audit_log", theirs);
    expect(events.filter(({ kind }) => kind === "tombstone")).toEqual([
      expectedEventLeaf(gone(own, "audit_log", theirs)),
    ]);
    expect(events.length).toBeLessThanOrEqual(2);
  });

  test("a row inserted and deleted in one transaction has all leaves", async () => {
    const id = crypto.randomUUID();
    await db.exec(`begin;
      insert into audit_log (id, firm_id, user_id, action, entity_type) values ('${id}', '${parents.firm1}', '${parents.user1}', 'a', 'b');
      delete from users where id = '${parents.user1}'; delete from firms where id = '${parents.firm1}'; commit`);
    const leaves = await readLeaves(db.query, "audit_log", id);
    expect(leaves.map(({ kind }) => kind)).toEqual([
      "row",
      "fk-null",
      "tombstone",
    ]);
  });

  test("the id of a deleted row is not recorded again, by any way", async () => {
    const [deleted, unused] = [crypto.randomUUID(), crypto.randomUUID()];
    const event = (id: string, action = "a") => ({
      id,
      firm_id: parents.firm1,
      action,
      entity_type: "b",
    });
    await addAudit(db.query, event(deleted));
    await sealAll(db);
    await db.query("delete from firms where id = $1", [parents.firm1]);
    await db.query("insert into firms (id, name) values ($1, 'Again')", [
      parents.firm1,
    ]);
    await expect(addAudit(db.query, event(deleted))).rejects.toThrow(
      "salts_pkey",
    );
    const record = async (atomic: boolean, ...events: object[]) => {
      const [{ results }] = await db.as(
        "service_role",
        null,
        (query) =>
          query<{ results: { outcome: string; fields?: string[] }[] }>(
            `select public.record_audit_log($1::text::jsonb, atomic => $2::boolean) as results`,
            [JSON.stringify(events), atomic],
          ),
      );
      return results.map(({ outcome, fields }) => [outcome, fields]);
    };
    for (const action of ["a", "another"]) {
      expect(await record(false, event(deleted, action)))
        .toEqual([["conflict", undefined]]);
    }
    expect(await record(true, event(unused), event(deleted)))
      .toEqual([["aborted", undefined], ["conflict", undefined]]);
    expect(await record(false, event(unused), event(deleted)))
      .toEqual([["recorded", undefined], ["conflict", undefined]]);
    const leaves = await readLeaves(db.query, "audit_log", deleted);
    expect(leaves.map(({ kind }) => kind)).toEqual(["row", "tombstone"]);
  });

  test("a rolled-back deletion adds no leaf", async () => {
    const id = await audit(parents.user1);
    const counts = await countEvidence(db.query);
    await db.exec(
      `begin; delete from firms where id = '${parents.firm1}'; rollback`,
    );
    expect(await countEvidence(db.query)).toEqual(counts);
    await expectOneLeaf(db.query, "audit_log", id);
  });

  test("an update or deletion that the guard refuses adds no leaf", async () => {
    const id = await audit(parents.user1);
    for (
      const sql of [
        "update audit_log set user_id = null where id = $1",
        "delete from audit_log where id = $1",
      ]
    ) {
      await expect(db.query(sql, [id])).rejects.toMatchObject({
        code: "42501",
      });
    }
    await expectOneLeaf(db.query, "audit_log", id);
  });

  test("a deletion in replica mode without a guard adds a leaf", async () => {
    const id = await audit(parents.user1);
    const own = await before("audit_log", [id]);
    await db.exec(`begin; alter table audit_log disable trigger guard_statement;
      alter table audit_log disable trigger guard_before; alter table audit_log disable trigger guard_after;
      set local session_replication_role = replica;
      delete from audit_log where id = '${id}'`);
    const leaves = await readLeaves(db.query, "audit_log", id);
    await db.exec("rollback");
    expect(leaves[1]).toEqual(expectedEventLeaf(gone(own, "audit_log", id)));
  });

  test("two references of a row that one statement nulls add a leaf each", async () => {
    await db.exec(`begin;
      create table two_keys (id uuid primary key default gen_random_uuid(),
        one uuid references users on delete set null, two uuid references cma_projects on delete set null);
      select ledger.add_log('two_keys')`);
    try {
      await db.query("insert into two_keys (one, two) values ($1, $2)", [
        parents.user1,
        parents.project1,
      ]);
      await db.query(
        "with gone as (delete from users where id = $1) delete from cma_projects where id = $2",
        [parents.user1, parents.project1],
      );
      const rows = await db.query(
        `select kind, data::json ->> 3 as "column" from ledger.pending_leaves where log = 'two_keys' order by seq`,
      );
      expect(rows.slice(0, 1)).toEqual([{ kind: "row", column: null }]);
      expect(rows.slice(1).map(({ column }) => column).sort()).toEqual([
        "one",
        "two",
      ]);
    } finally {
      await db.exec("rollback");
    }
  });
});
