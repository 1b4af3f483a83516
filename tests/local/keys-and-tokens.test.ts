import { decodeProtectedHeader } from "jose";
import { expect, test, vi } from "vitest";
import { assembleKeys, parseNamedKeys } from "../../local/keys.ts";
import { lockDataDir } from "../../local/data-dir.ts";
import { openTokens, signUserToken } from "../../local/tokens.ts";
import { run } from "../support/command.ts";

// Starting databases takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ANN = "11111111-1111-4111-8111-111111111111";
const URL_OF_STACK = "http://127.0.0.1:54321";

async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "stack-data-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

test("the fixed keys are the Supabase CLI's", () => {
  const keys = assembleKeys();
  expect(keys.publishable).toEqual({
    default: "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH",
  });
  expect(keys.secret).toEqual({
    default: "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz",
  });
});

test("a key is recognized by its exact value", () => {
  const keys = assembleKeys({ agent: "sb_secret_a" });
  expect(keys.kindOf("sb_secret_a")).toBe("secret");
  expect(keys.kindOf(keys.publishable.default)).toBe("publishable");
  for (const other of ["", null, undefined, "sb_secret_A", "sb_secret_a,"]) {
    expect(keys.kindOf(other)).toBeUndefined();
  }
});

test("named keys must be an object of secret keys", () => {
  for (const json of ["", "null", "[]", "1", "{", '"x"']) {
    expect(() => parseNamedKeys(json)).toThrow(/LOCAL_SECRET_KEYS/);
  }
  for (
    const json of [
      '{"a":1}',
      '{"a":"sb_publishable_x"}',
      '{"a":"sb_secret_"}',
      '{"a":"sb_secret_with space"}',
      '{"default":"sb_secret_x"}',
    ]
  ) {
    expect(() => parseNamedKeys(json)).toThrow(/^Cannot /);
  }
  expect(parseNamedKeys('{"a":"sb_secret_x"}')).toEqual({ a: "sb_secret_x" });
});

test("the signing key is made once and only its owner can read it", () =>
  withFolder(async (dir) => {
    const first = await openTokens(dir, URL_OF_STACK);
    const again = await openTokens(dir, URL_OF_STACK);
    expect(again.jwks).toEqual(first.jwks);
    const token = await signUserToken(first, ANN);
    expect((await again.verify(token)).sub).toBe(ANN);
    const { mode } = await Deno.stat(`${dir}/signing-key.json`);
    expect(mode! & 0o777).toBe(0o600);
  }));

test("processes that start at the same time end with one key", () =>
  withFolder(async (dir) => {
    const tokens = await Promise.all(Array.from(
      { length: 6 },
      () => run("token.ts", ["--user", ANN, "--data-dir", dir]),
    ));
    const kids = tokens.map(({ stdout }) =>
      decodeProtectedHeader(stdout.trim()).kid
    );
    expect(new Set(kids).size).toBe(1);
    const files = await Array.fromAsync(Deno.readDir(dir));
    expect(files.map((file) => file.name)).toEqual(["signing-key.json"]);
  }));

test("an invalid signing key is reported, not printed and not replaced", () =>
  withFolder(async (dir) => {
    const invalid = '{"d":"private-part"';
    await Deno.writeTextFile(`${dir}/signing-key.json`, invalid);
    const error = await openTokens(dir, URL_OF_STACK).catch((error) => error);
    expect(error.message).toMatch(/^Cannot use the signing key .*: expected/);
    expect(error.message).not.toContain("private-part");
    expect(await Deno.readTextFile(`${dir}/signing-key.json`)).toBe(invalid);
  }));

test("a user id that is not a uuid gets no token", () =>
  withFolder(async (dir) => {
    const tokens = await openTokens(dir, URL_OF_STACK);
    for (const user of ["", "ann", `${ANN}0`, ` ${ANN}`]) {
      expect(() => signUserToken(tokens, user)).toThrow(/expected a uuid$/);
    }
  }));

test("a data folder is locked by one process until it is released", () =>
  withFolder(async (dir) => {
    const unlock = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects
      .toThrow(`process id ${Deno.pid} uses it`);
    unlock();
    (await lockDataDir(dir))();
  }));

test("a lock file of a crashed process does not lock the folder", () =>
  withFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/stack.lock`, `${Deno.pid}\n`);
    (await lockDataDir(dir))();
  }));
