import { beforeAll, describe, expect, test } from "vitest";
import type { Policy } from "../../shared/tlog/policy.ts";
import {
  EVENTS,
  FIRM,
  newId,
  PROJECT,
  USER,
} from "../support/running-stack.ts";
import { type Drill, makeDrill, recordOfEach } from "./drill.ts";
import { type EvidenceStack, trustLogs } from "../support/evidence-stack.ts";

let drill: Drill;
let policy: Policy;
beforeAll(async () => {
  drill = await makeDrill();
  policy = trustLogs(drill.keys.verifierKey);
});

const onCopy = (work: Parameters<Drill["on"]>[0]) => () => drill.on(work);

/** The codes of the findings, each once. */
const codesOf = ({ faults }: { faults: { code: string }[] }) => [
  ...new Set(faults.map(({ code }) => code)),
];

describe("evidence verifies when", () => {
  const verifyAll = (ledger: EvidenceStack) =>
    ledger.verify(policy, ...drill.held);

  test(
    "rows are unchanged, and backfilled rows are counted separately",
    onCopy(async (ledger) => {
      const { faults, counts, cut } = await verifyAll(ledger);
      expect(faults).toEqual([]);
      expect(counts).toMatchObject({
        backfilled: 4,
        rows: 308,
        rowsCompared: 312,
        // Of llm-usage 2, of audit 4, of model-usage 1 each.
        commitmentsOpened: 3 * (2 + 4 + 1) + 300,
        checkpoints: 4,
        pendingRows: 0,
        tombstones: 0,
        nulled: 0,
        redacted: 0,
      });
      expect(cut).toMatch(/^\d+$/);
    }),
  );

  test(
    "a user and a project are deleted, and references to them are NULL",
    onCopy(async (ledger, db) => {
      await db.query("delete from public.users where id = $1", [USER]);
      await db.query("delete from public.cma_projects where id = $1", [
        PROJECT,
      ]);
      const pending = await verifyAll(ledger);
      expect(codesOf(pending)).toEqual(["change_unsigned"]);
      // Three rows of each of the two logs.
      expect(pending.counts.pendingEvents).toBe(6);
      await ledger.sign();
      const sealed = await verifyAll(ledger);
      expect(sealed.faults).toEqual([]);
      expect(sealed.counts.nulled).toBe(6);
      const rows = await ledger.rows("audit_log");
      expect(rows.every(({ user_id }) => user_id === null)).toBe(true);
    }),
  );

  test(
    "a firm is deleted with its rows",
    onCopy(async (ledger, db) => {
      await db.query("delete from public.firms where id = $1", [FIRM]);
      expect(codesOf(await verifyAll(ledger))).toEqual(["change_unsigned"]);
      await ledger.sign();
      const { faults, counts } = await verifyAll(ledger);
      expect(faults).toEqual([]);
      expect(counts.tombstones).toBe(6);
      expect(counts.rowsCompared).toBe(306);
    }),
  );

  test(
    "a person is erased, and then deleted",
    onCopy(async (ledger, db) => {
      const [{ erased }] = await db.query<{ erased: number }>(
        "select ledger.erase_person($1, 'T-17', '{Ada,Ben}', '{ada@first.example}')::int as erased",
        [USER],
      );
      expect(erased).toBeGreaterThan(0);
      expect(codesOf(await verifyAll(ledger))).toEqual(["change_unsigned"]);
      await db.query("delete from public.users where id = $1", [USER]);
      await ledger.sign();
      const { faults, counts } = await verifyAll(ledger);
      expect(faults).toEqual([]);
      expect(counts.redacted).toBe(erased);
      expect((await ledger.collect()).join("\n")).not.toContain(USER);
    }),
  );

  test(
    "rows are deleted after their values were nulled and erased, pending or sealed",
    onCopy(async (ledger, db) => {
      await recordOfEach(ledger);
      await db.query(
        "select ledger.erase_person($1, 'T-17', '{Ada,Ben}', '{ada@first.example}')",
        [USER],
      );
      await db.query("delete from public.users where id = $1", [USER]);
      await db.query("delete from public.firms where id = $1", [FIRM]);
      await ledger.sign();
      const { faults, counts } = await verifyAll(ledger);
      expect(faults).toEqual([]);
      expect(counts.tombstones).toBe(8);
    }),
  );

  test(
    "events are retried, rejected and in conflict",
    onCopy(async (ledger) => {
      const { audit: id } = drill.early;
      const event = { ...EVENTS.audit, id };
      for (let times = 0; times < 2; times++) {
        await ledger.post("audit", event);
        await ledger.post("audit", { ...event, action: "other" });
        await ledger.post("audit", [event, { ...event, firm_id: newId() }]);
      }
      const pending = await verifyAll(ledger);
      expect([pending.faults, pending.counts.pendingRows]).toEqual([[], 0]);
      await ledger.sign();
      expect((await verifyAll(ledger)).faults).toEqual([]);
    }),
  );

  test(
    "rows are pending, and sealed but not signed",
    onCopy(async (ledger) => {
      await recordOfEach(ledger);
      const pending = await verifyAll(ledger);
      expect(pending.faults).toEqual([]);
      expect(pending.counts).toMatchObject({ pendingRows: 4, rows: 308 });
      await ledger.sealUnsigned();
      await recordOfEach(ledger);
      const both = await verifyAll(ledger);
      expect(both.faults).toEqual([]);
      expect(both.counts).toMatchObject({ pendingRows: 8, rows: 308 });
    }),
  );

  test(
    "a row is recorded and deleted before a seal",
    onCopy(async (ledger, db) => {
      const firm = newId();
      await db.query(
        "insert into public.firms (id, name) values ($1, 'Short')",
        [firm],
      );
      await ledger.post("audit", { ...EVENTS.audit, firm_id: firm });
      await db.query("delete from public.firms where id = $1", [firm]);
      expect((await verifyAll(ledger)).faults).toEqual([]);
      await ledger.sign();
      expect((await verifyAll(ledger)).faults).toEqual([]);
    }),
  );
});
