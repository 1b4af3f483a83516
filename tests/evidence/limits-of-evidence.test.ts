import { beforeAll, describe, expect, test } from "vitest";
import type { Policy } from "../../shared/tlog/policy.ts";
import type { TestDatabase } from "../support/databases.ts";
import { EVENTS } from "../support/running-stack.ts";
import { type Drill, makeDrill, recordOfEach } from "./drill.ts";
import { leafNow } from "../support/evidence-leaves.ts";
import { type EvidenceStack, trustLogs } from "../support/evidence-stack.ts";
import {
  behindTriggers,
  dropNewest,
  hashNow,
  rewriteLeaf,
  rewriteRow,
  signAgain,
} from "../support/tampering.ts";

// Undetected tampering is asserted as such, so that the documented limits stay true.

let drill: Drill;
let policy: Policy;
beforeAll(async () => {
  drill = await makeDrill();
  policy = trustLogs(drill.keys.verifierKey);
});

const onCopy = (work: Parameters<Drill["on"]>[0]) => () => drill.on(work);

const codes = async (ledger: EvidenceStack, ...held: string[]) =>
  (await ledger.verify(policy, ...held)).faults.map(({ code }) => code);

describe("a rewritten log that is signed again with the log's stolen key", () => {
  async function rewriteAndSign(db: TestDatabase): Promise<void> {
    const id = drill.early["llm-usage"];
    await rewriteRow(db, "llm_usage_log", id, "cost_usd = 0");
    await rewriteLeaf(db, id, await hashNow(db, "llm_usage_log", id));
    await signAgain(db, drill.keys.signerKey);
  }

  test(
    "is NOT detected without an older checkpoint",
    onCopy(async (ledger, db) => {
      await rewriteAndSign(db);
      const verdict = await ledger.verify(policy);
      expect(verdict.faults).toEqual([]);
      expect(verdict.counts.checkpoints).toBe(2);
      await recordOfEach(ledger);
      await ledger.sign();
    }),
  );

  test(
    "is detected with a held older checkpoint",
    onCopy(async (ledger, db) => {
      await rewriteAndSign(db);
      for (const held of drill.held) {
        const { faults } = await ledger.verify(policy, held);
        const size = held.split("\n")[1];
        expect(faults.map(({ detail }) => detail).sort()).toEqual([
          `The first ${size} leaves do not have the root that the log signed`,
          `The log signed different roots for the size ${size}`,
        ]);
      }
    }),
  );

  test(
    "is NOT detected when the newest leaves and checkpoint are dropped, except with that checkpoint",
    onCopy(async (ledger, db) => {
      const size = Number(drill.held[0].split("\n")[1]);
      await dropNewest(db, size);
      await behindTriggers(
        db,
        ["ledger.checkpoints"],
        `delete from ledger.checkpoints where size > ${size}`,
      );
      expect(await codes(ledger)).toEqual([]);
      expect(await codes(ledger, drill.held[0])).toEqual([]);
      expect(await codes(ledger, drill.held[1]))
        .toEqual(["leaves_missing"]);
    }),
  );
});

describe("tampering that is NOT detected", () => {
  test(
    "a row and its pending leaf are rewritten before a seal",
    onCopy(async (ledger, db) => {
      const { "llm-usage": id } = await recordOfEach(ledger);
      await rewriteRow(db, "llm_usage_log", id, "cost_usd = 0");
      const hash = await hashNow(db, "llm_usage_log", id);
      await db.exec(
        `update ledger.pending_leaves set hash = '\\x${hash}' where row_id = '${id}'`,
      );
      expect(await codes(ledger, ...drill.held)).toEqual([]);
      await ledger.sign();
      expect(await codes(ledger, ...drill.held)).toEqual([]);
    }),
  );

  test(
    "a row and its sealed leaf are rewritten before a checkpoint",
    onCopy(async (ledger, db) => {
      const { "llm-usage": id } = await recordOfEach(ledger);
      await ledger.sealUnsigned();
      await rewriteRow(db, "llm_usage_log", id, "cost_usd = 0");
      await rewriteLeaf(db, id, await hashNow(db, "llm_usage_log", id));
      await ledger.sign();
      expect(await codes(ledger, ...drill.held)).toEqual([]);
    }),
  );

  test(
    "a row is recorded with false content",
    onCopy(async (ledger) => {
      await ledger.post("llm-usage", { ...EVENTS["llm-usage"], cost_usd: "0" });
      await ledger.sign();
      expect(await codes(ledger, ...drill.held)).toEqual([]);
    }),
  );

  test(
    "a row and its pending leaf are deleted before a seal",
    onCopy(async (ledger, db) => {
      const { audit: id } = await recordOfEach(ledger);
      await behindTriggers(
        db,
        ["public.audit_log"],
        `delete from public.audit_log where id = '${id}'`,
      );
      await db.exec(`
      delete from ledger.pending_leaves where row_id = '${id}';
      delete from ledger.salts where row_id = '${id}'`);
      await ledger.sign();
      expect(await codes(ledger, ...drill.held)).toEqual([]);
    }),
  );

  test(
    "a row of the details is changed, which has no evidence",
    onCopy(async (ledger, db) => {
      const id = drill.early["llm-usage"];
      await behindTriggers(
        db,
        ["public.llm_usage_details"],
        `update public.llm_usage_details set provider = 'nobody' where id = '${id}'`,
      );
      expect((await ledger.row("llm-usage", id)).provider).toBe("nobody");
      expect(await codes(ledger, ...drill.held)).toEqual([]);
    }),
  );

  test(
    "rows are deleted, nulled and erased with forged leaves, which stay in the tree",
    onCopy(async (ledger, db) => {
      const { early } = drill;
      const before = (await ledger.verify(policy)).counts;
      const { digest } = await leafNow(
        db,
        "tool_usage_ledger",
        early["tool-usage"],
      );
      await behindTriggers(
        db,
        ["public.tool_usage_ledger", "public.audit_log"],
        `
      delete from public.tool_usage_ledger where id = '${early["tool-usage"]}';
      update public.audit_log set user_id = null, metadata = '{}' where id = '${early.audit}';
      update public.audit_log set entity_id = null where id = '${early.audit}';
      select ledger.forget('audit_log', c, array['${early.audit}'::uuid]) from unnest('{user_id,entity_id}'::name[]) c`,
      );
      for (
        const [kind, log, id, ...more] of [
          ["tombstone", "tool_usage_ledger", early["tool-usage"], digest],
          ["fk-null", "audit_log", early.audit, "user_id"],
          [
            "redact",
            "audit_log",
            early.audit,
            "entity_id",
            "T-1",
            "Ada",
            "Ben",
          ],
        ]
      ) {
        await db.query(
          `insert into ledger.pending_leaves (kind, log, row_id, data, hash)
          select $1, $2, $3::uuid, $4::text, ledger.event_hash($4)`,
          [
            kind,
            log,
            id,
            JSON.stringify([`${kind}/v1`, `public.${log}`, id, ...more]),
          ],
        );
      }
      await ledger.sign();
      const verdict = await ledger.verify(policy, ...drill.held);
      // The metadata was changed without a leaf.
      expect(verdict.faults.map(({ code }) => code))
        .toEqual(["commitment_differs"]);
      expect(verdict.counts).toMatchObject({
        tombstones: before.tombstones + 1,
        nulled: before.nulled + 1,
        redacted: before.redacted + 1,
      });
    }),
  );
});
