import { createClient } from "@supabase/supabase-js";
import { generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, test } from "vitest";
import {
  EVENTS,
  NOBODY,
  SLUGS,
  TABLES,
  USER,
  useStack,
} from "../support/running-stack.ts";

const GATEWAY_KEY = "sb_secret_gateway_0123456789abcdefghijklmn";

describe("authentication of writes", () => {
  const ledger = useStack("PGlite", { secretKeys: { gateway: GATEWAY_KEY } });

  async function foreignToken() {
    const { privateKey } = await generateKeyPair("ES256");
    return await new SignJWT({ role: "authenticated" }).setSubject(USER)
      .setProtectedHeader({ alg: "ES256", kid: "another" })
      .setIssuedAt().setExpirationTime("1h").sign(privateKey);
  }

  /** Every kind of wrong credential, as headers. */
  const WRONG: Record<
    string,
    () => Promise<Record<string, string>> | Record<string, string>
  > = {
    "no credential": () => ({}),
    "a publishable key alone": () => ({ apikey: ledger.stack.publishableKey }),
    "an unknown secret key": () => ({ apikey: "sb_secret_wrong" }),
    "an empty key": () => ({ apikey: "" }),
    "a secret key beside Basic credentials": () => ({
      apikey: ledger.stack.secretKey,
      authorization: "Basic dXNlcjpwYXNz",
    }),
    "a secret key beside an unknown one as Bearer": () => ({
      apikey: ledger.stack.secretKey,
      authorization: "Bearer sb_secret_wrong",
    }),
    "Basic credentials": () => ({ authorization: "Basic dXNlcjpwYXNz" }),
    "a malformed token": () => ({ authorization: "Bearer nonsense" }),
    "an expired token": async () => ({
      authorization: `Bearer ${await ledger.stack.signUserToken(USER, {
        expiresIn: -60,
      })}`,
    }),
    "a token signed by another key": async () => ({
      authorization: `Bearer ${await foreignToken()}`,
    }),
    "a token with alg none": () => ({
      authorization: `Bearer ${
        new UnsecuredJWT({ role: "authenticated" }).setSubject(USER).encode()
      }`,
    }),
    "a token with changed claims": async () => {
      const [head, , signature] = (await ledger.stack.signUserToken(USER))
        .split(".");
      const claims = btoa(
        JSON.stringify({ sub: NOBODY, role: "authenticated" }),
      );
      return { authorization: `Bearer ${head}.${claims}.${signature}` };
    },
    "an invalid token beside a valid secret key": async () => ({
      apikey: ledger.stack.secretKey,
      authorization: `Bearer ${await foreignToken()}`,
    }),
    "an expired token beside a publishable key": async () => ({
      apikey: ledger.stack.publishableKey,
      authorization: `Bearer ${await ledger.stack.signUserToken(USER, {
        expiresIn: -60,
      })}`,
    }),
  };

  test.each(Object.entries(WRONG))(
    "answers 401 to %s and stores nothing",
    async (_name, headers) => {
      for (const slug of SLUGS) {
        const before = await ledger.count(TABLES[slug]);
        const answer = await ledger.post(slug, EVENTS[slug], {
          headers: { apikey: null, ...await headers() },
        });
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toContain("Bearer");
        expect(answer.headers.get("content-type"))
          .toBe("application/problem+json");
        expect(["missing_credentials", "invalid_credentials"])
          .toContain(answer.body.code);
        expect(answer.body.detail).toContain("apikey");
        const text = JSON.stringify(answer.body);
        expect(text).not.toContain("gateway");
        expect(text).not.toContain(ledger.stack.secretKey);
        expect(await ledger.count(TABLES[slug])).toBe(before);
      }
    },
  );

  test.each(SLUGS)(
    "%s accepts writes with any named secret key",
    async (slug) => {
      for (const apikey of [ledger.stack.secretKey, GATEWAY_KEY]) {
        const { status } = await ledger.post(slug, EVENTS[slug], {
          headers: { apikey },
        });
        expect(status).toBe(201);
      }
    },
  );

  test("a secret key in both apikey and Authorization, as supabase-js sends it, may write", async () => {
    const headers = { authorization: `Bearer ${ledger.stack.secretKey}` };
    const { status } = await ledger.post("audit", EVENTS.audit, { headers });
    expect(status).toBe(201);
  });

  test.each(["llm-usage", "tool-usage"] as const)(
    "%s refuses a user's write with 403 and names the credential that may write",
    async (slug) => {
      const before = await ledger.count(TABLES[slug]);
      const { status, body } = await ledger.postAs(USER, slug, EVENTS[slug]);
      expect(status).toBe(403);
      expect(body).toMatchObject({ code: "not_allowed" });
      expect(body.detail).toContain("secret API key");
      expect(await ledger.count(TABLES[slug])).toBe(before);
    },
  );

  test("a user who signed in with supabase-js may write an audit event", async () => {
    const client = createClient(ledger.stack.url, ledger.stack.publishableKey, {
      auth: { persistSession: false, autoRefreshToken: false },
    });
    const { data } = await client.auth.signUp({
      email: "eve@first.example",
      password: "correct horse",
    });
    await ledger.admin().from("users").insert({
      id: data.user!.id,
      firm_id: EVENTS.audit.firm_id,
    }).throwOnError();
    const { firm_id: _firm, ...event } = EVENTS.audit;
    const { data: row, error } = await client.functions.invoke("audit", {
      body: event,
    });
    expect(error).toBeNull();
    expect(row).toMatchObject({
      user_id: data.user!.id,
      firm_id: EVENTS.audit.firm_id,
    });
  });

  test.each(["PUT", "PATCH", "DELETE"])(
    "answers 405 to %s, because the logs are append-only",
    async (method) => {
      for (const slug of SLUGS) {
        const { status, headers, body } = await ledger.post(slug, undefined, {
          method,
        });
        expect(status).toBe(405);
        expect(headers.get("allow")).toBe("GET, HEAD, POST, OPTIONS");
        expect(body.detail).toContain("append-only");
      }
    },
  );

  test("answers 404 to an unknown path and to an unknown function", async () => {
    expect((await ledger.post("audit/x/y", EVENTS.audit)).status).toBe(404);
    expect((await ledger.post("nothing", EVENTS.audit)).status).toBe(404);
  });

  test("answers a CORS preflight without a credential", async () => {
    const { status, headers } = await ledger.post("audit", undefined, {
      method: "OPTIONS",
      headers: { apikey: null, origin: "https://app.example" },
    });
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-allow-headers"))
      .toContain("idempotency-key");
  });

  test("every response has a request id, which is the caller's own if that is safe", async () => {
    const { headers } = await ledger.post("audit", "{", {
      headers: { "x-request-id": "trace-1" },
    });
    expect(headers.get("x-request-id")).toBe("trace-1");
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("cache-control")).toBe("no-store");
    const bad = await ledger.post("audit", "{", {
      headers: { "x-request-id": 'a"b <script>' },
    });
    expect(bad.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each(["?atomic=yes", "?atomic=true&atomic=true", "?limit=3"])(
    "answers 400 to %s and names the parameter",
    async (query) => {
      const { status, body } = await ledger.post("audit", EVENTS.audit, {
        query,
      });
      expect(status).toBe(400);
      expect(body.detail).toMatch(/atomic|limit/);
    },
  );
});
