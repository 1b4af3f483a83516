/** What the publishable key, which everyone has, may insert over the REST API. */
import { describe, expect, test } from "vitest";
import { eventId } from "../../shared/ingest/ids.ts";
import { ENGINES, EVENTS, newId, useStack } from "../support/running-stack.ts";

describe.each(ENGINES)("the publishable key on %s", (engine) => {
  const ledger = useStack(engine);

  const insert = async (row: string) => {
    const { url, publishableKey } = ledger.stack;
    const response = await fetch(`${url}/rest/v1/model_usage_log`, {
      method: "POST",
      headers: { "apikey": publishableKey, "content-type": "application/json" },
      body: row,
    });
    await response.body?.cancel();
    return response.status;
  };
  const rowOf = (members: object) =>
    JSON.stringify({ ...EVENTS["model-usage"], ...members });
  const nested = (depth: number, open: string, close: string) =>
    rowOf({}).replace(
      /\}$/,
      `,"metadata":{"m":${open.repeat(depth)}1${close.repeat(depth)}}}`,
    );

  test.each([
    ["arrays", 64, "[", "]"],
    ["arrays", 2_000, "[", "]"],
    ["objects", 64, '{"a":', "}"],
    ["objects", 1_500, '{"a":', "}"],
  ])(
    "stores no JSON with %s nested too deep (%d), which would break every page",
    async (_kind, depth, open, close) => {
      expect(await insert(nested(depth, open, close)))
        .toBeGreaterThanOrEqual(400);
      const { status } = await ledger.post("model-usage", undefined, {
        method: "GET",
      });
      expect(status).toBe(200);
    },
  );

  test("stores JSON of the depth that the functions permit", async () => {
    expect(await insert(nested(60, "[", "]"))).toBe(201);
  });

  test("takes no id that the functions derive", async () => {
    const key = newId();
    const id = await eventId(
      key,
      { log: "model_usage_log", caller: { kind: "service", keyName: "x" } },
      0,
    );
    expect(await insert(rowOf({ id }))).toBeGreaterThanOrEqual(400);
    expect(await insert(rowOf({ id: newId() }))).toBe(201);
    const { status } = await ledger.post("model-usage", EVENTS["model-usage"], {
      headers: { "idempotency-key": key },
    });
    expect(status).toBe(201);
  });
});
