import { describe, expect, test } from "vitest";
import { signMessage } from "../../shared/webhooks/signatures.ts";
import {
  ENGINES,
  FIRM,
  newId,
  OTHER_FIRM,
  USER,
} from "../support/running-stack.ts";
import {
  createChange,
  createEntry,
  createNewHook,
  HOOK_ANSWERS,
  HOOKS,
} from "../support/supabase-payloads.ts";
import {
  AUTH_SECRETS,
  countRows,
  postSigned,
  useReceiver,
} from "../support/receiving-stack.ts";

const PATH = "webhooks/auth";
const [{ bytes: secret }, { bytes: oldSecret }] = AUTH_SECRETS;

describe.each(ENGINES)("an Auth hook on %s", (engine) => {
  const ledger = useReceiver(engine);
  const send = (hook: unknown, query = "", id: string = newId()) =>
    postSigned(ledger, PATH, hook, { id, secret }, { query });

  test("is recorded as an audit event, with the answer that Auth expects", async () => {
    const hook = createNewHook("customize-access-token");
    const before = await ledger.rows("audit_log");
    const { status, headers, body } = await send(hook);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({ claims: HOOKS["customize-access-token"].claims });
    const rows = await ledger.rows("audit_log");
    const [row] = rows.filter(({ id }) => !before.some((one) => one.id === id));
    expect(row).toMatchObject({
      firm_id: FIRM,
      user_id: USER,
      action: "customize_access_token",
      entity_type: "user",
      entity_id: USER,
      ip_address: "203.0.113.7",
      metadata: { source: "auth_hook", actor_id: USER },
    });
    expect(JSON.stringify(row)).not.toContain("person@example.com");
  });

  test("adds nothing on a retry under another webhook-id", async () => {
    const hook = createNewHook("after-user-created");
    const before = await countRows(ledger);
    for (const id of ["first", "second", "third"]) {
      const { status, body } = await send(hook, "", id);
      expect([status, body]).toEqual([200, {}]);
    }
    expect(await countRows(ledger)).toBe(before + 1);
  });
});

describe("an Auth hook", () => {
  const ledger = useReceiver("PGlite");
  const sign = { id: "msg_1", secret };

  test("verifies with each secret of a rotation, and with comma-joined signatures", async () => {
    const hook = JSON.stringify(createNewHook("after-user-created"));
    const before = await countRows(ledger);
    const bySecret = await Promise.all(
      [oldSecret, secret].map((one) =>
        postSigned(ledger, PATH, hook, { ...sign, secret: one })
      ),
    );
    expect(bySecret.map(({ status }) => status)).toEqual([200, 200]);
    const wrong = `v1,${btoa("x".repeat(32))}`;
    for (const join of [", ", ",", " "]) {
      const time = new Date();
      const bytes = new TextEncoder().encode(hook);
      const headers = await signMessage({ id: "m", time, body: bytes }, secret);
      const signature = [wrong, headers["webhook-signature"]].join(join);
      const { status } = await ledger.post(PATH, bytes, {
        headers: { apikey: null, ...headers, "webhook-signature": signature },
      });
      expect(status).toBe(200);
    }
    expect(await countRows(ledger)).toBe(before + 1);
  });

  test.each(HOOK_ANSWERS)(
    "%s is recorded, with the answer that Auth needs",
    async (name, answer) => {
      const query = `?firm_id=${FIRM}`;
      const before = await countRows(ledger);
      const good = await postSigned(ledger, PATH, createNewHook(name), sign, {
        query,
      });
      expect([good.status, good.body]).toEqual([200, answer]);
      expect(await countRows(ledger)).toBe(before + 1);
    },
  );

  test("returns every digit of the claims", async () => {
    const text = JSON.stringify(createNewHook("customize-access-token"))
      .replace('"aal":"aal1"', '"aal":"aal1","big":12345678901234567890.10');
    const bytes = new TextEncoder().encode(text);
    const headers = await signMessage(
      { id: "m", time: new Date(), body: bytes },
      secret,
    );
    const url = `${ledger.stack.url}/functions/v1/${PATH}`;
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: bytes,
    });
    expect(await response.text()).toContain('"big":12345678901234567890.10');
  });

  test("records nothing for a token refresh", async () => {
    const before = await countRows(ledger);
    const { status, body } = await postSigned(
      ledger,
      PATH,
      createNewHook("customize-access-token", {
        authentication_method: "token_refresh",
      }),
      sign,
    );
    expect(status).toBe(200);
    expect(body).toHaveProperty("claims");
    expect(await countRows(ledger)).toBe(before);
  });

  test("accepts a key instead of a signature", async () => {
    const before = await countRows(ledger);
    const { status, body } = await ledger.post(
      PATH,
      createNewHook("password-verification"),
      { query: `?firm_id=${FIRM}` },
    );
    expect([status, body]).toEqual([200, { decision: "continue" }]);
    expect(await countRows(ledger)).toBe(before + 1);
  });
});

describe("rows of auth.audit_log_entries", () => {
  const ledger = useReceiver("PGlite");
  const query = `?firm_id=${OTHER_FIRM}`;
  const insert = (record: unknown) =>
    createChange({
      type: "INSERT",
      schema: "auth",
      table: "audit_log_entries",
      record,
      old_record: null,
    });

  test("become audit events with the same ids, from a Database Webhook with a key", async () => {
    const id = newId();
    const { status, body } = await ledger.post(
      PATH,
      insert({ ...createEntry(), id }),
      { query },
    );
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id,
      firm_id: OTHER_FIRM,
      user_id: USER,
      action: "login",
      entity_type: "account",
      metadata: { source: "auth_audit_log", actor_id: USER, provider: "email" },
    });
    const again = await ledger.post(PATH, insert({ ...createEntry(), id }), {
      query,
    });
    expect(again.status).toBe(200);
  });

  test("are rejected when they are invalid", async () => {
    for (
      const [body, at, expected] of [
        [insert({ ...createEntry(), id: newId() }), "", 422],
        [insert({ ...createEntry(), id: "x" }), query, 422],
        [createChange(), query, 422],
        [insert(createEntry()), "?colour=red", 400],
      ] as const
    ) {
      const { status } = await ledger.post(PATH, body, { query: at });
      expect(status).toBe(expected);
    }
  });
});
