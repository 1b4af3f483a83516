import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { useScratchStack } from "./use-scratch-stack.ts";
import {
  functionModule,
  startScratchStack,
} from "../support/scratch-project.ts";

/** Functions that need no token; `not_written_yet` has no file. */
const OPEN = [
  ["open", "serving", "serving_with_options", "throwing", "broken", "empty"],
  ["crashing", "exiting", "not_written_yet"],
].flat();

const CONFIG = `
${OPEN.map((slug) => `[functions.${slug}]\nverify_jwt = false`).join("\n")}
[functions.elsewhere]
verify_jwt = false
entrypoint = "./functions/open/other.ts"
[functions.off]
enabled = false
`;

const SHOW_REQUEST = functionModule(`Response.json({
    url: req.url,
    method: req.method,
    headers: Object.fromEntries(req.headers),
    body: await req.text(),
    env: Deno.env.toObject(),
    processEnv: { ...process.env },
    has: [Deno.env.has("SUPABASE_URL"), Deno.env.has("HOME")],
    home: [Deno.env.get("HOME") ?? null, process.env.HOME ?? null],
  })`);

const SECRETS_OF_FUNCTIONS = `
FROM_FILE="with spaces" # and a comment
SHARED=file
SUPABASE_URL=http://evil.example
`;

/** Counts the requests of one worker, and crashes on request. */
const CRASHING = `
let count = 0;
export default { fetch(req) {
  if (new URL(req.url).searchParams.has("crash")) {
    setTimeout(() => { throw new Error("late failure"); }, 0);
    return new Promise(() => {});
  }
  return new Response(String(++count));
} };`;

const EXITING = `
export default { fetch(req) {
  if (new URL(req.url).searchParams.has("exit")) Deno.exit(3);
  return new Response("here");
} };`;

describe("functions", () => {
  const scratch = useScratchStack({
    "config.toml": CONFIG,
    "functions/.env": SECRETS_OF_FUNCTIONS,
    "functions/open/index.ts": SHOW_REQUEST,
    "functions/open/other.ts": functionModule('new Response("other")'),
    "functions/guarded/index.ts": functionModule('new Response("inside")'),
    "functions/off/index.ts": functionModule('new Response("off")'),
    "functions/_hidden/index.ts": functionModule('new Response("hidden")'),
    "functions/1st/index.ts": functionModule('new Response("1st")'),
    "functions/no_index/main.ts": functionModule('new Response("main")'),
    "functions/serving/index.ts": "Deno.serve(() => new Response('served'));",
    "functions/serving_with_options/index.ts":
      "Deno.serve({ port: 1 }, () => new Response('served'));",
    "functions/throwing/index.ts": functionModule(
      '(() => { throw new Error("secret detail"); })()',
    ),
    "functions/broken/index.ts": 'throw new Error("cannot boot");',
    "functions/empty/index.ts": "export const nothing = 1;",
    "functions/crashing/index.ts": CRASHING,
    "functions/exiting/index.ts": EXITING,
  }, {
    secretKeys: { producer: "sb_secret_of_a_producer" },
    functionEnv: { SHARED: "option", ONLY_HERE: "yes" },
  });

  beforeAll(() => {
    vi.spyOn(console, "error").mockImplementation(() => {});
  });

  afterAll(() => {
    vi.restoreAllMocks();
  });

  const call = (path: string, init?: RequestInit) =>
    fetch(`${scratch.stack.url}/functions/v1/${path}`, init);

  const text = async (path: string, init?: RequestInit) =>
    await (await call(path, init)).text();

  test("exist by their folder or block, and by the slug rule", () => {
    expect(scratch.stack.functions).toEqual([
      "broken",
      "crashing",
      "elsewhere",
      "empty",
      "exiting",
      "guarded",
      "open",
      "serving",
      "serving_with_options",
      "throwing",
    ]);
  });

  test("that do not exist get the platform's 404", async () => {
    const absent = ["nope", "off", "_hidden", "1st", "no_index", "", "%6fpen"];
    for (const slug of absent) {
      const response = await call(slug);
      expect([slug, response.status]).toEqual([slug, 404]);
      expect(response.headers.get("sb-error-code")).toBe("NOT_FOUND");
      expect(await response.json()).toEqual({
        code: "NOT_FOUND",
        message: "Requested function was not found",
      });
    }
  });

  test("see the platform's path, the query, the method and the body", async () => {
    const response = await call("open/a%20b/c?x=1&x=%2F", {
      method: "PATCH",
      body: "payload",
      headers: { "x-own": "kept" },
    });
    const seen = await response.json();
    const url = new URL(seen.url);
    expect(url.pathname + url.search).toBe("/open/a%20b/c?x=1&x=%2F");
    expect(url.host).toBe(new URL(scratch.stack.url).host);
    expect(seen).toMatchObject({ method: "PATCH", body: "payload" });
    expect(seen.headers["x-own"]).toBe("kept");
  });

  test("run from another entry point when the block names one", async () => {
    expect(await text("elsewhere")).toBe("other");
  });

  test("may call Deno.serve instead of exporting fetch", async () => {
    expect(await text("serving")).toBe("served");
    expect(await text("serving_with_options")).toBe("served");
  });

  test("get the platform's environment and nothing of the process", async () => {
    const { env, processEnv, has, home } = await (await call("open")).json();
    expect(Object.keys(env).sort()).toEqual([
      "FROM_FILE",
      "ONLY_HERE",
      "SB_EXECUTION_ID",
      "SHARED",
      "SUPABASE_FUNCTION_SLUG",
      "SUPABASE_JWKS",
      "SUPABASE_PUBLISHABLE_KEYS",
      "SUPABASE_SECRET_KEYS",
      "SUPABASE_URL",
    ]);
    expect(env).toMatchObject({
      FROM_FILE: "with spaces",
      SHARED: "option",
      SUPABASE_URL: scratch.stack.url,
      SUPABASE_FUNCTION_SLUG: "open",
    });
    expect(JSON.parse(env.SUPABASE_SECRET_KEYS)).toEqual({
      default: scratch.stack.secretKey,
      producer: "sb_secret_of_a_producer",
    });
    expect(JSON.parse(env.SUPABASE_PUBLISHABLE_KEYS)).toEqual({
      default: scratch.stack.publishableKey,
    });
    const served = await fetch(
      `${scratch.stack.url}/auth/v1/.well-known/jwks.json`,
    );
    expect(JSON.parse(env.SUPABASE_JWKS)).toEqual(await served.json());
    expect(processEnv).toEqual(env);
    expect(has).toEqual([true, false]);
    expect(home).toEqual([null, null]);
  });

  test("of two stacks in one process have different environments", async () => {
    const other = await startScratchStack(scratch.project, {
      functionEnv: { ONLY_HERE: "no" },
    });
    try {
      const [here, there] = await Promise.all(
        [scratch.stack, other].map(async ({ url }) =>
          (await (await fetch(`${url}/functions/v1/open`)).json()).env
        ),
      );
      expect(here).toMatchObject({
        ONLY_HERE: "yes",
        SUPABASE_URL: scratch.stack.url,
      });
      expect(there).toMatchObject({ ONLY_HERE: "no", SUPABASE_URL: other.url });
      expect(JSON.parse(there.SUPABASE_SECRET_KEYS)).not
        .toHaveProperty("producer");
    } finally {
      await other.stop();
    }
    expect((await (await call("open")).json()).env.ONLY_HERE).toBe("yes");
  });

  test("without verify_jwt = false ask for a token or a key", async () => {
    const token = await scratch.stack.signUserToken(crypto.randomUUID());
    const accepted: Record<string, string>[] = [
      { authorization: `Bearer ${token}` },
      { apikey: scratch.stack.publishableKey },
      { apikey: scratch.stack.secretKey },
      { authorization: `Bearer ${scratch.stack.publishableKey}` },
    ];
    for (const headers of accepted) {
      expect(await text("guarded", { headers })).toBe("inside");
    }
    const refused: [Record<string, string>, string][] = [
      [{}, "UNAUTHORIZED_NO_AUTH_HEADER"],
      [
        { "sb-api-key": scratch.stack.secretKey },
        "UNAUTHORIZED_NO_AUTH_HEADER",
      ],
      [{ apikey: "sb_secret_x" }, "UNAUTHORIZED_INVALID_JWT_FORMAT"],
      [{ authorization: "Basic eDp5" }, "UNAUTHORIZED_INVALID_JWT_FORMAT"],
      [{ authorization: "Bearer x" }, "UNAUTHORIZED_INVALID_JWT_FORMAT"],
    ];
    for (const [headers, code] of refused) {
      const response = await call("guarded", { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get("sb-error-code")).toBe(code);
      expect(await response.json()).toMatchObject({ code });
    }
  });

  test("that throw are 500 WORKER_ERROR, without the reason", async () => {
    const response = await call("throwing");
    expect(response.status).toBe(500);
    expect(response.headers.get("sb-error-code")).toBe("WORKER_ERROR");
    expect(await response.text()).not.toContain("secret detail");
    expect(console.error).toHaveBeenCalledWith(expect.stringMatching(
      /^Function throwing: WORKER_ERROR: Error: secret detail at .*index\.ts/,
    ));
  });

  test("that cannot start are 503 BOOT_ERROR", async () => {
    for (const slug of ["broken", "empty"]) {
      const response = await call(slug);
      expect(response.status).toBe(503);
      expect(response.headers.get("sb-error-code")).toBe("BOOT_ERROR");
      await response.body?.cancel();
    }
  });

  test("that could not start are started again, with the changed file", async () => {
    expect((await call("broken")).status).toBe(503);
    const repaired = functionModule('new Response("repaired")');
    await scratch.project.write("functions/broken/index.ts", repaired);
    expect(await text("broken")).toBe("repaired");
  });

  test("that crash answer 500, and run again at the next request", async () => {
    expect(await text("crashing")).toBe("1");
    expect(await text("crashing")).toBe("2");
    const [crash, bystander] = await Promise.all([
      call("crashing?crash"),
      text("open").then(JSON.parse),
    ]);
    expect(crash.status).toBe(500);
    await crash.body?.cancel();
    expect(bystander.method).toBe("GET");
    expect(console.error).toHaveBeenCalledWith(
      expect.stringMatching(/^Function crashing ended: Error: late failure/),
    );
    expect(await text("crashing")).toBe("1");
  });

  test("that call Deno.exit answer 500 and leave the stack running", async () => {
    expect(await text("exiting")).toBe("here");
    const response = await call("exiting?exit");
    expect(response.status).toBe(500);
    await response.body?.cancel();
    expect(await text("exiting")).toBe("here");
  });
});
