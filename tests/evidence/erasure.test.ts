import { describe, expect, test } from "vitest";
import type { LogName } from "../../shared/logs/index.ts";
import type { EventLeaf } from "../../shared/evidence/leaf.ts";
import { ENGINES, useDatabase } from "../support/databases.ts";
import { openOwnedDatabase } from "../support/owned-database.ts";
import {
  addAudit,
  addLlmUsage,
  addModelUsage,
  useParents,
} from "../support/log-rows.ts";
import {
  expectedEventLeaf,
  expectOneLeaf,
  readEverything,
  readLeaves,
  readSalts,
  sealAll,
} from "../support/evidence-leaves.ts";

const HIDDEN = expect.stringMatching(/^[0-9a-f]{32}$/);
const BY = "'TICKET-7', '{ann,Bea}'";

describe.each(ENGINES)("erasure on $name", (engine) => {
  const db = useDatabase(() => openOwnedDatabase(engine));
  const parents = useParents(db);

  const redacted = (log: LogName, id: string, column: string): EventLeaf => ({
    kind: "redact/v1",
    log,
    id,
    column,
    ticket: "TICKET-7",
    approvers: ["ann", "Bea"],
  });
  const addRich = (columns: Record<string, unknown> = {}) =>
    addAudit(db.query, {
      firm_id: parents.firm1,
      user_id: parents.user1,
      entity_id: parents.project1,
      metadata: { note: "private" },
      ip_address: "192.0.2.77",
      ...columns,
    });

  const readAll = () => readEverything(db.query);

  test("blanks the value, deletes its salt and adds a leaf with ticket and approvers", async () => {
    const [id, other] = [await addRich(), await addRich()];
    await expectOneLeaf(db.query, "audit_log", id);
    const [own] = await readLeaves(db.query, "audit_log", id);
    await db.attempt(
      "owner",
      `select ledger.erase('audit_log', '{${id}}', '{ip_address,metadata}', ${BY})`,
    );
    expect(
      await db.query(
        "select user_id, entity_id, metadata, ip_address from audit_log where id = $1",
        [id],
      ),
    ).toEqual([{
      user_id: parents.user1,
      entity_id: parents.project1,
      metadata: null,
      ip_address: null,
    }]);
    expect(await readLeaves(db.query, "audit_log", id)).toEqual([
      own,
      expectedEventLeaf(redacted("audit_log", id, "ip_address")),
      expectedEventLeaf(redacted("audit_log", id, "metadata")),
    ]);
    expect(await readSalts(db.query, "audit_log", id)).toEqual([
      HIDDEN,
      HIDDEN,
      null,
      null,
    ]);
    await expectOneLeaf(db.query, "audit_log", other);
  });

  test("an erased reference has no fk-null leaf after its parent's deletion", async () => {
    const id = await addRich();
    await db.attempt(
      "owner",
      `select ledger.erase('audit_log', '{${id}}', '{user_id}', ${BY})`,
    );
    await db.query("delete from users where id = $1", [parents.user1]);
    const leaves = await readLeaves(db.query, "audit_log", id);
    expect(leaves.map(({ kind }) => kind)).toEqual(["row", "redact"]);
  });

  test.each([
    ["audit_log", "user_id"],
    ["audit_log", "entity_id"],
    ["audit_log", "metadata"],
    ["audit_log", "ip_address"],
    ["llm_usage_log", "cma_project_id"],
    ["llm_usage_log", "error_message"],
    ["model_usage_log", "metadata"],
  ] as [LogName, string][])("erases %s.%s", async (log, column) => {
    const id = log === "audit_log"
      ? await addRich()
      : log === "llm_usage_log"
      ? await addLlmUsage(db.query, {
        firm_id: parents.firm1,
        cma_project_id: parents.project1,
        error_message: "private",
      })
      : await addModelUsage(db.query, { metadata: { note: "private" } });
    await expectOneLeaf(db.query, log, id);
    await db.attempt(
      "owner",
      `select ledger.erase('${log}', '{${id}}', '{${column}}', ${BY})`,
    );
    const leaves = await readLeaves(db.query, log, id);
    expect(leaves.slice(1)).toEqual([
      expectedEventLeaf(redacted(log, id, column)),
    ]);
    expect(
      await db.query(
        `select from public.${log} where id = $1 and ${column} is null`,
        [id],
      ),
    ).toHaveLength(1);
  });

  test("an erased or missing value adds no leaf", async () => {
    const id = await addRich({ entity_id: null });
    const erase = async () => {
      const [{ erased }] = await db.query<{ erased: number }>(
        `select ledger.erase('audit_log', '{${id},${crypto.randomUUID()}}', '{entity_id,metadata,metadata}', ${BY})::int as erased`,
      );
      return erased;
    };
    expect(await erase()).toBe(1);
    const before = await readAll();
    expect(await erase()).toBe(0);
    expect(await readAll()).toEqual(before);
    expect(await readSalts(db.query, "audit_log", id)).toEqual([
      HIDDEN,
      HIDDEN,
      null,
      HIDDEN,
    ]);
  });

  test("the leaf's text is correct for any ticket and approvers", async () => {
    const id = await addRich();
    const ticket = 'Q"7\\ \n\u0001ä%s 😀';
    await db.query(
      "select ledger.erase('audit_log', array[$1::uuid], '{metadata}', $2, array[$3, $4])",
      [id, ticket, ' "Ann" ', "Bea\\'s %I"],
    );
    expect((await readLeaves(db.query, "audit_log", id))[1]).toEqual(
      expectedEventLeaf({
        ...redacted("audit_log", id, "metadata"),
        ticket,
        approvers: ['"Ann"', "Bea\\'s %I"],
      } as EventLeaf),
    );
  });

  describe("refused erasure", () => {
    const INVALID = "22023";
    test.each([
      ["without a ticket", "'{metadata}', null, '{ann,bea}'", INVALID],
      ["with a blank ticket", "'{metadata}', '  ', '{ann,bea}'", INVALID],
      ["without approvers", "'{metadata}', 't', null", INVALID],
      ["with no approver", "'{metadata}', 't', '{}'", INVALID],
      ["with one approver", "'{metadata}', 't', '{ann}'", INVALID],
      ["with three approvers", "'{metadata}', 't', '{a,b,c}'", INVALID],
      [
        "with the same approver twice",
        "'{metadata}', 't', '{ann,ann}'",
        INVALID,
      ],
      [
        "with the same in other letters",
        "'{metadata}', 't', '{ann,ANN}'",
        INVALID,
      ],
      [
        "with the same beside spaces",
        "'{metadata}', 't', array['ann', E'ann \\t\\n']",
        INVALID,
      ],
      [
        "with a blank approver",
        "'{metadata}', 't', array['ann', ' ']",
        INVALID,
      ],
      [
        "with a blank first approver",
        "'{metadata}', 't', array[E'\\n', 'ann']",
        INVALID,
      ],
      [
        "with NULL for an approver",
        "'{metadata}', 't', array['ann', null]",
        INVALID,
      ],
      [
        "with NULL for the first",
        "'{metadata}', 't', array[null, 'ann']",
        INVALID,
      ],
      ["of no column", `'{}', ${BY}`, INVALID],
      ["of NULL for columns", `null, ${BY}`, INVALID],
      ["of NULL beside a column", `'{metadata,null}', ${BY}`, INVALID],
      [
        "of a column that is not committed",
        `'{metadata,action}', ${BY}`,
        INVALID,
      ],
      ["of a column that is not there", `'{no_such}', ${BY}`, INVALID],
    ])("%s", async (_, rest, code) => {
      const id = await addRich();
      const before = await readAll();
      await expect(
        db.attempt(
          "owner",
          `select ledger.erase('audit_log', '{${id}}', ${rest})`,
        ),
      ).rejects.toMatchObject({ code });
      expect(await readAll()).toEqual(before);
    });

    test.each([["users", INVALID], ["tool_usage_ledger", INVALID], [
      "no_such_table",
      "42P01",
    ]])("of %s", async (log, code) => {
      await expect(
        db.attempt(
          "owner",
          `select ledger.erase('${log}', '{${parents.user1}}', '{email}', ${BY})`,
        ),
      ).rejects.toMatchObject({ code });
    });

    test.each(["anon", "authenticated", "service_role"] as const)(
      "by %s",
      async (role) => {
        const id = await addRich();
        const before = await readAll();
        for (
          const call of [
            `ledger.erase('audit_log', '{${id}}', '{metadata}', ${BY})`,
            `ledger.erase_person('${parents.user1}', ${BY})`,
          ]
        ) {
          await expect(db.attempt(role, `select ${call}`)).rejects
            .toMatchObject({ code: "42501" });
        }
        expect(await readAll()).toEqual(before);
      },
    );

    test("when a later statement fails", async () => {
      const id = await addRich();
      const before = await readAll();
      await expect(db.attempt(
        "owner",
        `select ledger.erase('audit_log', '{${id}}', '{metadata}', ${BY}); select 1 / 0`,
      )).rejects.toMatchObject({ code: "22012" });
      // A part of it that fails takes the rest with it, guards and all.
      await db.attempt(
        "owner",
        `do $$ begin
          perform ledger.erase('audit_log', '{${id}}', '{metadata}', ${BY});
          perform 1 / 0;
        exception when division_by_zero then null; end $$`,
      );
      expect(await readAll()).toEqual(before);
      await expectInForce(id);
    });
  });

  /** Asserts that guards and capture work, and that the doctor finds nothing. */
  async function expectInForce(id: string) {
    for (
      const sql of [
        "update audit_log set metadata = null where id = $1",
        "update audit_log set ip_address = 'x' where id = $1",
        "delete from audit_log where id = $1",
      ]
    ) {
      await expect(db.query(sql, [id])).rejects.toMatchObject({
        code: "42501",
      });
    }
    await expect(db.query("truncate audit_log")).rejects.toMatchObject({
      code: "42501",
    });
    const fresh = await addRich({ user_id: parents.user2 });
    await expectOneLeaf(db.query, "audit_log", fresh);
    await db.query("delete from users where id = $1", [parents.user2]);
    expect((await readLeaves(db.query, "audit_log", fresh))[1].kind).toBe(
      "fk-null",
    );
    const findings = await db.query<{ object: string }>(
      "select * from ledger.doctor()",
    );
    expect(findings).toEqual([]);
    const triggers = await db.query(
      "select tgname from pg_trigger where tgrelid = 'audit_log'::regclass and not tgisinternal and tgenabled <> 'A'",
    );
    expect(triggers).toEqual([]);
  }

  test("guards and capture work after an erasure, and the doctor finds nothing", async () => {
    const id = await addRich();
    await db.attempt(
      "owner",
      `select ledger.erase('audit_log', '{${id}}', '{metadata}', ${BY})`,
    );
    await expectInForce(id);
  });

  test("an erased row is sealed before or after its erasure", async () => {
    const [early, late] = [await addRich(), await addRich()];
    await db.attempt(
      "owner",
      `select ledger.erase('audit_log', '{${early}}', '{metadata}', ${BY})`,
    );
    const before = await readLeaves(db.query, "audit_log", early);
    await sealAll(db);
    await db.attempt(
      "owner",
      `select ledger.erase('audit_log', '{${late}}', '{metadata}', ${BY})`,
    );
    await sealAll(db);
    expect(await readLeaves(db.query, "audit_log", early)).toEqual(before);
    expect(
      (await readLeaves(db.query, "audit_log", late)).map(({ kind }) => kind),
    ).toEqual(["row", "redact"]);
  });
});
