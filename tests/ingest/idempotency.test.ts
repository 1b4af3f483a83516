import { describe, expect, test } from "vitest";
import { overPostgres } from "../support/databases.ts";
import {
  ENGINES,
  EVENTS,
  newId,
  OTHER_USER,
  PROJECT,
  SLUGS,
  TABLES,
  USER,
  useStack,
} from "../support/running-stack.ts";

/** A change to one column of each log that makes different content. */
const CHANGES = {
  "llm-usage": { cost_usd: "0.000125" },
  "tool-usage": { tokens_consumed: 1 },
  "model-usage": { metadata: { a: 2 } },
  "audit": { metadata: { file_count: 2 } },
} as const;

describe.each(ENGINES)("idempotent writes on %s", (engine) => {
  const ledger = useStack(engine);

  test.each(SLUGS)(
    "%s: an identical event is a duplicate, different content a conflict",
    async (slug) => {
      const event = { id: newId(), ...EVENTS[slug] };
      const first = await ledger.post(slug, event);
      const again = await ledger.post(slug, event);
      expect([first.status, again.status]).toEqual([201, 200]);
      expect(again.body).toEqual(first.body);

      const different = await ledger.post(slug, { ...event, ...CHANGES[slug] });
      expect(different.status).toBe(409);
      expect(different.headers.get("content-type"))
        .toBe("application/problem+json");
      expect(different.body).toMatchObject({
        code: "conflict",
        fields: Object.keys(CHANGES[slug]),
      });
      expect(await ledger.rows(TABLES[slug], { id: event.id })).toHaveLength(1);
    },
  );

  test("a retry is compared by value, not by spelling, and only in its own members", async () => {
    const id = newId();
    const event = {
      ...EVENTS["llm-usage"],
      id,
      cost_usd: "0.1",
      created_at: "2026-01-31T12:00:00Z",
      latency_ms: 7,
    };
    await ledger.post("llm-usage", event);
    const { latency_ms: _latency, ...less } = event;
    for (
      const same of [
        { ...event, cost_usd: "0.100000" },
        { ...event, cost_usd: 0.1 },
        { ...event, id: id.toUpperCase() },
        { ...event, created_at: "2026-01-31T14:00:00.000000+02:00" },
        { ...event, latency_ms: 7.0 },
        less,
      ]
    ) {
      expect((await ledger.post("llm-usage", same)).status).toBe(200);
    }
    const metadata = { a: 1, b: { c: [1, 2] } };
    const model = { ...EVENTS["model-usage"], id: newId(), metadata };
    await ledger.post("model-usage", model);
    const reordered = { ...model, metadata: { b: { c: [1, 2] }, a: 1.0 } };
    expect((await ledger.post("model-usage", reordered)).status).toBe(200);
  });

  test("a conflict names every field that differs, and no stored value", async () => {
    const event = {
      ...EVENTS["llm-usage"],
      id: newId(),
      model: "stored-model",
    };
    await ledger.post("llm-usage", event);
    const { body } = await ledger.post("llm-usage", {
      ...event,
      model: "other",
      input_tokens: 1,
      latency_ms: 5,
    });
    expect(body.fields).toEqual(["model", "input_tokens", "latency_ms"]);
    expect(JSON.stringify(body)).not.toContain("stored-model");
  });

  test("a batch that repeats an id records the first event and compares the others with it", async () => {
    const id = newId();
    const event = { ...EVENTS["llm-usage"], id };
    const { status, body } = await ledger.post("llm-usage", [
      event,
      { ...event, model: "other" },
      event,
    ]);
    expect(status).toBe(207);
    expect(body.results.map((r: { outcome: string }) => r.outcome))
      .toEqual(["recorded", "conflict", "duplicate"]);
  });

  test("a retried batch gets 200 with the same ids, and a longer one 207", async () => {
    const key = { headers: { "idempotency-key": newId() } };
    const events = [EVENTS.audit, { ...EVENTS.audit, entity_id: PROJECT }];
    const first = await ledger.post("audit", events, key);
    const again = await ledger.post("audit", events, key);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body.duplicate).toBe(2);
    const ids = (body: { results: { id: string }[] }) =>
      body.results.map((result) => result.id);
    expect(ids(again.body)).toEqual(ids(first.body));
    const longer = await ledger.post("audit", [...events, EVENTS.audit], key);
    expect(longer.status).toBe(207);
    expect(longer.body).toMatchObject({ duplicate: 2, recorded: 1 });
  });

  test("an Idempotency-Key identifies one event per log and per user", async () => {
    const headers = { "idempotency-key": "order 66" };
    const service = await ledger.post("audit", EVENTS.audit, { headers });
    const again = await ledger.post("audit", EVENTS.audit, { headers });
    expect([service.status, again.status]).toEqual([201, 200]);
    const changed = { ...EVENTS.audit, action: "other" };
    expect((await ledger.post("audit", changed, { headers })).status).toBe(409);
    const model = await ledger.post("model-usage", EVENTS["model-usage"], {
      headers,
    });
    expect(model.status).toBe(201);

    const { firm_id: _firm, ...own } = EVENTS.audit;
    const first = await ledger.postAs(USER, "audit", own, { headers });
    const second = await ledger.postAs(OTHER_USER, "audit", own, { headers });
    expect([first.status, second.status]).toEqual([201, 201]);
    const ids = [service, model, first, second].map(({ body }) => body.id);
    expect(new Set(ids).size).toBe(4);
  });

  test("an event without id and Idempotency-Key is new each time", async () => {
    const first = await ledger.post("audit", EVENTS.audit);
    const second = await ledger.post("audit", EVENTS.audit);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body.id).not.toBe(second.body.id);
  });

  test.each(["", "x".repeat(256)])(
    "refuses an Idempotency-Key of %j",
    async (key) => {
      const { status, body } = await ledger.post("audit", EVENTS.audit, {
        headers: { "idempotency-key": key },
      });
      expect(status).toBe(400);
      expect(body.detail).toContain("Idempotency-Key");
    },
  );
});

describe("a retry after the owner's deletion", () => {
  const ledger = useStack("PostgreSQL 17");

  test("a retry is a duplicate after the event's project was deleted", async () => {
    const project = newId();
    await ledger.admin().from("cma_projects").insert({
      id: project,
      firm_id: EVENTS["llm-usage"].firm_id,
      name: "short-lived",
    }).throwOnError();
    const event = {
      ...EVENTS["llm-usage"],
      id: newId(),
      cma_project_id: project,
    };
    expect((await ledger.post("llm-usage", event)).status).toBe(201);
    const owner = overPostgres(ledger.databaseUrl!);
    await owner.query("delete from cma_projects where id = $1", [project]);
    await owner.close();
    const again = await ledger.post("llm-usage", event);
    expect(again.status).toBe(200);
    expect(again.body.cma_project_id).toBeNull();
  });
});
