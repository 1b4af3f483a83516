import { describe, expect, test } from "vitest";
import { EVENTS, newId, SLUGS, TABLES } from "../support/running-stack.ts";
import {
  countRows,
  postSigned,
  showRow,
  STANDARD_SECRETS,
  useReceiver,
} from "../support/receiving-stack.ts";

const [{ bytes: secret }] = STANDARD_SECRETS;
const STRUCTURED = { "content-type": "application/cloudevents+json" };
const BATCH = { "content-type": "application/cloudevents-batch+json" };

const message = (data: unknown) => ({
  type: "ledger.event",
  timestamp: "2026-10-05T08:00:00Z",
  data,
});

const cloudEvent = (data: unknown, changes = {}) => ({
  specversion: "1.0",
  id: newId(),
  source: "/tests",
  type: "ledger.event",
  time: "2026-10-05T08:00:00Z",
  data,
  ...changes,
});

describe("native events in envelopes", () => {
  const ledger = useReceiver("PGlite");

  test.each(SLUGS)(
    "of %s are recorded, with a signature or a key",
    async (slug) => {
      const path = `webhooks/standard/${slug}`;
      const id = `msg_${newId()}`;
      const body = message(EVENTS[slug]);
      const signed = await postSigned(ledger, path, body, { id, secret });
      expect(signed.status).toBe(201);
      const row = await showRow(ledger, slug, signed.body.id);
      expect(row).toMatchObject({
        [slug === "model-usage" ? "captured_at" : "created_at"]:
          "2026-10-05T08:00:00+00:00",
      });
      const headers = { "webhook-id": id };
      const keyed = await ledger.post(path, body, { headers });
      expect([keyed.status, keyed.body.id]).toEqual([200, signed.body.id]);
    },
  );

  test.each(SLUGS)("of %s are recorded from CloudEvents", async (slug) => {
    const path = `webhooks/cloudevents/${slug}`;
    const event = cloudEvent(EVENTS[slug]);
    const one = await ledger.post(path, event, { headers: STRUCTURED });
    expect(one.status).toBe(201);
    const before = await ledger.count(TABLES[slug]);
    const batch = await ledger.post(path, [event, cloudEvent(EVENTS[slug])], {
      headers: BATCH,
    });
    expect(batch.status).toBe(207);
    expect(batch.body).toMatchObject({ recorded: 1, duplicate: 1 });
    const { data, ...attributes } = event;
    const binary = await ledger.post(path, data, {
      headers: Object.fromEntries(
        Object.entries(attributes)
          .map(([name, value]) => [`ce-${name}`, value]),
      ),
    });
    expect([binary.status, binary.body.id]).toEqual([200, one.body.id]);
    expect(await ledger.count(TABLES[slug])).toBe(before + 1);
  });

  test("are rejected with members that only adapters set", async () => {
    const decided = {
      reported_cost_usd: "-1",
      token_convention: "exclusive",
      convention_basis: "proved",
    };
    const before = await countRows(ledger);
    for (const slug of SLUGS) {
      const event = { ...EVENTS[slug], ...decided };
      const answers = [
        await ledger.post(`webhooks/standard/${slug}`, message(event), {
          headers: { "webhook-id": newId() },
        }),
        await ledger.post(`webhooks/cloudevents/${slug}`, cloudEvent(event), {
          headers: STRUCTURED,
        }),
      ];
      for (const { status, body } of answers) {
        expect(status).toBe(422);
        expect(body.errors).toMatchObject(
          Object.keys(decided).map((member) => ({
            pointer: `/data/${member}`,
            code: "unknown_field",
          })),
        );
      }
    }
    expect(await countRows(ledger)).toBe(before);
  });

  test("of a model call have the details of a native event", async () => {
    const event = {
      ...EVENTS["llm-usage"],
      provider: "openai",
      cache_read_tokens: 1000,
    };
    const { body } = await ledger.post(
      "webhooks/standard/llm-usage",
      message(event),
      { headers: { "webhook-id": newId() } },
    );
    expect(await showRow(ledger, "llm-usage", body.id)).toMatchObject({
      provider: "openai",
      cache_read_tokens: 1000,
      token_convention: null,
    });
  });

  test("are rejected with pointers into the envelope", async () => {
    const headers = { "webhook-id": newId() };
    const { status, body } = await ledger.post(
      "webhooks/standard/audit",
      message({ ...EVENTS.audit, action: "" }),
      { headers },
    );
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ pointer: "/data/action" }]);
  });

  test("take defaults from known parameters of the URL", async () => {
    const { firm_id, ...rest } = EVENTS.audit;
    const headers = { "webhook-id": newId() };
    const path = "webhooks/standard/audit";
    const query = `?firm_id=${firm_id}`;
    const full = await ledger.post(path, message(rest), { headers, query });
    expect([full.status, full.body.firm_id]).toEqual([201, firm_id]);
    const unknown = await ledger.post(path, message(rest), {
      headers,
      query: "?agent_id=x",
    });
    expect(unknown.status).toBe(400);
    expect(unknown.body.detail).toContain("firm_id, user_id");
  });

  test("of an empty batch are a success", async () => {
    const { status, body } = await ledger.post(
      "webhooks/cloudevents/audit",
      "[]",
      { headers: BATCH },
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      recorded: 0,
      duplicate: 0,
      conflict: 0,
      rejected: 0,
      results: [],
    });
  });
});

describe("a webhook path", () => {
  const ledger = useReceiver("PGlite");

  test.each([
    "webhooks",
    "webhooks/",
    "webhooks/stripe",
    "webhooks/standard",
    "webhooks/standard/payments",
    "webhooks/cloudevents/constructor",
    "webhooks/litellm/llm-usage",
    "webhooks/standard/audit/more",
    "webhooks/__proto__",
  ])(
    "/%s is not found, and the answer lists the paths",
    async (path) => {
      const { status, body } = await ledger.post(path, {});
      expect(status).toBe(404);
      expect(body.code).toBe("not_found");
      expect(body.detail).toContain(
        "/webhooks/litellm, /webhooks/portkey, /webhooks/database, /webhooks/auth, /webhooks/standard/<log>, /webhooks/cloudevents/<log>",
      );
    },
  );

  test.each(["GET", "PUT", "DELETE", "HEAD"])(
    "does not allow %s",
    async (method) => {
      const { status, headers } = await ledger.post(
        "webhooks/database",
        undefined,
        { method },
      );
      expect(status).toBe(405);
      expect(headers.get("allow")).toBe("POST, OPTIONS");
    },
  );

  test("accepts JSON in UTF-8 only", async () => {
    const refused: [Uint8Array | string, Record<string, string>, number][] = [
      ["{}", { "content-type": "text/plain" }, 415],
      ["{}", { "content-encoding": "br" }, 415],
      ["", {}, 400],
      [new Uint8Array([0xff]), {}, 400],
      ["{", {}, 400],
      ["x".repeat(2 * 1024 * 1024 + 1), {}, 413],
    ];
    for (const [body, headers, expected] of refused) {
      const { status } = await ledger.post("webhooks/database", body, {
        headers,
      });
      expect(status).toBe(expected);
    }
  });
});
