import { verifyAuth } from "@supabase/server/core";
import {
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTPayload,
  SignJWT,
} from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { authenticate } from "../../shared/http/authenticate.ts";
import { ProblemError } from "../../shared/http/problem.ts";
import { type ApiKeys, readEnvironment } from "../../shared/db/environment.ts";
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
  "a key after a tab": `Bearer\t${KEY}`,
  "two keys as Bearer": `Bearer ${KEY}, Bearer ${KEY}`,
  "a key without a scheme": KEY,
  "Basic credentials": "Basic dXNlcjpwYXNz",
  "a malformed token": "Bearer nonsense",
  "a user's token": null,
  "a user's token as bearer": null,
  "a user's token as BEARER after two spaces": null,
  "a user's token without a scheme": null,
  "a user's token with the scheme JWT": null,
  "a user's token twice": null,
  "a token for another audience": null,
  "a token without an audience": null,
  "a token without an expiry": null,
  "a token whose subject is not a UUID": null,
  "a token without a subject": null,
  "a token of the role service_role": null,
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
  const sign = (claims: JWTPayload, key = privateKey) =>
    new SignJWT({
      sub: USER,
      role: "authenticated",
      aud: "authenticated",
      exp: Math.floor(Date.now() / 1_000) + 3_600,
      ...claims,
    }).setProtectedHeader({ alg: "ES256", kid: "ours" }).sign(key);
  const token = await sign({});
  const past = Math.floor(Date.now() / 1_000) - 3_600;
  Object.assign(AUTHORIZATIONS, {
    "a user's token": `Bearer ${token}`,
    "a user's token as bearer": `bearer ${token}`,
    "a user's token as BEARER after two spaces": `BEARER  ${token}`,
    "a user's token without a scheme": token,
    "a user's token with the scheme JWT": `JWT ${token}`,
    "a user's token twice": `Bearer ${token}, Bearer ${token}`,
    "an expired token": `Bearer ${await sign({ exp: past })}`,
    "a token signed by another key": `Bearer ${await sign(
      {},
      foreign.privateKey,
    )}`,
    "a token for another audience": `Bearer ${await sign({ aud: "anon" })}`,
    "a token without an audience": `Bearer ${await sign({ aud: undefined })}`,
    "a token without an expiry": `Bearer ${await sign({ exp: undefined })}`,
    "a token whose subject is not a UUID": `Bearer ${await sign({
      sub: "x' or 1=1",
    })}`,
    "a token without a subject": `Bearer ${await sign({ sub: undefined })}`,
    "a token of the role service_role": `Bearer ${await sign({
      role: "service_role",
    })}`,
  });
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
      : `service ${caller.kind === "service" && caller.keyName}`;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.problem.code;
  }
}

/** The key that a bearer or an apikey names, or null for anything else. */
const nameOf = (keys: ApiKeys, key: string | null) =>
  Object.entries(keys).find(([, value]) => value !== "" && value === key)
    ?.[0] ?? null;

/** The decision by the documented rules, without the code under test. */
function expectedDecision(
  name: string,
  apikey: string | null,
  keys: ApiKeys,
): string {
  const key = apikey?.trim() || null;
  switch (name) {
    case "no Authorization": {
      if (key === null) return "missing_credentials";
      const found = nameOf(keys, key);
      return found === null ? "invalid_credentials" : `service ${found}`;
    }
    case "a key as Bearer":
    case "a key as bearer":
    case "a key after two spaces":
    case "a key after a tab":
    case "another key as Bearer": {
      const bearer = name === "another key as Bearer" ? OTHER : KEY;
      const found = [null, PUBLISHABLE, bearer].includes(key)
        ? nameOf(keys, bearer)
        : null;
      return found === null ? "invalid_credentials" : `service ${found}`;
    }
    case "a user's token":
    case "a user's token as bearer":
    case "a user's token as BEARER after two spaces":
      return `user ${USER} with ${
        AUTHORIZATIONS["a user's token"]!.slice("Bearer ".length)
      }`;
    default:
      return "invalid_credentials";
  }
}

describe.each(Object.entries(KEY_SETS))("a project with %s", (_name, keys) => {
  test.each(Object.keys(AUTHORIZATIONS))(
    "decides about %s beside any apikey",
    async (name) => {
      for (const [what, apikey] of Object.entries(API_KEYS)) {
        const request = requestWith(apikey, AUTHORIZATIONS[name]);
        expect([what, await decide(request, keys)])
          .toEqual([what, expectedDecision(name, apikey, keys)]);
      }
    },
  );
});

describe("@supabase/server", () => {
  test.each([
    "no Authorization",
    "a user's token",
    "an expired token",
    "a token signed by another key",
    "a malformed token",
  ])("agrees about %s beside any apikey", async (name) => {
    const keys = KEY_SETS["several keys"];
    for (const [what, apikey] of Object.entries(API_KEYS)) {
      const request = requestWith(apikey, AUTHORIZATIONS[name]);
      const { data, error } = await verifyAuth(request, {
        auth: ["user", "secret:*"],
        env: environmentWith(keys),
      });
      const theirs = error?.code === "MISSING_CREDENTIALS"
        ? "missing_credentials"
        : error
        ? "invalid_credentials"
        : data.authMode === "secret"
        ? `service ${data.keyName}`
        : `user ${data.jwtClaims?.sub} with ${data.token}`;
      expect([what, await decide(request, keys)]).toEqual([what, theirs]);
    }
  });
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

  test("may send its key as a bearer, beside none, the same or a publishable key", async () => {
    for (const apikey of [null, "", PUBLISHABLE, KEY]) {
      const request = requestWith(apikey, `Bearer ${KEY}`);
      expect(await decide(request, { default: KEY })).toBe("service default");
    }
    for (const apikey of ["sb_secret_unknown", OTHER]) {
      const request = requestWith(apikey, `Bearer ${KEY}`);
      expect(await decide(request, { default: KEY, other: OTHER }))
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

describe("LEDGER_OPERATOR_KEYS", () => {
  const keys = { default: KEY, gateway: OTHER };
  const decideBy = async (operatorKeys: string[] | null, key: string) => {
    const env = { ...environmentWith(keys), operatorKeys };
    try {
      const caller = await authenticate(requestWith(key, null), env);
      return caller.kind === "service" ? caller.keyName : caller.kind;
    } catch (error) {
      return (error as ProblemError).problem.code;
    }
  };

  test("narrows the secret keys that callers may use", async () => {
    expect(await decideBy(null, OTHER)).toBe("gateway");
    expect(await decideBy(["default"], KEY)).toBe("default");
    expect(await decideBy(["default"], OTHER)).toBe("not_allowed");
    expect(await decideBy(["gone"], KEY)).toBe("not_allowed");
    expect(await decideBy(["default"], "sb_secret_x"))
      .toBe("invalid_credentials");
  });

  test.each([
    [undefined, null],
    ["", null],
    [" , ", []],
    ["default", ["default"]],
    ["default, reports\nops", ["default", "reports", "ops"]],
  ])("is read from %j as %j", (value, names) => {
    const variables: Record<string, string | undefined> = {
      SUPABASE_URL: "http://localhost",
      LEDGER_OPERATOR_KEYS: value,
    };
    const { data } = readEnvironment((name) => variables[name]);
    expect(data?.operatorKeys ?? null).toEqual(names);
  });
});

describe("a key in a wrong header", () => {
  const detailOf = async (headers: Record<string, string>) => {
    const request = new Request("http://localhost/otlp", { headers });
    try {
      await authenticate(request, environmentWith({ default: KEY }));
    } catch (error) {
      return (error as ProblemError).problem.detail;
    }
  };
  const basic = (text: string) => `Basic ${btoa(text)}`;

  test.each([
    ["apikey", "lfk_one", "x-ledger-key: lfk_…"],
    ["x-ledger-key", KEY, "apikey: sb_secret_…"],
    ["x-api-key", KEY, "apikey: sb_secret_…"],
    ["x-api-key", "lfk_one", "x-ledger-key: lfk_…"],
    ["authorization", KEY, "apikey: sb_secret_…"],
    ["authorization", basic(`pk-1:${KEY}`), "apikey: sb_secret_…"],
    ["authorization", basic("lfk_one:"), "x-ledger-key: lfk_…"],
  ])("is found in %s: %s", async (name, value, remedy) => {
    const detail = await detailOf({ [name]: value });
    expect(detail).toContain(
      `The ${name} header has a key; send it as ${remedy}`,
    );
    expect(detail).not.toContain(value);
  });

  test.each([
    ["authorization", `Bearer ${KEY}x`],
    ["apikey", `${KEY}x`],
    ["x-api-key", "another"],
    ["authorization", "Basic ?"],
    ["authorization", basic("user:password")],
  ])("is none in %s: %s", async (name, value) => {
    expect(await detailOf({ [name]: value })).not.toContain("has a key");
  });
});
