import { verifyAuth } from "@supabase/server/core";
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { authenticate } from "../../shared/http/access.ts";
import { ProblemError } from "../../shared/http/problem.ts";
import type { ApiKeys } from "../../shared/db/environment.ts";
import { USER } from "../support/running-stack.ts";

const KEY = "sb_secret_one_0123456789abcdefghij";
const OTHER = "sb_secret_two_and_longer_0123456789abcdefghijklmnop";
const PUBLISHABLE = "sb_publishable_0123456789abcdefghij";

/** Sets of secret keys of a project, by the name of the case. */
const KEY_SETS: Record<string, ApiKeys> = {
  "one key": { default: KEY },
  "several keys": { default: KEY, gateway: OTHER, "a third": "sb_secret_3" },
  "no key called default": { gateway: OTHER, producer: KEY },
  "no key at all": {},
  "an empty key": { default: "" },
  "an empty key and a good one": { empty: "", producer: KEY },
  "a key that is a prefix of another": { short: KEY.slice(0, -1), long: KEY },
  "the same key twice": { first: KEY, second: KEY },
  "a key beyond ASCII": { default: "sb_secret_é", long: "sb_secret_é…" },
};

const API_KEYS: Record<string, string | null> = {
  "no apikey": null,
  "an empty apikey": "",
  "a key": KEY,
  "another key": OTHER,
  "a truncated key": KEY.slice(0, -1),
  "a key with a suffix": `${KEY}x`,
  "a key in upper case": KEY.toUpperCase(),
  "a key between spaces": ` ${KEY} `,
  "a key twice": `${KEY}, ${KEY}`,
  "a publishable key": PUBLISHABLE,
  "an unknown key": "sb_secret_unknown",
  "a key beyond ASCII": "sb_secret_é",
};

/** Values of Authorization; the tokens are signed before the tests. */
const AUTHORIZATIONS: Record<string, string | null> = {
  "no Authorization": null,
  "an empty Authorization": "",
  "an empty Bearer": "Bearer ",
  "a key as Bearer": `Bearer ${KEY}`,
  "another key as Bearer": `Bearer ${OTHER}`,
  "a publishable key as Bearer": `Bearer ${PUBLISHABLE}`,
  "a prefix of a key as Bearer": "Bearer sb_",
  "a key as bearer": `bearer ${KEY}`,
  "a key after two spaces": `Bearer  ${KEY}`,
  "a key alone": KEY,
  "Basic credentials": "Basic dXNlcjpwYXNz",
  "a malformed token": "Bearer nonsense",
  "a user's token": null,
  "an expired token": null,
  "a token signed by another key": null,
};

let jwks: JSONWebKeySet;
beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const foreign = await generateKeyPair("ES256");
  jwks = {
    keys: [{ ...await exportJWK(publicKey), kid: "ours", alg: "ES256" }],
  };
  const sign = (
    key: Parameters<SignJWT["sign"]>[0],
    expiry: string,
  ) =>
    new SignJWT({ role: "authenticated" }).setSubject(USER)
      .setProtectedHeader({ alg: "ES256", kid: "ours" })
      .setIssuedAt().setExpirationTime(expiry).sign(key);
  AUTHORIZATIONS["a user's token"] = `Bearer ${await sign(privateKey, "1h")}`;
  AUTHORIZATIONS["an expired token"] = `Bearer ${await sign(
    privateKey,
    "-1h",
  )}`;
  AUTHORIZATIONS["a token signed by another key"] = `Bearer ${await sign(
    foreign.privateKey,
    "1h",
  )}`;
});

function requestWith(apikey: string | null, authorization: string | null) {
  const headers = new Headers();
  if (apikey !== null) headers.set("apikey", apikey);
  if (authorization !== null) headers.set("authorization", authorization);
  return new Request("http://localhost/audit", { headers });
}

function environmentWith(secretKeys: ApiKeys) {
  const publishableKeys = { default: PUBLISHABLE };
  return { url: "http://localhost", publishableKeys, secretKeys, jwks };
}

/** The caller that `authenticate` returns, or the code of the problem. */
async function decide(request: Request, secretKeys: ApiKeys): Promise<string> {
  try {
    const caller = await authenticate(request, environmentWith(secretKeys));
    return caller.kind === "user"
      ? `user ${caller.id} with ${caller.token}`
      : `service ${caller.keyName}`;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.problem.code;
  }
}

/** The decision of @supabase/server. */
async function decideWithSupabase(
  request: Request,
  secretKeys: ApiKeys,
): Promise<string> {
  const { data, error } = await verifyAuth(request, {
    auth: ["user", "secret:*"],
    env: environmentWith(secretKeys),
  });
  if (error?.code === "MISSING_CREDENTIALS") return "missing_credentials";
  if (error) {
    return error.status === 401 ? "invalid_credentials" : "internal_error";
  }
  return data.authMode === "secret"
    ? `service ${data.keyName}`
    : `user ${data.jwtClaims?.sub} with ${data.token}`;
}

describe.each(Object.entries(KEY_SETS))("a project with %s", (_name, keys) => {
  test.each(Object.keys(AUTHORIZATIONS))(
    "agrees with @supabase/server about %s beside any apikey",
    async (name) => {
      const authorization = AUTHORIZATIONS[name];
      for (const [what, apikey] of Object.entries(API_KEYS)) {
        const request = requestWith(apikey, authorization);
        expect([what, await decide(request, keys)])
          .toEqual([what, await decideWithSupabase(request, keys)]);
      }
    },
  );
});

describe("a service", () => {
  test.each(Object.entries(KEY_SETS["several keys"]))(
    "is identified by the name of its key: %s",
    async (name, key) => {
      for (const authorization of [null, `Bearer ${key}`]) {
        const request = requestWith(key, authorization);
        expect(await decide(request, KEY_SETS["several keys"]))
          .toBe(`service ${name}`);
      }
    },
  );

  test("needs its key in apikey; a key in Authorization alone is refused", async () => {
    for (const apikey of [null, "", PUBLISHABLE, "sb_secret_unknown"]) {
      const request = requestWith(apikey, `Bearer ${KEY}`);
      expect(await decide(request, { default: KEY }))
        .toBe("invalid_credentials");
    }
  });

  test("never authenticates in a project whose only key is empty or missing", async () => {
    for (const apikey of [null, "", "undefined", "null"]) {
      for (const keys of [{}, { default: "" }] as ApiKeys[]) {
        const request = requestWith(apikey, null);
        expect(await decide(request, keys)).not.toMatch(/^service/);
      }
    }
  });

  test("is refused with an invalid token beside a valid key", async () => {
    for (const name of ["a token signed by another key", "an expired token"]) {
      const request = requestWith(KEY, AUTHORIZATIONS[name]);
      expect(await decide(request, { default: KEY }))
        .toBe("invalid_credentials");
    }
  });
});
