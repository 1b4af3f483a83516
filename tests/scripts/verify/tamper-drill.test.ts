import { beforeEach, describe, expect, test } from "vitest";
import { signCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { formatLeaf, type RowLeaf } from "../../../shared/evidence/leaf.ts";
import { hashLeaf } from "../../../shared/tlog/tree.ts";
import { verifyBundle } from "../../../scripts/verify/verify-bundle.ts";
import {
  type SyntheticLeaf,
  SyntheticLedger,
  type SyntheticRow,
  uuid,
} from "./synthetic-ledger.ts";

let ledger: SyntheticLedger;
let calls: SyntheticRow[];
let audits: SyntheticRow[];

/** A ledger with 40 rows under two checkpoints. */
beforeEach(async () => {
  ledger = await SyntheticLedger.create();
  calls = Array.from({ length: 10 }, () => ledger.recordCall());
  audits = Array.from({ length: 10 }, () => ledger.recordAudit());
  await ledger.publish();
  calls.push(...Array.from({ length: 10 }, () => ledger.recordCall()));
  audits.push(...Array.from({ length: 10 }, () => ledger.recordAudit()));
  await ledger.publish();
});

const verify = (heldCheckpoints: string[] = []) =>
  verifyBundle(ledger.lines(), ledger.policy, { heldCheckpoints });

/** Where in the tree the leaf of a row is. */
const indexOf = (row: SyntheticRow) =>
  ledger.leaves.findIndex((leaf) => "id" in leaf && leaf.id === row.id);

const codes = async (heldCheckpoints?: string[]) =>
  (await verify(heldCheckpoints)).faults.map(({ code }) => code);

/** Asserts that the row has the only finding, and returns its detail. */
async function expectFinding(
  code: string,
  row: SyntheticRow,
  index: number | "none" = indexOf(row),
): Promise<string> {
  const { faults } = await verify();
  expect(faults.map((fault) => [fault.code, fault.id, fault.index]))
    .toEqual([[code, row.id, index === "none" ? undefined : index]]);
  return faults[0].detail;
}

describe("no finding for", () => {
  test("unchanged rows", async () => {
    const verdict = await verify();
    expect(verdict.faults).toEqual([]);
    expect(verdict).toMatchObject({
      ok: true,
      cut: "1021",
      counts: {
        lines: 46,
        checkpoints: 2,
        leaves: 42,
        rows: 40,
        seals: 2,
        rowsCompared: 40,
        commitmentsOpened: 20 * 2 + 20 * 4,
        pendingRows: 0,
        pendingEvents: 0,
      },
      newest: { checkpoint: { size: 42 }, isQuorum: true },
    });
  });

  test("an empty log", async () => {
    ledger = await SyntheticLedger.create();
    ledger.checkpoints = [await ledger.sign(2)];
    expect(await verify()).toMatchObject({ ok: true, counts: { leaves: 0 } });
  });

  test("references set to NULL, cascaded rows and erased values", async () => {
    ledger.nullReference(calls[3], "cma_project_id");
    ledger.nullReference(audits[4], "user_id");
    ledger.redact(audits[4], "metadata");
    ledger.redact(audits[12], "ip_address");
    ledger.nullReference(audits[5], "user_id");
    ledger.cascade(audits[5]);
    ledger.cascade(calls[0]);
    await ledger.publish();
    const verdict = await verify();
    expect(verdict.faults).toEqual([]);
    expect(verdict.counts).toMatchObject({
      tombstones: 2,
      nulled: 3,
      redacted: 2,
      rowsCompared: 38,
    });
  });

  test("rows and their deletion before the next checkpoint, counted as pending", async () => {
    ledger.recordCall();
    const gone = ledger.recordAudit();
    ledger.cascade(gone);
    const verdict = await verify();
    expect(verdict.faults).toEqual([]);
    expect(verdict.counts).toMatchObject({
      leaves: 42,
      nulled: 0,
      tombstones: 0,
      pendingRows: 2,
      pendingEvents: 1,
    });
  });

  test("a deletion whose leaf comes before that of its row", async () => {
    const row = ledger.recordCall();
    ledger.cascade(row);
    ledger.pending.reverse();
    await ledger.publish();
    expect((await verify()).faults).toEqual([]);
  });

  test("backfilled rows, and rows of every log", async () => {
    ledger.record("tool_usage_ledger", {
      agent_id: uuid("4", 1),
      tool_id: uuid("5", 1),
    });
    ledger.record("model_usage_log", {
      reported_model_name: "a",
      reported_model_id: "b",
    }, "backfill/v1");
    await ledger.publish();
    const verdict = await verify();
    expect(verdict.faults).toEqual([]);
    expect(verdict.counts).toMatchObject({ rows: 41, backfilled: 1 });
  });

  test("any text of a column", async () => {
    ledger.recordCall({ error_message: '"\\\n\u2028é🙂\x01', model: '"],["' });
    ledger.recordCall({ error_message: "", cma_project_id: null });
    await ledger.publish();
    expect((await verify()).faults).toEqual([]);
  });

  test("held checkpoints of the same log", async () => {
    const held = ledger.checkpoints.splice(0, 1);
    expect(await verify(held)).toMatchObject({
      ok: true,
      counts: { checkpoints: 2 },
    });
  });
});

describe("a finding for a row that", () => {
  test("had its cost halved", async () => {
    ledger.setQuietly(calls[7], "cost_usd", "0.000062");
    const detail = await expectFinding("row_differs", calls[7]);
    expect(detail).toBe(
      `The row ${
        calls[7].id
      } of llm_usage_log (leaf 7) differs from the recorded one: it does not hash to its leaf`,
    );
  });

  test("had a member of any other column changed", async () => {
    for (const [at, was] of calls[7].members.entries()) {
      calls[7].members[at] = was === null ? "" : null;
      const { ok, faults } = await verify();
      expect([ok, faults[0]?.id]).toEqual([false, calls[7].id]);
      calls[7].members[at] = was;
    }
    expect((await verify()).ok).toBe(true);
  });

  test("was given to another user", async () => {
    ledger.setQuietly(audits[2], "user_id", uuid("a", 9));
    const detail = await expectFinding("commitment_differs", audits[2]);
    expect(detail).toContain(
      "has a user_id that differs from the recorded one",
    );
    expect(detail).not.toContain(uuid("a", 9));
  });

  test("was given to another user, with its salt deleted", async () => {
    ledger.setQuietly(audits[2], "user_id", uuid("a", 9));
    ledger.salts.get(audits[2].id)![0] = null;
    await expectFinding("salt_missing", audits[2]);
  });

  test("was given to another user, with a commitment to match", async () => {
    ledger.setQuietly(audits[2], "user_id", uuid("a", 9));
    const { hash, ...forged } = ledger.toLeaf(audits[2]);
    const leaf = ledger.leaves[indexOf(audits[2])] as SyntheticLeaf & {
      hash: string;
    };
    ledger.leaves[indexOf(audits[2])] = {
      ...forged,
      hash: leaf.hash,
    } as SyntheticLeaf;
    expect(hash).not.toBe(leaf.hash);
    await expectFinding("row_differs", audits[2]);
  });

  test("lost its user without a leaf", async () => {
    ledger.setQuietly(audits[2], "user_id", null);
    await expectFinding("null_unexplained", audits[2]);
    ledger.salts.get(audits[2].id)![0] = null;
    await expectFinding("null_unexplained", audits[2]);
  });

  test("lost its user, with a leaf of another row or column", async () => {
    ledger.setQuietly(audits[2], "user_id", null);
    ledger.salts.get(audits[2].id)![0] = null;
    const { log, id } = audits[2];
    ledger.pending.push({
      data: formatLeaf({
        kind: "redact/v1",
        log,
        id,
        column: "metadata",
        ticket: "T",
        approvers: ["a", "b"],
      }),
    });
    ledger.nullReference(audits[3], "user_id");
    await ledger.publish();
    const { faults } = await verify();
    expect(faults.map(({ code, id }) => [code, id])).toEqual(
      ["null_unexplained", "value_after_erasure"].map((code) => [code, id]),
    );
  });

  test("had a value restored after its erasure", async () => {
    ledger.nullReference(audits[2], "user_id");
    await ledger.publish();
    ledger.setQuietly(audits[2], "user_id", uuid("a", 3));
    expect(await codes()).toEqual(["salt_missing", "value_after_erasure"]);
  });

  test("had a value erased, with its salt kept", async () => {
    const salts = [...ledger.salts.get(audits[2].id)!];
    ledger.redact(audits[2], "metadata");
    ledger.salts.set(audits[2].id, salts);
    await ledger.publish();
    await expectFinding("salt_kept", audits[2]);
  });

  test("had a value erased by one person alone", async () => {
    ledger.redact(audits[2], "metadata", ["ann", "ann"]);
    await ledger.publish();
    expect((await verify()).faults).toMatchObject([{
      code: "redaction_unapproved",
      id: audits[2].id,
    }]);
  });

  test("was deleted without a tombstone", async () => {
    ledger.rows.delete(calls[4].id);
    ledger.salts.delete(calls[4].id);
    const detail = await expectFinding("row_missing", calls[4]);
    expect(detail).toContain(
      "is missing, and no leaf records its deletion",
    );
  });

  test("was deleted, with the tombstone of another row", async () => {
    ledger.cascade(calls[3]);
    await ledger.publish();
    ledger.rows.delete(calls[4].id);
    ledger.salts.delete(calls[4].id);
    // The id of a leaf without a row comes from the bundle alone.
    const leaf = ledger.leaves[indexOf(calls[4])];
    ledger.leaves[indexOf(calls[4])] = {
      ...leaf,
      id: calls[3].id,
    } as SyntheticLeaf;
    expect(await codes()).toEqual(["duplicate_leaf"]);
  });

  test("was deleted, and its leaf has the id of a row that never was", async () => {
    const invented = ledger.insertQuietly("llm_usage_log", {});
    ledger.cascade(invented);
    ledger.rows.delete(calls[4].id);
    ledger.salts.delete(calls[4].id);
    await ledger.publish();
    ledger.leaves[indexOf(calls[4])] = {
      ...ledger.leaves[indexOf(calls[4])],
      id: invented.id,
    } as SyntheticLeaf;
    expect(await codes()).toEqual(["tombstone_differs"]);
  });

  test.each<[string, Partial<SyntheticRow & RowLeaf>]>([
    ["id", { id: uuid("7", 99) }],
    ["log", { log: "tool_usage_ledger" }],
    ["kind", { kind: "backfill/v1" }],
  ])(
    "was deleted, and its leaf has another %s with the tombstone of that",
    async (_, changes) => {
      const at = indexOf(calls[4]);
      const leaf = ledger.leaves[at] as SyntheticLeaf & RowLeaf;
      const relabelled = { ...leaf, ...changes };
      ledger.rows.delete(leaf.id);
      ledger.salts.delete(leaf.id);
      ledger.addTombstone(relabelled, leaf.digest);
      await ledger.publish();
      ledger.leaves[at] = relabelled;
      expect(await codes()).toEqual(["tombstone_differs"]);
    },
  );

  test.each([["another", "ab".repeat(32)], ["no", null]])(
    "was deleted with a tombstone that has %s digest",
    async (_, digest) => {
      ledger.rows.delete(calls[4].id);
      ledger.salts.delete(calls[4].id);
      ledger.addTombstone(calls[4], digest);
      await ledger.publish();
      await expectFinding("tombstone_differs", calls[4]);
    },
  );

  test("was deleted with a tombstone that is pending for ever", async () => {
    ledger.cascade(calls[4]);
    const detail = await expectFinding("change_unsigned", calls[4]);
    expect(detail).toContain("was deleted, and only a pending leaf records it");
    await ledger.publish();
    expect(await codes()).toEqual([]);
  });

  test("has a value that was erased by a pending leaf only", async () => {
    ledger.redact(calls[4], "error_message", ["ann", "bea"]);
    await expectFinding("change_unsigned", calls[4]);
    await ledger.publish();
    expect(await codes()).toEqual([]);
  });

  test("was deleted with a tombstone, with its salts kept", async () => {
    const salts = ledger.salts.get(calls[4].id)!;
    ledger.cascade(calls[4]);
    ledger.salts.set(calls[4].id, salts);
    await ledger.publish();
    await expectFinding("salt_kept", calls[4]);
  });

  test("exists after its tombstone", async () => {
    const salts = ledger.salts.get(calls[4].id)!;
    ledger.cascade(calls[4]);
    await ledger.publish();
    ledger.rows.set(calls[4].id, calls[4]);
    ledger.salts.set(calls[4].id, salts);
    await expectFinding("row_after_tombstone", calls[4]);
  });

  test("was inserted without a leaf", async () => {
    const row = ledger.insertQuietly("llm_usage_log", {});
    await expectFinding("row_without_leaf", row, "none");
  });

  test("has two leaves", async () => {
    ledger.pending.push(ledger.toLeaf(calls[4]));
    await ledger.publish();
    await expectFinding("duplicate_leaf", calls[4], 42);
  });

  test("has a leaf and a pending leaf", async () => {
    ledger.pending.push(ledger.toLeaf(calls[4]));
    await expectFinding("duplicate_leaf", calls[4], "none");
  });

  test("has two tombstones", async () => {
    ledger.cascade(calls[4]);
    ledger.cascade(calls[4]);
    await ledger.publish();
    expect((await verify()).faults).toMatchObject([{
      code: "duplicate_event",
      id: calls[4].id,
      index: 43,
    }]);
  });

  test("has a tombstone without a leaf", async () => {
    ledger.cascade(ledger.insertQuietly("llm_usage_log", {}));
    await ledger.publish();
    expect((await verify()).faults).toMatchObject([{
      code: "event_without_row",
    }]);
  });

  test("was changed while it was pending, without its leaf", async () => {
    const row = ledger.recordCall();
    ledger.setQuietly(row, "cost_usd", "0.000001");
    expect((await verify()).faults).toMatchObject([{
      code: "row_differs",
      id: row.id,
    }]);
  });
});

describe("a finding for a leaf that", () => {
  test("was rewritten with its row", async () => {
    ledger.setQuietly(calls[7], "cost_usd", "0.000062");
    ledger.leaves[indexOf(calls[7])] = ledger.toLeaf(calls[7]);
    // Both checkpoints cover it.
    expect(await codes()).toEqual(["root_differs", "root_differs"]);
  });

  test("was rewritten with its row after the first checkpoint", async () => {
    ledger.setQuietly(calls[17], "cost_usd", "0.000062");
    ledger.leaves[indexOf(calls[17])] = ledger.toLeaf(calls[17]);
    expect((await verify()).faults).toMatchObject([{
      code: "root_differs",
      detail: expect.stringContaining("first 42"),
    }]);
  });

  test("was taken out of the middle, moved or put in", async () => {
    const [was] = [ledger.leaves];
    for (
      const leaves of [
        was.toSpliced(3, 1),
        was.with(3, was[4]).with(4, was[3]),
        was.toSpliced(3, 0, { data: '["seal/v1","1","0"]' }),
      ]
    ) {
      ledger.leaves = leaves;
      expect(await codes()).toContain("root_differs");
    }
  });

  test("is malformed", async () => {
    for (
      const data of ["", "[]", '["row/v2"]', '["tombstone/v1","public.users"]']
    ) {
      ledger.pending.push({ data });
    }
    await ledger.publish();
    const { faults } = await verify();
    expect(faults.map(({ code, index }) => [code, index]))
      .toEqual([42, 43, 44, 45].map((index) => ["leaf_malformed", index]));
  });

  test("hides a row behind its data", async () => {
    const row = ledger.recordCall();
    ledger.pending = [{ data: formatLeaf(ledger.toLeaf(row)) }];
    await ledger.publish();
    expect(await codes()).toEqual(["leaf_malformed", "row_without_leaf"]);
  });
});

describe("a finding for missing newest leaves", () => {
  const drop = (count: number) => {
    for (const leaf of ledger.leaves.splice(-count)) {
      if ("id" in leaf) ledger.rows.delete(leaf.id);
    }
  };

  test("when a checkpoint of the bundle covers them", async () => {
    drop(5);
    expect(await codes()).toEqual(["leaves_missing"]);
  });

  test("when a held checkpoint covers them", async () => {
    const held = ledger.checkpoints.splice(-1);
    drop(21);
    expect((await verify()).ok).toBe(true);
    expect(await codes(held)).toEqual(["leaves_missing"]);
  });

  test("when the newest checkpoint does not cover all leaves", async () => {
    ledger.recordCall();
    ledger.seal();
    expect((await verify()).faults).toMatchObject([{
      code: "leaves_unsigned",
    }]);
  });
});

test("a checkpoint of no leaves is verified", async () => {
  const root = hashLeaf("no leaf");
  const content = await signCheckpoint({ size: 0, root }, ledger.log);
  expect((await verify([content])).faults).toMatchObject([
    { code: "root_differs", detail: expect.stringContaining("first 0 leaves") },
  ]);
});

describe("a row and leaf rewritten and signed with the log's stolen key", () => {
  let held: string[];
  beforeEach(() => {
    held = ledger.checkpoints;
    ledger.setQuietly(calls[7], "cost_usd", "0.000062");
    ledger.leaves[indexOf(calls[7])] = ledger.toLeaf(calls[7]);
  });

  test("have no finding without witnesses and held checkpoints", async () => {
    ledger.checkpoints = [await ledger.sign(0)];
    const credulous = { ...ledger.policy, quorum: null };
    expect(await verifyBundle(ledger.lines(), credulous)).toMatchObject({
      ok: true,
    });
  });

  test("have a finding with a held checkpoint", async () => {
    ledger.checkpoints = [await ledger.sign(0)];
    const credulous = { ...ledger.policy, quorum: null };
    for (const kept of [held.slice(0, 1), held.slice(1)]) {
      const verdict = await verifyBundle(ledger.lines(), credulous, {
        heldCheckpoints: kept,
      });
      expect(verdict.faults.map(({ code }) => code)).toContain("root_differs");
    }
  });

  test("have a finding for two roots of one size", async () => {
    ledger.checkpoints = [await ledger.sign(2)];
    expect(await codes(held.slice(1))).toEqual([
      "checkpoints_differ",
      "root_differs",
    ]);
  });

  test("have a finding without the quorum of witnesses", async () => {
    ledger.checkpoints = [await ledger.sign(1)];
    expect(await codes()).toEqual(["quorum_missing"]);
  });

  test("have a finding beside the old checkpoints", async () => {
    ledger.checkpoints = [...held, await ledger.publish(0)];
    expect(await codes()).toEqual(
      expect.arrayContaining(["root_differs", "quorum_missing"]),
    );
  });
});

test("a row rewritten with its leaf before the first checkpoint has no finding", async () => {
  const row = ledger.recordCall();
  ledger.setQuietly(row, "cost_usd", "0.000001");
  ledger.pending = [ledger.toLeaf(row)];
  await ledger.publish();
  expect((await verify()).ok).toBe(true);
});
