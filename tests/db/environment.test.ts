import { resolveEnv } from "@supabase/server/core";
import { describe, expect, test } from "vitest";
import { pickKey, readEnvironment } from "../../shared/db/environment.ts";

const PROJECT_URL = "https://abcdefghijklmnopqrst.supabase.co";

/** The variables that `resolveEnv` reads for a URL and keys. */
const VARIABLES = [
  "SUPABASE_URL",
  "SUPABASE_PUBLISHABLE_KEY",
  "SUPABASE_PUBLISHABLE_KEYS",
  "SUPABASE_SECRET_KEY",
  "SUPABASE_SECRET_KEYS",
];

type Variables = Record<string, string>;
const read = (variables: Variables) =>
  readEnvironment((name) => variables[name]);

/** The environment that @supabase/server reads from these variables alone. */
function readWithSupabase(variables: Variables) {
  const before = VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const name of VARIABLES) Deno.env.delete(name);
    for (const [name, value] of Object.entries(variables)) {
      Deno.env.set(name, value);
    }
    return resolveEnv();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

const KEY_VARIABLES: [string, Variables][] = [
  ["no key", {}],
  ["one secret key", { SUPABASE_SECRET_KEY: "sb_secret_x" }],
  ["an empty secret key", { SUPABASE_SECRET_KEY: "" }],
  ["named secret keys", {
    SUPABASE_SECRET_KEYS:
      '{"default": "sb_secret_x", "gateway": "sb_secret_y"}',
  }],
  ["named keys of both kinds", {
    SUPABASE_SECRET_KEYS: '{"a": "sb_secret_x"}',
    SUPABASE_PUBLISHABLE_KEYS: '{"b": "sb_publishable_x"}',
  }],
  ["one and named keys", {
    SUPABASE_SECRET_KEY: "sb_secret_x",
    SUPABASE_SECRET_KEYS: '{"gateway": "sb_secret_y"}',
    SUPABASE_PUBLISHABLE_KEY: "sb_publishable_x",
    SUPABASE_PUBLISHABLE_KEYS: '{"web": "sb_publishable_y"}',
  }],
  ["one key and an empty list", {
    SUPABASE_SECRET_KEY: "sb_secret_x",
    SUPABASE_SECRET_KEYS: "",
  }],
  ...["{", "[]", '["sb_secret_x"]', "null", "5", "{}", " "].map((
    json,
  ): [string, Variables] => [`keys that are ${json}`, {
    SUPABASE_SECRET_KEY: "sb_secret_x",
    SUPABASE_SECRET_KEYS: json,
  }]),
  ["a key with the name of a prototype", {
    SUPABASE_SECRET_KEYS: '{"__proto__": "sb_secret_x", "b": "sb_secret_y"}',
  }],
];

describe("the environment", () => {
  test.each(KEY_VARIABLES)(
    "equals that of @supabase/server with %s",
    (_what, variables) => {
      const all = { SUPABASE_URL: PROJECT_URL, ...variables };
      const { data } = readWithSupabase(all);
      expect(read(all)).toEqual({
        data: {
          url: PROJECT_URL,
          publishableKeys: data!.publishableKeys,
          secretKeys: data!.secretKeys,
        },
        error: null,
      });
    },
  );

  test("names the missing variable", () => {
    for (const variables of [{}, { SUPABASE_URL: "" }] as Variables[]) {
      expect(readWithSupabase(variables).data).toBeNull();
      const { data, error } = read(variables);
      expect(data).toBeNull();
      expect(error?.message).toContain("SUPABASE_URL");
    }
  });

  test("omits keys that are empty or not strings", () => {
    const SUPABASE_SECRET_KEYS = JSON.stringify({
      a: "",
      b: null,
      c: 5,
      d: { e: "sb_secret_x" },
      f: "sb_secret_x",
    });
    expect(
      read({ SUPABASE_URL: PROJECT_URL, SUPABASE_SECRET_KEYS }).data
        ?.secretKeys,
    )
      .toEqual({ f: "sb_secret_x" });
  });
});

test("pickKey() returns the key named default, otherwise the first", () => {
  expect(pickKey({ a: "first", default: "default" })).toBe("default");
  expect(pickKey({ b: "first", a: "second" })).toBe("first");
  expect(pickKey({})).toBeUndefined();
});
