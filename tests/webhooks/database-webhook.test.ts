import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AdaptedEvent } from "../../shared/webhooks/adapter.ts";
import { adaptDatabaseWebhook } from "../../shared/webhooks/database-webhook.ts";
import { SENSITIVE_WORDS } from "../../shared/redaction/key-names.ts";
import {
  codesOf,
  deliver,
  FIRM,
  OTHER_FIRM,
  USER,
  validate,
} from "../support/webhook-deliveries.ts";
import { createChange, ROW } from "../support/supabase-payloads.ts";

async function adaptOne(
  payload: unknown,
  query?: string,
): Promise<AdaptedEvent> {
  const { events } = await adaptDatabaseWebhook(deliver(payload, { query }));
  expect(events).toHaveLength(1);
  return events[0];
}

describe("a Database Webhook", () => {
  test("of an UPDATE becomes an audit event with the names of changed columns", async () => {
    const adapted = await adaptOne(createChange({ user_id: USER }));
    expect(adapted.issues).toEqual([]);
    expect(adapted.event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      firm_id: FIRM,
      user_id: USER,
      action: "update",
      entity_type: "invoices",
      entity_id: ROW.id,
      metadata: {
        source: "database_webhook",
        actor_id: USER,
        changed_columns: ["amount", "status"],
        changed_column_count: 2,
      },
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("of an INSERT or a DELETE becomes an event without columns", async () => {
    const inserted = createChange({ type: "INSERT", old_record: null });
    const deleted = createChange({ type: "DELETE", record: null });
    for (
      const [payload, action] of [[inserted, "insert"], [deleted, "delete"]]
    ) {
      const adapted = await adaptOne(payload);
      expect(adapted.issues).toEqual([]);
      expect(adapted.event).toMatchObject({
        action,
        entity_id: ROW.id,
        firm_id: FIRM,
        metadata: { source: "database_webhook" },
      });
      expect(adapted.event.metadata).not.toHaveProperty("changed_columns");
      expect(validate(adapted, "audit")).toEqual([]);
    }
  });

  test("leaves out the values of rows", async () => {
    for (const type of ["INSERT", "UPDATE", "DELETE"]) {
      const record = { ...ROW, amount: 77.25, iban: "GB82WEST12345698765432" };
      const text = JSON.stringify(
        (await adaptOne(createChange({ type, record }))).event,
      );
      expect(text).not.toMatch(/1200|77\.25|90000|DE89|GB82|4111|draft/);
    }
  });

  test.each([...SENSITIVE_WORDS])(
    "records a change of a column named %s",
    async (name) => {
      const adapted = await adaptOne(createChange({
        record: { ...ROW, [name]: "after" },
        old_record: { ...ROW, [name]: "before" },
      }));
      expect(adapted.event.metadata).toMatchObject({ changed_columns: [name] });
      expect(validate(adapted, "audit")).toEqual([]);
    },
  );

  test("counts a column with a sensitive name, and leaves out the name", async () => {
    const name = "card_4111 1111 1111 1111";
    const adapted = await adaptOne(createChange({
      record: { ...ROW, [name]: 1, status: "x" },
    }));
    expect(adapted.event.metadata).toMatchObject({
      changed_columns: ["status"],
      changed_column_count: 2,
      unlisted_column_count: 1,
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("gives a valid event for any names and any number of columns", async () => {
    const rows = fc.dictionary(fc.string({ maxLength: 63 }), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(rows, rows, async (before, after) => {
        const adapted = await adaptOne(
          createChange({ record: after, old_record: before }),
          `firm_id=${FIRM}`,
        );
        const { firm_id: _, ...event } = adapted.event;
        const issues = validate(
          { event: { ...event, firm_id: FIRM } },
          "audit",
        );
        expect(issues).toEqual([]);
      }),
      { numRuns: 200 },
    );
    const wide = Object.fromEntries(
      Array.from({ length: 1_600 }, (_, at) => [`${"c".repeat(58)}_${at}`, at]),
    );
    const adapted = await adaptOne(createChange({
      record: { ...ROW, ...wide },
    }));
    expect(adapted.event.metadata).toMatchObject({
      changed_column_count: 1_600,
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("names the table with its schema outside of public", async () => {
    const { event } = await adaptOne(createChange({ schema: "billing" }));
    expect(event.entity_type).toBe("billing.invoices");
  });

  test.each([
    [42, "42"],
    ["7", undefined],
    ["person@example.com", undefined],
    [4111111111111111, undefined],
    [1.5, undefined],
    [null, undefined],
  ])("with the row id %j refers to it as %j", async (id, expected) => {
    const adapted = await adaptOne(createChange({ record: { ...ROW, id } }));
    if (id === null) {
      expect(adapted.event.entity_id).toBe(ROW.id);
      return;
    }
    expect(adapted.event).not.toHaveProperty("entity_id");
    const { record_id } = adapted.event.metadata as { record_id?: string };
    expect(record_id).toBe(expected);
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("keeps a bigint id digit for digit", async () => {
    const text = JSON.stringify(createChange()).replaceAll(
      `"${ROW.id}"`,
      "9007199254740993",
    );
    const adapted = await adaptOne(text);
    expect(adapted.issues).toEqual([]);
    expect(adapted.event.metadata).toMatchObject({
      record_id: "9007199254740993",
    });
  });

  test("finds a change beyond the precision of a JavaScript number", async () => {
    const text = JSON.stringify(
      createChange({ record: { ...ROW, n: 1 }, old_record: { ...ROW, n: 2 } }),
    )
      .replace('"n":1}', '"n":90071992547409.9312}')
      .replace('"n":2}', '"n":90071992547409.9313}');
    const adapted = await adaptOne(text);
    expect(adapted.issues).toEqual([]);
    expect(adapted.event.metadata).toMatchObject({ changed_columns: ["n"] });
    const same = await adaptOne(text.replaceAll("9313", "9312"));
    expect(same.event.metadata).toMatchObject({ changed_columns: [] });
    expect(same.event.id).not.toBe(adapted.event.id);
  });
});

describe("the firm of a Database Webhook", () => {
  test("is the row's, else the URL's", async () => {
    const { event } = await adaptOne(createChange(), `firm_id=${OTHER_FIRM}`);
    expect(event.firm_id).toBe(FIRM);
    const { firm_id: _, ...row } = ROW;
    const silent = createChange({ record: row, old_record: row });
    expect((await adaptOne(silent, `firm_id=${OTHER_FIRM}`)).event.firm_id)
      .toBe(OTHER_FIRM);
  });

  test("of a row of firms is the row itself", async () => {
    const record = { id: FIRM, name: "Firm" };
    const adapted = await adaptOne(
      createChange({ table: "firms", record, old_record: record }),
    );
    expect(adapted.event).toMatchObject({ firm_id: FIRM, entity_id: FIRM });
  });

  test("is required, with the remedy", async () => {
    const adapted = await adaptOne(
      createChange({ record: { id: ROW.id }, old_record: {} }),
    );
    expect(codesOf(adapted)).toEqual(["/record/firm_id required"]);
    expect(adapted.issues[0].detail).toBe(
      "Is required: give the table a column firm_id, or put ?firm_id=<uuid> into the webhook's URL",
    );
  });
});

describe("the id of a Database Webhook's event", () => {
  test("does not depend on white space or on the order of keys", async () => {
    const payload = createChange();
    const turned = Object.fromEntries(Object.entries(payload).reverse());
    const one = await adaptOne(payload);
    const other = await adaptOne(JSON.stringify(turned, null, 2));
    expect(other.event.id).toBe(one.event.id);
  });

  test.each([
    ["type", { type: "INSERT" }],
    ["table", { table: "payments" }],
    ["schema", { schema: "other" }],
    ["record", { record: { ...ROW, status: "sent" } }],
    ["old_record", { old_record: { ...ROW, status: "sent" } }],
    ["user_id", { user_id: USER }],
  ])("differs when %s differs", async (_, changes) => {
    const one = await adaptOne(createChange());
    expect((await adaptOne(createChange(changes))).event.id)
      .not.toBe(one.event.id);
  });

  test("is the same for a repeated change without a column that differs", async () => {
    const first = await adaptOne(createChange());
    const again = await adaptOne(createChange());
    expect(again.event.id).toBe(first.event.id);
    const versions = [1, 2].map((version) =>
      adaptOne(createChange({ record: { ...ROW, version } }))
    );
    const [one, two] = await Promise.all(versions);
    expect(two.event.id).not.toBe(one.event.id);
  });
});

describe("a malformed Database Webhook", () => {
  test.each([
    [{ type: "TRUNCATE" }, "/type invalid_value"],
    [{ type: "constructor" }, "/type invalid_value"],
    [{ table: "" }, "/table required"],
    [{ schema: null }, "/schema required"],
    [{ record: null }, "/record required"],
    [{ type: "DELETE", old_record: [] }, "/old_record required"],
  ])("with %j is rejected, with a pointer", async (changes, expected) => {
    expect(codesOf(await adaptOne(createChange(changes)))).toContain(expected);
  });

  test.each(["7", "null", '"text"', "[[]]"])(
    "that is %s is rejected",
    async (text) => {
      expect(codesOf(await adaptOne(text))).toEqual([" invalid_type"]);
    },
  );

  test("in an array is rejected alone", async () => {
    const { batch, events } = await adaptDatabaseWebhook(
      deliver([createChange(), null, createChange({ table: "b" })]),
    );
    expect(batch).toBe(true);
    expect(events.map((event) => event.issues.length)).toEqual([0, 1, 0]);
    expect(events[0].event.id).toBe((await adaptOne(createChange())).event.id);
  });

  test("adds no members through prototypes", async () => {
    const text = JSON.stringify(createChange({ record: {}, old_record: {} }))
      .replace('"record":{}', `"record":{"__proto__":{"firm_id":"${FIRM}"}}`);
    expect(codesOf(await adaptOne(text))).toEqual(["/record/firm_id required"]);
  });
});

test("the user reference of a Database Webhook is optional", async () => {
  const payload = createChange({ user_id: USER });
  const { events: [adapted], optionalReferences } = await adaptDatabaseWebhook(
    deliver(payload),
  );
  expect(optionalReferences).toEqual(["user_id"]);
  expect(adapted.event.metadata).toMatchObject({ actor_id: USER });
});
