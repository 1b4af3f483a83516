/**
 * The keys of producers: a leaked one adds rows to one firm, up to its ceiling, and reads
 * nothing.
 */
import { beforeAll, describe, expect, test } from "vitest";
import {
  createProducerKey,
  hashProducerKey,
} from "../../shared/http/producer-keys.ts";
import { createKey } from "../support/producer-keys.ts";
import {
  AGENT,
  ENGINES,
  EVENTS,
  FIRM,
  newId,
  OTHER_FIRM,
  OTHER_PROJECT,
  type PostOptions,
  PROJECT,
  SERVER_ONLY,
  type Slug,
  SLUGS,
  TABLES,
  TOOL,
  USER,
  useStack,
} from "../support/running-stack.ts";
import { deriveId } from "../../shared/ingest/ids.ts";
import { createOtlpSpan } from "../support/producer-spans.ts";

/** The options of a request with a producer key alone. */
const withKey = (key: string, options: PostOptions = {}): PostOptions => ({
  ...options,
  headers: { apikey: null, "x-ledger-key": key, ...options.headers },
});

const reading = (key: string, query = "") =>
  withKey(key, { method: "GET", query });

describe.each(ENGINES)("a producer key on %s", (engine) => {
  const ledger = useStack(engine);

  test.each(SLUGS)(
    "records into %s, as a header and as a bearer",
    async (slug) => {
      const { key } = await createKey(ledger);
      const asHeader = await ledger.post(slug, EVENTS[slug], withKey(key));
      expect(asHeader.status).toBe(201);
      const asBearer = await ledger.post(slug, EVENTS[slug], {
        headers: { apikey: null, authorization: `bearer ${key}` },
      });
      expect(asBearer.status).toBe(201);
      expect(await ledger.row(slug, asHeader.body.id)).toMatchObject(
        slug === "llm-usage" ? { model: EVENTS[slug].model } : EVENTS[slug],
      );
    },
  );

  test("gives every event its scope, whatever the event holds", async () => {
    const scope = { firm_id: FIRM, cma_project_id: PROJECT };
    const { key } = await createKey(ledger, { scope });
    const sent = { firm_id: OTHER_FIRM, cma_project_id: OTHER_PROJECT };
    const events = [{}, sent, { firm_id: null, cma_project_id: "x" }]
      .map((members) => ({ ...EVENTS["llm-usage"], ...members }));
    const { status, body } = await ledger.post(
      "llm-usage",
      events,
      withKey(key),
    );
    expect(status).toBe(201);
    for (const { id } of body.results) {
      expect(await ledger.row("llm-usage", id)).toMatchObject(scope);
    }
  });

  test("is refused at its daily ceiling, with nothing recorded", async () => {
    const { key } = await createKey(ledger, { max_usd_day: "1" });
    const call = (cost_usd: string) => ({ ...EVENTS["llm-usage"], cost_usd });
    const use = (cost_usd: string) => ({ ...EVENTS["tool-usage"], cost_usd });
    const first = await ledger.post("llm-usage", call("0.4"), withKey(key));
    expect(first.status).toBe(201);
    // Reversals count by their absolute amount: they change what a firm owes too.
    const second = await ledger.post("tool-usage", use("-0.6"), withKey(key));
    expect(second.status).toBe(201);
    const id = newId();
    const refused = await ledger.post(
      "llm-usage",
      [{ ...call("0.000001"), id }, call("0")],
      withKey(key),
    );
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe("ceiling_reached");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(
      86_400,
    );
    // What was recorded before is still a duplicate, and free calls still pass.
    const free = await ledger.post("llm-usage", call("0"), withKey(key));
    expect(free.status).toBe(201);
    const unlimited = await createKey(ledger);
    const later = await ledger.post(
      "llm-usage",
      { ...call("0.000001"), id },
      withKey(unlimited.key),
    );
    expect(later.status).toBe(201);
  });

  test("is refused above its rows of a day", async () => {
    const { key } = await createKey(ledger, { max_rows_day: 3 });
    const post = (count: number) =>
      ledger.post("audit", Array(count).fill(EVENTS.audit), withKey(key));
    expect((await post(2)).status).toBe(201);
    expect((await post(2)).body.code).toBe("ceiling_reached");
    expect((await post(1)).status).toBe(201);
    expect((await post(1)).status).toBe(429);
  });

  test("shares its ceiling with the key that replaces it", async () => {
    const { key, id } = await createKey(ledger, { max_rows_day: 2 });
    const fresh = createProducerKey();
    const post = (text: string) =>
      ledger.post("audit", EVENTS.audit, withKey(text));
    expect((await post(key)).status).toBe(201);
    await ledger.admin().rpc("rotate_producer_key", {
      key: id,
      hash: await hashProducerKey(fresh),
    });
    expect((await post(fresh)).status).toBe(201);
    expect((await post(fresh)).status).toBe(429);
    expect((await post(key)).status).toBe(429);
  });

  test("records nothing once it is revoked, without delay", async () => {
    const { key, id } = await createKey(ledger);
    const before = await ledger.post("audit", EVENTS.audit, withKey(key));
    expect(before.status).toBe(201);
    await ledger.admin().rpc("revoke_producer_key", { key: id });
    const after = await ledger.post("audit", EVENTS.audit, withKey(key));
    expect([after.status, after.body.code]).toEqual([
      401,
      "invalid_credentials",
    ]);
  });

  test("keeps its rights under a new secret, and the old one ends", async () => {
    const rights = { logs: ["audit_log"], max_rows_day: 9, can_read: true };
    const old = await createKey(ledger, rights);
    const key = createProducerKey();
    const { data } = await ledger.admin().rpc("rotate_producer_key", {
      key: old.id,
      hash: await hashProducerKey(key),
      overlap_seconds: 1,
    });
    expect(data).toMatchObject({
      ...rights,
      name: "gateway",
      scope: { firm_id: FIRM },
      is_active: true,
    });
    const post = (text: string) =>
      ledger.post("audit", { ...EVENTS.audit, id }, withKey(text));
    const id = newId();
    expect((await post(old.key)).status).toBe(201);
    // The same producer: a retry with the new key is a duplicate.
    expect((await post(key)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await post(old.key)).status).toBe(401);
    expect((await post(key)).status).toBe(200);
  });
});

describe.each(SERVER_ONLY)("a write-only key on %s", (engine) => {
  const ledger = useStack(engine);
  let key: string;
  beforeAll(async () => {
    key = (await createKey(ledger)).key;
  });

  test.each([
    ...SLUGS.flatMap((slug) => [
      [slug, ""],
      [`${slug}/summary`, "?from=2026-01-01&to=2026-02-01"],
      [`${slug}/${newId()}`, ""],
    ]),
    ["llm-usage/budget", `?firm_id=${FIRM}`],
    [`ledger/proof/audit/${newId()}`, ""],
  ])("does not read %s%s", async (path, query) => {
    const answer = await ledger.post(path, undefined, reading(key, query));
    expect([answer.status, answer.body.code]).toEqual([403, "not_allowed"]);
  });

  test.each([
    ["llm-usage/budget", { firm_id: FIRM, limit_usd: "1" }],
    ["llm-usage/reserve", { firm_id: FIRM, amount_usd: "1" }],
    ["llm-usage/ratings", { reason: "x" }],
    ["ledger/seal", {}],
  ])("does not post to %s", async (path, body) => {
    const answer = await ledger.post(path, body, withKey(key));
    expect([answer.status, answer.body.code]).toEqual([403, "not_allowed"]);
  });

  test.each([
    "rest/v1/audit_log",
    "rest/v1/firms",
    "rest/v1/rpc/list_producer_keys",
  ])("is no key of /%s", async (path) => {
    const { publishableKey } = ledger.stack;
    const requests: [string, string][][] = [
      [["apikey", key]],
      [["x-ledger-key", key]],
      [["apikey", publishableKey], ["x-ledger-key", key]],
      [["apikey", publishableKey], ["authorization", `Bearer ${key}`]],
    ];
    for (const headers of requests) {
      const response = await fetch(`${ledger.stack.url}/${path}`, { headers });
      await response.body?.cancel();
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  });

  test("learns nothing from an event that was recorded before", async () => {
    const id = newId();
    const event = {
      ...EVENTS.audit,
      id,
      entity_id: newId(),
      metadata: { file_count: 7 },
    };
    await ledger.post("audit", event, withKey(key));
    const { metadata: _, entity_id: __, ...less } = event;
    const prefer = { headers: { prefer: "return=receipt" } };
    const again = await ledger.post("audit", less, withKey(key, prefer));
    expect(again.status).toBe(200);
    expect(Object.keys(again.body)).toEqual(["id"]);
    const guess = await ledger.post(
      "audit",
      { ...less, metadata: { file_count: 8 } },
      withKey(key, prefer),
    );
    expect(guess.status).toBe(409);
    expect(guess.body).not.toHaveProperty("fields");
    const batch = await ledger.post(
      "audit",
      [less, { ...less, action: "other" }],
      withKey(key, prefer),
    );
    expect(JSON.stringify(batch.body)).not.toMatch(/fields|salts|metadata/);
  });

  test("cannot take an id that another firm or a service will need", async () => {
    const other = await createKey(ledger, { scope: { firm_id: OTHER_FIRM } });
    const id = await deriveId("tests", newId());
    for (
      const post of [
        withKey(key),
        withKey(other.key),
        { headers: {} },
      ]
    ) {
      const { status } = await ledger.post(
        "audit",
        { ...EVENTS.audit, id },
        post,
      );
      expect(status).toBe(201);
    }
    const idempotency = { headers: { "idempotency-key": newId() } };
    for (
      const post of [
        withKey(key, idempotency),
        withKey(other.key, idempotency),
        idempotency,
      ]
    ) {
      const { status } = await ledger.post("audit", EVENTS.audit, post);
      expect(status).toBe(201);
    }
  });

  test("learns nothing of a row of another firm by its id", async () => {
    const other = await createKey(ledger, {
      scope: { firm_id: OTHER_FIRM },
      can_read: true,
    });
    const event = { ...EVENTS.audit, id: newId() };
    const first = await ledger.post("audit", event, withKey(key));
    expect([first.status, first.body.id]).toEqual([201, event.id]);
    for (const again of [event, { ...event, action: "other" }]) {
      const prefer = { headers: { prefer: "return=receipt" } };
      const { status, body } = await ledger.post(
        "audit",
        again,
        withKey(other.key, prefer),
      );
      expect([status, body.code]).toEqual([409, "conflict"]);
      expect(Object.keys(body)).not.toContain("fields");
    }
  });

  test.each([true, false])(
    "does not tell a project of another firm from none, whether it may read (%s)",
    async (can_read) => {
      const { key } = await createKey(ledger, { can_read });
      const post = async (cma_project_id: string) => {
        const event = { ...EVENTS["llm-usage"], cma_project_id };
        const { body } = await ledger.post("llm-usage", event, withKey(key));
        return body.errors;
      };
      expect(await post(OTHER_PROJECT)).toEqual(await post(newId()));
    },
  );
});

describe.each(SERVER_ONLY)("a reading key on %s", (engine) => {
  const ledger = useStack(engine);
  let key: string;
  let own: string;
  let foreign: string;
  beforeAll(async () => {
    key = (await createKey(ledger, { can_read: true })).key;
    const post = (firm_id: string) =>
      ledger.post("llm-usage", { ...EVENTS["llm-usage"], firm_id });
    own = (await post(FIRM)).body.id;
    foreign = (await post(OTHER_FIRM)).body.id;
  });

  test("lists, fetches, summarises and exports the rows of its scope only", async () => {
    const list = await ledger.post("llm-usage", undefined, reading(key));
    const firms = list.body.rows.map((row: { firm_id: string }) => row.firm_id);
    expect(new Set(firms)).toEqual(new Set([FIRM]));
    const fetched = await ledger.post(
      `llm-usage/${own}`,
      undefined,
      reading(key),
    );
    expect(fetched.body.id).toBe(own);
    const hidden = await ledger.post(
      `llm-usage/${foreign}`,
      undefined,
      reading(key),
    );
    expect(hidden.status).toBe(404);
    const summary = await ledger.post(
      "llm-usage/summary",
      undefined,
      reading(key, "?from=2026-01-01&to=2027-01-01&group_by=firm_id"),
    );
    expect(
      summary.body.groups.map((group: { firm_id: string }) => group.firm_id),
    )
      .toEqual([FIRM]);
    const csv = await ledger.post("llm-usage", undefined, {
      ...reading(key),
      headers: { ...reading(key).headers, accept: "text/csv" },
    });
    expect(csv.body).toContain(own);
    expect(csv.body).not.toContain(foreign);
  });

  test.each([
    ["llm-usage", `?firm_id=${OTHER_FIRM}`],
    ["llm-usage", `?firm_id=${FIRM}&firm_id=${OTHER_FIRM}`],
    ["llm-usage/budget", `?firm_id=${OTHER_FIRM}`],
    // Its scope has no column of these logs.
    ["tool-usage", ""],
    ["model-usage", ""],
  ])("is refused at %s%s", async (path, query) => {
    const answer = await ledger.post(path, undefined, reading(key, query));
    expect([answer.status, answer.body.code]).toEqual([403, "not_allowed"]);
  });

  test("reads and reserves the budget of its firm, by default", async () => {
    const reserve = (body: object) =>
      ledger.post("llm-usage/reserve", body, withKey(key));
    await ledger.post("llm-usage/budget", { firm_id: FIRM, limit_usd: "10" });
    const reserved = await reserve({ amount_usd: "1", firm_id: OTHER_FIRM });
    expect(reserved.status).toBe(201);
    const shown = await ledger.post(
      "llm-usage/budget",
      undefined,
      reading(key),
    );
    expect(shown.body).toMatchObject({
      firm_id: FIRM,
      budgets: [{ reserved_usd: "1" }],
    });
  });

  test("reserves under an id that another firm reserved before", async () => {
    const reservation_id = newId();
    await ledger.post("llm-usage/budget", {
      firm_id: OTHER_FIRM,
      limit_usd: "10",
    });
    const post = (firm_id: string) =>
      ledger.post("llm-usage/reserve", {
        firm_id,
        reservation_id,
        amount_usd: "0.5",
      });
    expect((await post(OTHER_FIRM)).status).toBe(201);
    expect((await post(FIRM)).status).toBe(201);
  });
});

describe.each(SERVER_ONLY)("the credentials of a producer on %s", (engine) => {
  const ledger = useStack(engine, {
    secretKeys: { reports: "sb_secret_reports_0123456789abcdef" },
  });

  const post = (headers: Record<string, string | null>) =>
    ledger.post("audit", EVENTS.audit, { headers });

  test("a malformed, unknown, expired or repeated key is refused", async () => {
    const { key } = await createKey(ledger);
    const expired = await createKey(ledger, {
      expires_at: "2026-01-01T00:00:00Z",
    });
    const other = await createKey(ledger);
    const refused = [
      "lfk_",
      "x",
      `${key}x`,
      key.toUpperCase(),
      createProducerKey(),
      expired.key,
      `${key}, ${key}`,
      ledger.stack.secretKey,
    ];
    for (const text of refused) {
      const answer = await post({ apikey: null, "x-ledger-key": text });
      expect([text, answer.status]).toEqual([text, 401]);
    }
    const two = await post({
      apikey: null,
      "x-ledger-key": key,
      authorization: `Bearer ${other.key}`,
    });
    expect(two.status).toBe(401);
  });

  test("the credential with the fewest rights counts", async () => {
    const { key } = await createKey(ledger, { logs: ["llm_usage_log"] });
    const { secretKey, publishableKey } = ledger.stack;
    for (const apikey of [secretKey, publishableKey]) {
      const { body } = await post({ apikey, "x-ledger-key": key });
      expect(body.code).toBe("not_allowed");
      const withBearer = await post({
        apikey,
        authorization: `Bearer ${apikey}`,
        "x-ledger-key": key,
      });
      expect(withBearer.body.code).toBe("not_allowed");
    }
    const unknown = await post({ apikey: "sb_secret_x", "x-ledger-key": key });
    expect(unknown.body.code).toBe("invalid_credentials");
    const writer = await createKey(ledger);
    const asUser = await ledger.postAs(USER, "audit", {
      action: "view",
      entity_type: "page",
    }, { headers: { "x-ledger-key": writer.key } });
    expect(asUser.body.user_id).toBe(USER);
    const badToken = await post({
      authorization: "Bearer a.b.c",
      "x-ledger-key": writer.key,
    });
    expect(badToken.status).toBe(401);
  });
});

describe.each(SERVER_ONLY)("adapters with a producer key on %s", (engine) => {
  const ledger = useStack(engine);

  const LITELLM = {
    id: "chatcmpl-1",
    status: "success",
    model: "gpt-4o-mini",
    custom_llm_provider: "openai",
    startTime: 1_764_000_000,
    endTime: 1_764_000_001,
    prompt_tokens: 10,
    completion_tokens: 5,
    response_cost: 0.001,
    metadata: {
      spend_logs_metadata: { firm_id: OTHER_FIRM, task_type: "extraction" },
    },
  };

  test("LiteLLM's calls get the scope, also without a firm", async () => {
    const { key } = await createKey(ledger);
    const { spend_logs_metadata } = LITELLM.metadata;
    const unnamed = {
      ...LITELLM,
      id: "chatcmpl-2",
      metadata: { spend_logs_metadata: { task_type: "extraction" } },
    };
    expect(spend_logs_metadata.firm_id).toBe(OTHER_FIRM);
    const { status, body } = await ledger.post(
      "webhooks/litellm",
      [LITELLM, unnamed],
      withKey(key),
    );
    expect(status).toBe(201);
    for (const { id } of body.results) {
      expect((await ledger.row("llm-usage", id)).firm_id).toBe(FIRM);
    }
  });

  test.each(["audit", "llm-usage"] as Slug[])(
    "a CloudEvent for %s needs a key for that log",
    async (slug) => {
      const { key } = await createKey(ledger, { logs: [TABLES[slug]] });
      const send = (log: Slug) =>
        ledger.post(
          `webhooks/cloudevents/${log}`,
          {
            specversion: "1.0",
            id: newId(),
            source: "/tests",
            type: "x",
            data: EVENTS[log],
          },
          withKey(key, {
            headers: { "content-type": "application/cloudevents+json" },
          }),
        );
      expect((await send(slug)).status).toBe(201);
      const other = slug === "audit" ? "llm-usage" : "audit";
      expect((await send(other)).body.code).toBe("not_allowed");
    },
  );

  test("traces get the scope; without a key for tools, their spans are rejected", async () => {
    const trace = createOtlpSpan({
      firm_id: OTHER_FIRM,
      agent: AGENT,
      tool: TOOL,
    });
    const both = await createKey(ledger);
    const calls = await createKey(ledger, { logs: ["llm_usage_log"] });
    const sent = async (key: string) => {
      const { status, body } = await ledger.post(
        "otlp/v1/traces",
        trace(),
        withKey(key),
      );
      expect(status).toBe(200);
      return body.partialSuccess;
    };
    expect(await sent(both.key)).toBeUndefined();
    const rows = await ledger.rows("llm_usage_log", {
      model: "claude-sonnet-4-5",
    });
    expect(rows.map(({ firm_id }) => firm_id)).toEqual([FIRM]);
    const partial = await sent(calls.key);
    expect(partial.rejectedSpans).toBe("1");
    expect(partial.errorMessage).toContain("tool_usage_ledger");
  });
});
