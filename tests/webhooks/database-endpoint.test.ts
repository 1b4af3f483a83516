import { describe, expect, test } from "vitest";
import {
  ENGINES,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  USER,
} from "../support/running-stack.ts";
import { createChange, ROW } from "../support/supabase-payloads.ts";
import { countRows, showRow, useReceiver } from "../support/receiving-stack.ts";

const PATH = "webhooks/database";
const PERSONAL = /1200|1300|90000|DE8937|4111|approved|draft/;

/** A change of a row that no other test has. */
function createOwnChange(changes: Record<string, unknown> = {}) {
  const row = { ...ROW, id: newId() };
  return createChange({
    record: { ...row, status: "approved", amount: 1300 },
    old_record: row,
    ...changes,
  });
}

describe.each(ENGINES)("Database Webhooks on %s", (engine) => {
  const ledger = useReceiver(engine);

  test("become audit events with the names of changed columns, and no content", async () => {
    const change = createOwnChange({ user_id: USER });
    const { status, body } = await ledger.post(PATH, change);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      firm_id: FIRM,
      user_id: USER,
      action: "update",
      entity_type: "invoices",
      entity_id: (change.record as { id: string }).id,
      metadata: {
        source: "database_webhook",
        actor_id: USER,
        changed_columns: ["amount", "status"],
        changed_column_count: 2,
      },
    });
    // Random ids and times have such digits now and then.
    const { id, entity_id: _, created_at: __, ...rest } = body;
    expect(JSON.stringify(rest)).not.toMatch(PERSONAL);
    expect(await showRow(ledger, "audit", id)).toEqual(body);
  });

  test("add nothing on a retry", async () => {
    const change = createOwnChange();
    const first = await ledger.post(PATH, change);
    const before = await countRows(ledger);
    const again = await ledger.post(PATH, change);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.id).toBe(first.body.id);
    expect(await countRows(ledger)).toBe(before);
  });

  test("of an unknown user are recorded without user_id", async () => {
    const change = createOwnChange({ user_id: NOBODY });
    const { status, body } = await ledger.post(PATH, change);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      user_id: null,
      metadata: { actor_id: NOBODY },
      warnings: [{
        code: "reference_left_out",
        detail: expect.stringMatching(/^\/user_id: /),
      }],
    });
    const again = await ledger.post(PATH, change);
    expect([again.status, again.body.id]).toEqual([200, body.id]);
  });

  test("of a batch have one outcome each", async () => {
    const { status, body } = await ledger.post(PATH, [
      createOwnChange({ type: "TRUNCATE" }),
      createOwnChange({ user_id: NOBODY }),
      createOwnChange({ record: { id: newId(), firm_id: NOBODY } }),
      createOwnChange(),
    ]);
    expect(status).toBe(207);
    expect(body.results.map(({ index, outcome }: Record<string, unknown>) => [
      index,
      outcome,
    ])).toEqual([
      [0, "rejected"],
      [1, "recorded"],
      [2, "rejected"],
      [3, "recorded"],
    ]);
    expect(body.results[1].warnings).toHaveLength(1);
    expect(body.results[3].warnings).toBeUndefined();
    expect(body.results[2].problem.errors).toMatchObject([
      { pointer: "/record/firm_id", code: "not_found" },
    ]);
  });
});

describe("the firm of a Database Webhook", () => {
  const ledger = useReceiver("PGlite");

  test("is taken from the record, else from the URL, else is required", async () => {
    const query = `?firm_id=${OTHER_FIRM}`;
    const own = await ledger.post(PATH, createOwnChange(), { query });
    expect(own.body.firm_id).toBe(FIRM);
    const none = createChange({
      type: "INSERT",
      record: { id: newId() },
      old_record: null,
    });
    const byUrl = await ledger.post(PATH, none, { query });
    expect(byUrl.body.firm_id).toBe(OTHER_FIRM);
    const missing = await ledger.post(PATH, none);
    expect(missing.status).toBe(422);
    expect(missing.body.errors[0].detail).toContain("?firm_id=<uuid>");
  });
});
