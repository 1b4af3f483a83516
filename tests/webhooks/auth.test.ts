import { describe, expect, test } from "vitest";
import { adaptAuth } from "../../shared/webhooks/auth.ts";
import type { AdaptedEvent } from "../../shared/webhooks/adapter.ts";
import { createHookResponse } from "../../shared/webhooks/answer-auth-hook.ts";
import {
  codesOf,
  deliver,
  FIRM,
  OTHER_FIRM,
  USER,
  validate,
} from "../support/webhook-deliveries.ts";
import {
  createChange,
  createEntry,
  createHook,
  HOOKS,
} from "../support/supabase-payloads.ts";

const URL_FIRM = `firm_id=${OTHER_FIRM}`;
const PERSONAL =
  /person@|Person|\+4915|305805|561166|7d5b7b|attacker|example\.com/;

async function adaptOne(
  payload: unknown,
  query?: string,
): Promise<AdaptedEvent> {
  const { events } = await adaptAuth(deliver(payload, { query }));
  expect(events).toHaveLength(1);
  return events[0];
}

describe("an Auth hook", () => {
  test("after-user-created becomes an audit event about the user", async () => {
    const adapted = await adaptOne(createHook("after-user-created"));
    expect(adapted.issues).toEqual([]);
    expect(adapted.event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
      firm_id: FIRM,
      action: "after_user_created",
      entity_type: "user",
      entity_id: USER,
      ip_address: "203.0.113.7",
      created_at: "2026-10-05T10:00:00.123456789+02:00",
      metadata: { source: "auth_hook", provider: "email" },
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test.each([
    ["password-verification", { valid: false }],
    ["mfa-verification", {
      valid: true,
      factor_type: "totp",
      factor_id: "a0000000-0000-4000-8000-000000000001",
    }],
    ["customize-access-token", {
      authentication_method: "sso/saml",
      session_id: "b0000000-0000-4000-8000-000000000001",
    }],
  ])("%s becomes an audit event by the user", async (name, metadata) => {
    const adapted = await adaptOne(createHook(name), URL_FIRM);
    expect(adapted.issues).toEqual([]);
    expect(adapted.event).toMatchObject({
      action: name.replaceAll("-", "_"),
      user_id: USER,
      entity_id: USER,
      metadata: { source: "auth_hook", actor_id: USER, ...metadata },
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test.each(Object.keys(HOOKS))("%s leaves out personal data", async (name) => {
    const { event } = await adaptOne(createHook(name), URL_FIRM);
    expect(JSON.stringify(event)).not.toMatch(PERSONAL);
  });

  test("derives its id from the invocation, which stays the same on a retry", async () => {
    const payload = createHook("after-user-created");
    const attempts = ["first", "second"].map((id) =>
      adaptAuth(deliver(payload, { headers: { "webhook-id": id } }))
    );
    const [one, other] = await Promise.all(attempts);
    expect(other.events[0].event).toEqual(one.events[0].event);
    const uuid = "90000000-0000-4000-8000-000000000002";
    const next = await adaptOne({
      ...payload,
      metadata: { ...payload.metadata as object, uuid },
    });
    expect(next.event.id).not.toBe(one.events[0].event.id);
  });

  test("takes the firm from app_metadata, else from the URL", async () => {
    const user = { id: USER, user_metadata: { firm_id: FIRM } };
    const payload = createHook("after-user-created", { user });
    expect(codesOf(await adaptOne(payload))).toEqual([
      "/user/app_metadata/firm_id required",
    ]);
    const { event } = await adaptOne(payload, URL_FIRM);
    expect(event.firm_id).toBe(OTHER_FIRM);
    const token = await adaptOne(
      createHook("customize-access-token"),
      URL_FIRM,
    );
    expect(token.event.firm_id).toBe(FIRM);
  });

  test("gives no event for a token refresh", async () => {
    const renewal = createHook("customize-access-token", {
      authentication_method: "token_refresh",
    });
    expect((await adaptAuth(deliver(renewal))).events).toEqual([]);
  });

  test.each(["send-email", "send-sms", "unheard-of", undefined])(
    "named %s is rejected as an audit source",
    async (name) => {
      const adapted = await adaptOne(createHook(name!), URL_FIRM);
      expect(codesOf(adapted)).toEqual(["/metadata/name not_an_audit_source"]);
    },
  );

  test("without an invocation id is rejected", async () => {
    const metadata = { name: "after-user-created" };
    const adapted = await adaptOne(
      createHook("after-user-created", { metadata }),
    );
    expect(codesOf(adapted)).toEqual(["/metadata/uuid required"]);
  });

  test.each(["", "unknown", "203.0.113.7, 10.0.0.1", 7])(
    "with the IP address %j has no ip_address",
    async (ip_address) => {
      const payload = createHook("after-user-created");
      const metadata = { ...payload.metadata as object, ip_address };
      const { event, issues } = await adaptOne({ ...payload, metadata });
      expect(issues).toEqual([]);
      expect(event).not.toHaveProperty("ip_address");
    },
  );
});

describe("the answer to an Auth hook", () => {
  const answerOf = (payload: unknown) => {
    const text = typeof payload === "string"
      ? payload
      : JSON.stringify(payload);
    const { status, headers, body } = createHookResponse(text);
    expect(status).toBe(200);
    expect(headers).toEqual({ "content-type": "application/json" });
    return body;
  };

  test.each(["before-user-created", "after-user-created", "unheard-of"])(
    "%s is an empty object",
    (name) => expect(answerOf(createHook(name))).toBe("{}"),
  );

  test.each(["password-verification", "mfa-verification"])(
    "%s continues, whether valid or not",
    (name) => {
      for (const valid of [true, false]) {
        expect(answerOf(createHook(name, { valid }))).toBe(
          '{"decision":"continue"}',
        );
      }
    },
  );

  test("customize-access-token returns the claims digit for digit", () => {
    const claims =
      '{"sub":"1","exp":1791191000,"app_metadata":{"n":12345678901234567890.10,"__proto__":{"a":1}},"x":"é"}';
    const text = `{ "metadata": {}, "claims": ${claims} }`;
    expect(answerOf(text)).toBe(`{"claims":${claims}}`);
    const renewal = createHook("customize-access-token", {
      authentication_method: "token_refresh",
    });
    expect(JSON.parse(answerOf(renewal))).toEqual({ claims: renewal.claims });
  });

  test.each(["send-email", "send-sms"])(
    "%s is an error, because no message is sent",
    (name) => {
      const { error } = JSON.parse(answerOf(createHook(name)));
      expect(error).toEqual({
        http_code: 500,
        message: expect.stringContaining("sends no messages"),
      });
    },
  );

  test.each([
    "",
    "not json",
    "null",
    "[]",
    "7",
    '{"claims": 7}',
    '{"valid": 1}',
  ])(
    "to %j is an empty object",
    (text) => expect(answerOf(text)).toBe("{}"),
  );
});

describe("a row of auth.audit_log_entries", () => {
  const insert = (record: unknown, changes = {}) => ({
    type: "INSERT",
    schema: "auth",
    table: "audit_log_entries",
    record,
    old_record: null,
    ...changes,
  });

  test("becomes an audit event with its own id, action and type", async () => {
    const adapted = await adaptOne(insert(createEntry()), URL_FIRM);
    expect(adapted.issues).toEqual([]);
    expect(adapted.event).toEqual({
      id: "c0000000-0000-4000-8000-000000000001",
      firm_id: OTHER_FIRM,
      user_id: USER,
      action: "login",
      entity_type: "account",
      entity_id: USER,
      ip_address: "203.0.113.7",
      created_at: "2026-10-05T08:00:00.123456+00:00",
      metadata: { source: "auth_audit_log", actor_id: USER, provider: "email" },
    });
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("gives the same event bare, in an array and in a Database Webhook", async () => {
    const { event } = await adaptOne(insert(createEntry()), URL_FIRM);
    expect((await adaptOne(createEntry(), URL_FIRM)).event).toEqual(event);
    const { batch, events } = await adaptAuth(
      deliver([createEntry(), createEntry()], { query: URL_FIRM }),
    );
    expect(batch).toBe(true);
    expect(events.map((one) => one.event)).toEqual([event, event]);
  });

  test("refers to a factor, and to another user", async () => {
    const factor_id = "a0000000-0000-4000-8000-000000000001";
    const user_id = "20000000-0000-4000-8000-000000000009";
    const traits = {
      factor_id,
      user_id,
      factor_type: "totp",
      user_email: "person@example.com",
      user_phone: "+4915112345678",
    };
    const factor = await adaptOne(
      createEntry({ action: "factor_deleted", log_type: "factor", traits }),
      URL_FIRM,
    );
    expect(factor.event).toMatchObject({
      user_id: USER,
      entity_type: "factor",
      entity_id: factor_id,
    });
    expect(factor.event.metadata).toEqual({
      source: "auth_audit_log",
      actor_id: USER,
      factor_id,
      user_id,
      factor_type: "totp",
    });
    expect(validate(factor, "audit")).toEqual([]);
    const team = await adaptOne(
      createEntry({ action: "user_deleted", log_type: "team", traits }),
      URL_FIRM,
    );
    expect(team.event.entity_id).toBe(user_id);
  });

  test("by the service role has no user", async () => {
    const actor_id = "00000000-0000-0000-0000-000000000000";
    const { event } = await adaptOne(createEntry({ actor_id }), URL_FIRM);
    expect(event).not.toHaveProperty("user_id");
    expect(event).not.toHaveProperty("entity_id");
    expect(event.metadata).not.toHaveProperty("actor_id");
  });

  test("leaves out personal data", async () => {
    const traits = {
      provider: "person@example.com",
      user_id: "person@example.com",
      factor_type: "4111111111111111",
    };
    const adapted = await adaptOne(createEntry({ traits }), URL_FIRM);
    expect(JSON.stringify(adapted.event)).not.toMatch(PERSONAL);
    expect(JSON.stringify(adapted.event)).not.toContain("4111");
    expect(validate(adapted, "audit")).toEqual([]);
  });

  test("without its members is rejected, with a pointer to each", async () => {
    const entry = createEntry({ action: null, log_type: 7 });
    const adapted = await adaptOne(insert({ ...entry, id: "1" }));
    expect(codesOf(adapted)).toEqual([
      "/record/id required",
      "/record/payload/action required",
      "/record required",
    ]);
  });

  test.each([
    createChange(),
    insert(createEntry(), { type: "UPDATE" }),
    insert(null),
    insert(createEntry(), { schema: "public" }),
  ])("rejects another payload: %#", async (payload) => {
    const adapted = await adaptOne(payload, URL_FIRM);
    expect(codesOf(adapted)).toEqual([" invalid_type"]);
    expect(adapted.issues[0].detail).toContain("/webhooks/database");
  });
});
