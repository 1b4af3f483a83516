import { describe, expect, test } from "vitest";
import type { LogSlug } from "../../shared/logs/index.ts";
import { relocateIssues } from "../../shared/webhooks/adapter.ts";
import { adaptStandardWebhook } from "../../shared/webhooks/standard-webhook.ts";
import {
  codesOf,
  deliver,
  FIRM,
  USER,
  validate,
} from "../support/webhook-deliveries.ts";

const EVENT = {
  firm_id: FIRM,
  user_id: USER,
  action: "upload_file",
  entity_type: "uploaded_file",
  metadata: { file_count: 3 },
};
const MESSAGE = {
  type: "file.uploaded",
  timestamp: "2026-10-05T08:00:00Z",
  data: EVENT,
};

async function adaptOne(
  payload: unknown,
  { id = "msg_1", query = "", log = "audit" as LogSlug } = {},
) {
  const headers: Record<string, string> = id === "" ? {} : { "webhook-id": id };
  const delivery = deliver(payload, { headers, query });
  const { batch, events } = await adaptStandardWebhook(delivery, log);
  expect(batch).toBe(false);
  expect(events).toHaveLength(1);
  return events[0];
}

describe("a Standard Webhooks payload", () => {
  test("becomes its native event, with the time of the message", async () => {
    const adapted = await adaptOne(MESSAGE);
    expect(adapted.issues).toEqual([]);
    expect(adapted.event).toEqual({
      ...EVENT,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      created_at: "2026-10-05T08:00:00.000000Z",
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("has the id of its data, else one derived from the message and the log", async () => {
    const id = "90000000-0000-4000-8000-000000000001";
    const own = await adaptOne({ ...MESSAGE, data: { ...EVENT, id } });
    expect(own.event.id).toBe(id);
    const [one, again, other, elsewhere] = await Promise.all([
      adaptOne(MESSAGE),
      adaptOne(MESSAGE),
      adaptOne(MESSAGE, { id: "msg_2" }),
      adaptOne(MESSAGE, { log: "model-usage" }),
    ]);
    expect(again.event.id).toBe(one.event.id);
    expect(new Set([one, other, elsewhere].map(({ event }) => event.id)).size)
      .toBe(3);
  });

  test("without an id is rejected", async () => {
    for (const id of ["", " "]) {
      expect(codesOf(await adaptOne(MESSAGE, { id })))
        .toEqual(["/data/id required"]);
    }
  });

  test("keeps the event's own time, and accepts seconds", async () => {
    const created_at = "2026-10-04T08:00:00Z";
    const own = await adaptOne({ ...MESSAGE, data: { ...EVENT, created_at } });
    expect(own.event.created_at).toBe(created_at);
    const seconds = await adaptOne({ ...MESSAGE, timestamp: 1791187200 });
    expect(seconds.event.created_at).toBe("2026-10-05T08:00:00.000000Z");
  });

  test("sets the time column of the log", async () => {
    const { event } = await adaptOne(MESSAGE, { log: "model-usage" });
    expect(event).toHaveProperty("captured_at");
    expect(event).not.toHaveProperty("created_at");
  });

  test("takes defaults from the URL", async () => {
    const data = { ...EVENT, firm_id: null };
    const { event } = await adaptOne({ ...MESSAGE, data }, {
      query: `firm_id=${FIRM}&user_id=${FIRM}`,
    });
    expect(event).toMatchObject({ firm_id: FIRM, user_id: USER });
  });

  test("has issues of the log with pointers into the payload", async () => {
    const data = {
      ...EVENT,
      action: "",
      metadata: { amount: 1 },
      "a/b~": 1,
      constructor: 1,
    };
    const adapted = await adaptOne({ ...MESSAGE, data, timestamp: "today" });
    const issues = relocateIssues(adapted, validate(adapted, "audit"));
    expect(issues.map(({ pointer }) => pointer).sort()).toEqual([
      "/data/action",
      "/data/a~1b~0",
      "/data/constructor",
      "/data/metadata/amount",
      "/timestamp",
    ]);
  });

  test("has issues that name a missing member", async () => {
    const adapted = await adaptOne({ type: "x", data: {} });
    const issues = relocateIssues(adapted, validate(adapted, "audit"));
    expect(issues.map(({ pointer }) => pointer)).toEqual(["", "", ""]);
    expect(issues.map(({ detail }) => detail.split(":")[0]).sort())
      .toEqual(["action", "entity_type", "firm_id"]);
  });

  test("has issues that name a member of a prototype", async () => {
    const adapted = await adaptOne(MESSAGE);
    const issue = { pointer: "/toString", code: "x", detail: "Is wrong" };
    expect(relocateIssues(adapted, [issue])).toEqual([
      { pointer: "", code: "x", detail: "toString: Is wrong" },
    ]);
  });

  test("with malformed JSON members is rejected, with pointers", async () => {
    const text = JSON.stringify(MESSAGE)
      .replace('"file_count":3', '"file_count":3,"file_count":4')
      .replace('"data":{', '"data":{"__proto__":{"user_id":"x"},');
    expect(codesOf(await adaptOne(text))).toEqual([
      "/data forbidden_key",
      "/data/metadata/file_count duplicate_key",
    ]);
  });

  test.each([
    ["[]", "invalid_batch"],
    ["{", "invalid_body"],
  ])("that is %s is rejected as a whole", async (text, code) => {
    await expect(adaptOne(text)).rejects.toMatchObject({ problem: { code } });
  });

  test.each([[[MESSAGE]], [7], [null], ["text"]])(
    "that is %j is rejected",
    async (payload) => {
      const text = JSON.stringify(payload);
      expect(codesOf(await adaptOne(text))).toEqual([" invalid_type"]);
    },
  );

  test.each([undefined, null, 7, "text", [EVENT]])(
    "whose data is %j is rejected",
    async (data) => {
      expect(codesOf(await adaptOne({ ...MESSAGE, data })))
        .toEqual(["/data invalid_type"]);
    },
  );
});
