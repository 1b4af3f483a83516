import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVENTS } from "../support/running-stack.ts";
import { useEvidenceStack } from "../support/evidence-stack.ts";
import type { TestDatabase } from "../support/databases.ts";
import { behindTriggers } from "../support/tampering.ts";

// Anyone may request the checkpoint, so its cost must not grow with the logs.

const ledger = useEvidenceStack("PostgreSQL 17");
let db: TestDatabase;
let signed: string;
beforeAll(async () => {
  db = ledger.openDatabase();
  await ledger.post("audit", EVENTS.audit);
  signed = await ledger.sign();
});
afterAll(() => db?.close());

/** Adds checkpoints that no known key signed, which are newer than the signed one. */
const addUntrusted = (count: number, note = "'untrusted ' || n") =>
  behindTriggers(
    db,
    ["ledger.checkpoints"],
    `delete from ledger.checkpoints where size > 1000;
    insert into ledger.checkpoints (size, root, note)
    select 1000 + n, '\\x00', ${note} from generate_series(1, ${count}) n`,
  );

const readNewest =
  "select public.read_ledger_checkpoints(max_checkpoints => 20) as notes";

describe("the newest checkpoints", () => {
  test("are read without the leaves, and without the older checkpoints", async () => {
    await addUntrusted(3_000);
    const reads = await db.as("service_role", null, async (query) => {
      const [{ notes }] = await query<{ notes: string[] }>(readNewest);
      expect(notes).toHaveLength(20);
      expect(notes.at(-1)).toBe("untrusted 3000");
      return await query<{ table: string; scans: number; rows: number }>(
        `select relname as "table", (seq_scan + coalesce(idx_scan, 0))::int as scans,
          (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
        from pg_stat_xact_all_tables
        where schemaname = 'ledger' and relname in ('leaves', 'pending_leaves', 'checkpoints') order by 1`,
      );
    });
    const few = expect.toSatisfy((count: number) => count <= 25);
    expect(reads).toEqual([
      // The planner reads one row too.
      { table: "checkpoints", scans: few, rows: few },
      { table: "leaves", scans: 0, rows: 0 },
      { table: "pending_leaves", scans: 0, rows: 0 },
    ]);
  });

  test("are at most 1,000, each at most 64 KiB", async () => {
    await addUntrusted(
      1_100,
      "repeat('x', case n when 1100 then 70000 else 9 end)",
    );
    const [{ notes }] = await db.query<{ notes: string[] }>(
      "select public.read_ledger_checkpoints(max_checkpoints => 5000) as notes",
    );
    expect(notes).toHaveLength(1_000);
    expect(notes.at(-1)).toHaveLength(65_536);
  });
});

describe("GET /ledger/checkpoint", () => {
  test("is answered while another session has locked the leaves", async () => {
    await addUntrusted(0);
    await db.exec(
      "begin; lock table ledger.pending_leaves, ledger.leaves in access exclusive mode",
    );
    try {
      const response = await ledger.ask("checkpoint");
      expect([response.status, await response.text()]).toEqual([200, signed]);
    } finally {
      await db.exec("rollback");
    }
  });

  test("looks for the signed one among the newest 20", async () => {
    await addUntrusted(19);
    expect(await (await ledger.ask("checkpoint")).text()).toBe(signed);
    await addUntrusted(20);
    expect((await ledger.ask("checkpoint")).status).toBe(404);
  });
});
