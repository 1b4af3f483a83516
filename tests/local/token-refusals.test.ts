import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import type { Stack } from "../../local/stack.ts";
import { REST_SCHEMA } from "./rest-schema.ts";
import { useScratchStack } from "./use-scratch-stack.ts";
import { functionModule } from "../support/scratch-project.ts";

const ANN = "11111111-1111-4111-8111-111111111111";
const CLAIMS = { sub: ANN, role: "authenticated", aud: "authenticated" };

describe("an invalid token", () => {
  let tokens: Record<string, string>;

  const scratch = useScratchStack({
    "migrations/1_notes.sql": REST_SCHEMA,
    "functions/guarded/index.ts": functionModule('new Response("inside")'),
  });

  beforeAll(async () => {
    tokens = await makeBadTokens(scratch.stack);
  });

  const rest = (authorization: string, apikey: string) =>
    fetch(`${scratch.stack.url}/rest/v1/rpc/whoami`, {
      method: "POST",
      headers: { apikey, authorization },
    });

  test("gets 401 on /rest/v1 beside any key, where a valid one gets 200", async () => {
    const good = await scratch.stack.signUserToken(ANN);
    for (
      const apikey of [scratch.stack.publishableKey, scratch.stack.secretKey]
    ) {
      const accepted = await rest(`Bearer ${good}`, apikey);
      expect(accepted.status).toBe(200);
      await accepted.body?.cancel();
      for (const [name, token] of Object.entries(tokens)) {
        const response = await rest(`Bearer ${token}`, apikey);
        expect([name, response.status]).toEqual([name, 401]);
        expect(response.headers.get("www-authenticate")).toContain("Bearer");
        await response.body?.cancel();
      }
    }
  });

  test("that has only expired is reported as expired", async () => {
    const response = await rest(
      `Bearer ${tokens.expired}`,
      scratch.stack.publishableKey,
    );
    expect(await response.json()).toMatchObject({
      code: "PGRST303",
      message: "JWT expired",
    });
  });

  test("gets 401 from a function with verify_jwt", async () => {
    for (const [name, token] of Object.entries(tokens)) {
      if (name === "empty") continue;
      const response = await fetch(
        `${scratch.stack.url}/functions/v1/guarded`,
        {
          headers: { authorization: `Bearer ${token}` },
        },
      );
      expect([name, response.status]).toEqual([name, 401]);
      expect(response.headers.get("sb-error-code")).toMatch(/^UNAUTHORIZED_/);
      await response.body?.cancel();
    }
  });
});

async function makeBadTokens(stack: Stack): Promise<Record<string, string>> {
  const foreign = await generateKeyPair("ES256", { extractable: true });
  const jwks = await (await fetch(`${stack.url}/auth/v1/.well-known/jwks.json`))
    .json();
  const { kid } = jwks.keys[0];
  const good = await stack.signUserToken(ANN);
  const [header, payload, signature] = good.split(".");
  const issuer = `${stack.url}/auth/v1`;
  const sign = (alg: string, key: CryptoKey | Uint8Array) =>
    new SignJWT(CLAIMS).setProtectedHeader({ alg, kid }).setIssuer(issuer)
      .setIssuedAt().setExpirationTime("1h").sign(key);
  const widened = { ...decode(payload), role: "service_role" };
  return {
    empty: "",
    nonsense: "nonsense",
    "three parts of nonsense": "a.b.c",
    "no signature": `${header}.${payload}.`,
    "cut off": good.slice(0, -4),
    "changed claims": `${header}.${encode(widened)}.${signature}`,
    "alg none": new UnsecuredJWT(CLAIMS).setExpirationTime("1h").encode(),
    "alg none with a signature": `${
      encode({ alg: "none", kid })
    }.${payload}.${signature}`,
    "foreign key under our kid": await sign("ES256", foreign.privateKey),
    "HS256 keyed with the public key": await sign(
      "HS256",
      new TextEncoder().encode(JSON.stringify(jwks.keys[0])),
    ),
    "HS256 with the CLI's old secret": await sign(
      "HS256",
      new TextEncoder().encode(
        "super-secret-jwt-token-with-at-least-32-characters-long",
      ),
    ),
    "key sent along": await new SignJWT(CLAIMS)
      .setProtectedHeader({
        alg: "ES256",
        jwk: await exportJWK(foreign.publicKey),
      })
      .setExpirationTime("1h").sign(foreign.privateKey),
    expired: await stack.signUserToken(ANN, { expiresIn: -10 }),
  };
}

const decode = (part: string) =>
  JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));

const encode = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
