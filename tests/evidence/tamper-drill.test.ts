import { beforeAll, describe, expect, test } from "vitest";
import { formatLeaf } from "../../shared/evidence/leaf.ts";
import type { LogName } from "../../shared/logs/index.ts";
import type { Policy } from "../../shared/tlog/policy.ts";
import type { EvidenceFindingCode } from "../../scripts/verify/verdict.ts";
import {
  EVENTS,
  FIRM,
  newId,
  OTHER_USER,
  SLUGS,
  TABLES,
  USER,
} from "../support/running-stack.ts";
import { leafNow } from "../support/evidence-leaves.ts";
import { type Drill, makeDrill, recordOfEach } from "./drill.ts";
import { type EvidenceStack, trustLogs } from "../support/evidence-stack.ts";
import {
  behindTriggers,
  dropNewest,
  hashNow,
  rebuildNodes,
  relabelLeaf,
  rewriteLeaf,
  rewriteRow,
} from "../support/tampering.ts";

// The owner of the database, here a superuser, against evidence.

let drill: Drill;
let policy: Policy;
beforeAll(async () => {
  drill = await makeDrill();
  policy = trustLogs(drill.keys.verifierKey);
});

const onCopy = (work: Parameters<Drill["on"]>[0]) => () => drill.on(work);

const codes = async (ledger: EvidenceStack) =>
  (await ledger.verify(policy)).faults.map(({ code }) => code);

/** Asserts that the row has the only finding, which has this sentence. */
async function expectFault(
  ledger: EvidenceStack,
  [log, id]: [LogName, string],
  code: EvidenceFindingCode,
  sentence: string,
): Promise<void> {
  const { faults } = await ledger.verify(policy);
  expect(faults).toEqual([{
    code,
    log,
    id,
    ...code !== "row_without_leaf" && { index: expect.any(Number) },
    detail: expect.stringContaining(sentence),
  }]);
  expect(faults[0].detail).toContain(id);
  expect(faults[0].detail).toContain(log);
}

/** The ids of rows of each age. */
const ages = () => [drill.old, drill.early, drill.late];

describe("tampering that is detected", () => {
  test(
    "a cost is halved",
    onCopy(async (ledger, db) => {
      for (const ids of ages()) {
        const id = ids["llm-usage"];
        await rewriteRow(db, "llm_usage_log", id, "cost_usd = cost_usd / 2");
        await expectFault(
          ledger,
          ["llm_usage_log", id],
          "row_differs",
          "differs from the recorded one",
        );
        await rewriteRow(db, "llm_usage_log", id, "cost_usd = cost_usd * 2");
      }
    }),
  );

  test.each(
    [
      [
        "llm_usage_log",
        "llm-usage",
        "created_at = created_at + interval '1 microsecond'",
      ],
      ["llm_usage_log", "llm-usage", "input_tokens = input_tokens - 1"],
      ["llm_usage_log", "llm-usage", "success = not success"],
      ["tool_usage_ledger", "tool-usage", "tokens_consumed = 1"],
      [
        "tool_usage_ledger",
        "tool-usage",
        "venture_id = '60000000-0000-4000-8000-000000000001'",
      ],
      [
        "model_usage_log",
        "model-usage",
        "reported_model_name = reported_model_name || ' '",
      ],
      ["model_usage_log", "model-usage", "phase = 'EXEC'"],
      ["audit_log", "audit", "action = 'delete_project'"],
    ] as const,
  )("a row of %s is changed: %s, %s", async (log, slug, change) => {
    await drill.on(async (ledger, db) => {
      const id = drill.early[slug];
      await rewriteRow(db, log, id, change);
      await expectFault(
        ledger,
        [log, id],
        "row_differs",
        "differs from the recorded one",
      );
    });
  });

  test.each(
    [
      ["llm_usage_log", "llm-usage", "error_message", "'nothing'"],
      [
        "llm_usage_log",
        "llm-usage",
        "cma_project_id",
        "'30000000-0000-4000-8000-000000000002'",
      ],
      ["audit_log", "audit", "user_id", `'${OTHER_USER}'`],
      ["audit_log", "audit", "entity_id", `'${OTHER_USER}'`],
      ["audit_log", "audit", "metadata", `'{"file_count": 4}'`],
      ["audit_log", "audit", "ip_address", "'127.0.0.1'"],
      ["model_usage_log", "model-usage", "metadata", `'{"run": 1.0}'`],
    ] as const,
  )(
    "a row of %s (%s) is given another %s: %s",
    async (log, slug, column, value) => {
      await drill.on(async (ledger, db) => {
        const id = drill.early[slug];
        await rewriteRow(db, log, id, `${column} = ${value}`);
        await expectFault(
          ledger,
          [log, id],
          "commitment_differs",
          `has a ${column} that differs from the recorded one`,
        );
      });
    },
  );

  test.each(
    [
      ["llm_usage_log", "llm-usage", "cma_project_id"],
      ["audit_log", "audit", "user_id"],
    ] as const,
  )(
    "a reference of %s (%s) is set to NULL without a leaf: %s",
    async (log, slug, column) => {
      await drill.on(async (ledger, db) => {
        const id = drill.late[slug];
        await rewriteRow(db, log, id, `${column} = null`);
        const sentence =
          `has no ${column}, although its commitment does not open to NULL and no leaf records an erasure`;
        await expectFault(ledger, [log, id], "null_unexplained", sentence);
        // Without its salt too.
        await db.query("delete from ledger.salts where row_id = $1", [id]);
        expect(await codes(ledger)).toContain(
          "null_unexplained",
        );
      });
    },
  );

  test.each(SLUGS)("a row of %s is deleted", async (slug) => {
    await drill.on(async (ledger, db) => {
      for (const ids of ages()) {
        const log = TABLES[slug];
        const id = ids[slug];
        await db.exec("begin");
        await db.exec(
          `create table kept as select * from public.${log} where id = '${id}'; commit`,
        );
        await behindTriggers(
          db,
          [`public.${log}`],
          `delete from public.${log} where id = '${id}'`,
        );
        await expectFault(
          ledger,
          [log, id],
          "row_missing",
          "is missing, and no leaf records its deletion",
        );
        await behindTriggers(
          db,
          [`public.${log}`],
          `insert into public.${log} select * from kept`,
        );
        await db.exec("drop table kept");
      }
      expect(await codes(ledger)).toEqual([]);
    });
  });

  test(
    "a row is deleted with its salts",
    onCopy(async (ledger, db) => {
      const id = drill.early.audit;
      await behindTriggers(
        db,
        ["public.audit_log"],
        `delete from public.audit_log where id = '${id}'`,
      );
      await db.query("delete from ledger.salts where row_id = $1", [id]);
      expect(await codes(ledger)).toEqual(["row_missing"]);
    }),
  );

  test.each<[string, Parameters<typeof relabelLeaf>[2]]>([
    ["id", { row_id: newId() }],
    ["log", { log: "tool_usage_ledger" }],
    ["kind", { kind: "backfill" }],
  ])(
    "a row is deleted, and its leaf gets another %s with a signed tombstone",
    async (_, changes) => {
      await drill.on(async (ledger, db) => {
        const id = drill.early.audit;
        const { digest } = await leafNow(db, "audit_log", id);
        const { row_id = id, log = "audit_log" } = changes;
        await behindTriggers(
          db,
          ["public.audit_log"],
          `delete from public.audit_log where id = '${id}';
          delete from ledger.salts where row_id = '${id}'`,
        );
        const data = formatLeaf({
          kind: "tombstone/v1",
          log,
          id: row_id,
          digest,
        });
        await db.query(
          `insert into ledger.pending_leaves (kind, log, row_id, data, hash)
          values ('tombstone', $1, $2, $3, ledger.event_hash($3))`,
          [log, row_id, data],
        );
        await ledger.sign();
        await relabelLeaf(db, id, changes);
        const sentence = "has a leaf that is not the one of which leaf";
        await expectFault(ledger, [log, row_id], "tombstone_differs", sentence);
      });
    },
  );

  test(
    "a row is changed, and then deleted by a foreign key",
    onCopy(async (ledger, db) => {
      const id = drill.early.audit;
      await rewriteRow(db, "audit_log", id, "action = 'delete_project'");
      await db.query("delete from public.firms where id = $1", [FIRM]);
      await ledger.sign();
      const sentence = "has a leaf that is not the one of which leaf";
      await expectFault(
        ledger,
        ["audit_log", id],
        "tombstone_differs",
        sentence,
      );
    }),
  );

  test(
    "a back-dated row is inserted behind the capture",
    onCopy(async (ledger, db) => {
      const id = newId();
      await behindTriggers(
        db,
        ["public.audit_log"],
        `insert into public.audit_log (id, firm_id, action, entity_type, created_at)
        values ('${id}', '${FIRM}', 'upload_file', 'cma_project', '2026-01-01')`,
      );
      await expectFault(
        ledger,
        ["audit_log", id],
        "row_without_leaf",
        "was not recorded: it has no leaf",
      );
    }),
  );

  test(
    "a row's id is changed",
    onCopy(async (ledger, db) => {
      const id = drill.early["tool-usage"];
      await rewriteRow(db, "tool_usage_ledger", id, `id = '${newId()}'`);
      expect((await codes(ledger)).sort())
        .toEqual(["row_missing", "row_without_leaf"]);
    }),
  );

  test(
    "two rows exchange their users",
    onCopy(async (ledger, db) => {
      const id = newId();
      await ledger.post("audit", {
        ...EVENTS.audit,
        id,
        user_id: OTHER_USER,
        firm_id: "10000000-0000-4000-8000-000000000002",
      });
      await ledger.sign();
      await rewriteRow(db, "audit_log", id, `user_id = '${USER}'`);
      await rewriteRow(
        db,
        "audit_log",
        drill.early.audit,
        `user_id = '${OTHER_USER}'`,
      );
      const { faults } = await ledger.verify(policy);
      expect(faults.map(({ code, id }) => [code, id]).sort()).toEqual(
        [drill.early.audit, id].map((id) => ["commitment_differs", id]).sort(),
      );
    }),
  );

  test(
    "a row and its leaf are rewritten, with the nodes",
    onCopy(async (ledger, db) => {
      const id = drill.early["llm-usage"];
      await rewriteRow(db, "llm_usage_log", id, "cost_usd = 0");
      await rewriteLeaf(db, id, await hashNow(db, "llm_usage_log", id));
      const { faults } = await ledger.verify(policy);
      expect(faults.map(({ code, detail }) => [code, detail])).toEqual(
        drill.held.map((note) => [
          "root_differs",
          `The first ${
            note.split("\n")[1]
          } leaves do not have the root that the log signed`,
        ]),
      );
      expect((await ledger.post("ledger/seal", {})).status).toBe(409);
    }),
  );

  test(
    "the newest leaves are dropped with their rows",
    onCopy(async (ledger, db) => {
      await dropNewest(db, Number(drill.held[0].split("\n")[1]));
      const { faults } = await ledger.verify(policy);
      expect(faults.map(({ code }) => code)).toEqual(["leaves_missing"]);
      expect(faults[0].detail).toMatch(
        /^A checkpoint covers \d+ leaves, but the bundle has \d+$/,
      );
      expect((await ledger.post("ledger/seal", {})).status).toBe(409);
    }),
  );

  test(
    "a leaf is dropped, and later leaves move up",
    onCopy(async (ledger, db) => {
      const id = drill.early["model-usage"];
      await behindTriggers(
        db,
        ["ledger.leaves", "public.model_usage_log"],
        `
      delete from public.model_usage_log where id = '${id}';
      create temp table moved as
        select (row_number() over (order by index) - 1) as new_index, l.* from ledger.leaves l
        where row_id is distinct from '${id}';
      delete from ledger.leaves;
      insert into ledger.leaves (index, kind, log, row_id, commitments, data, hash)
        select new_index, kind, log, row_id, commitments, data, hash from moved`,
      );
      await rebuildNodes(db);
      const found = await codes(ledger);
      expect(found).toContain("root_differs");
      expect(found).toContain("leaves_missing");
    }),
  );

  test(
    "a leaf is dropped, and leaves a gap",
    onCopy(async (ledger, db) => {
      const id = drill.early["model-usage"];
      await behindTriggers(
        db,
        ["ledger.leaves"],
        `delete from ledger.leaves where row_id = '${id}'`,
      );
      const found = await codes(ledger);
      expect(new Set(found)).toEqual(
        new Set([
          "index_gap",
          "leaves_missing",
          "root_differs",
          "row_without_leaf",
        ]),
      );
    }),
  );

  test(
    "an erased value is restored",
    onCopy(async (ledger, db) => {
      const id = drill.early.audit;
      await db.query("delete from public.users where id = $1", [USER]);
      await ledger.sign();
      expect(await codes(ledger)).toEqual([]);
      await rewriteRow(db, "audit_log", id, `user_id = '${OTHER_USER}'`);
      const found = await codes(ledger);
      expect(found).toContain("salt_missing");
      expect(found).toContain("value_after_erasure");
    }),
  );

  test(
    "a row deleted by a cascade is restored",
    onCopy(async (ledger, db) => {
      const id = drill.early["llm-usage"];
      await db.exec(
        `create table kept as select * from public.llm_usage_log where id = '${id}'`,
      );
      await db.query("delete from public.firms where id = $1", [FIRM]);
      await ledger.sign();
      expect(await codes(ledger)).toEqual([]);
      await behindTriggers(
        db,
        ["public.llm_usage_log"],
        `
      set local session_replication_role = replica;
      insert into public.llm_usage_log select * from kept`,
      );
      expect(await codes(ledger)).toContain(
        "row_after_tombstone",
      );
    }),
  );

  test(
    "an erasure keeps the salt, which lets the value be guessed",
    onCopy(async (ledger, db) => {
      const id = drill.early.audit;
      await db.exec(
        `create table kept as select * from ledger.salts where row_id = '${id}'`,
      );
      await db.query("delete from public.users where id = $1", [USER]);
      await db.exec(
        `update ledger.salts s set salts = kept.salts, seed = kept.seed from kept where s.row_id = kept.row_id`,
      );
      await ledger.sign();
      expect(await codes(ledger)).toEqual(["salt_kept"]);
    }),
  );

  test(
    "a pending row is changed, but its leaf is not",
    onCopy(async (ledger, db) => {
      const { "tool-usage": id } = await recordOfEach(ledger);
      await rewriteRow(db, "tool_usage_ledger", id, "cost_usd = 9");
      const { faults } = await ledger.verify(policy);
      expect(faults.map(({ code, detail }) => [code, detail])).toEqual([[
        "row_differs",
        `The row ${id} of tool_usage_ledger (pending) differs from the recorded one: it does not hash to its leaf`,
      ]]);
      await ledger.sign();
      expect(await codes(ledger)).toEqual(["row_differs"]);
    }),
  );
});
