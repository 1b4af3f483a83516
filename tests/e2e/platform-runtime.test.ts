/**
 * The functions as `supabase functions deploy` uploads them, on the level of the
 * platform's runtime, with a package cache that was empty before.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { SAMPLES } from "../../bench/sample-events.ts";
import { freePort } from "../../local/free-port.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import {
  deployFunctions,
  type Upload,
  writeUpload,
} from "../project/deployed-functions.ts";

/** The Deno that the platform's Edge Runtime is built on. */
const PLATFORM_DENO = "2.1.4";

/** A user of the seed. */
const USER = "20000000-0000-4000-8000-000000000001";
/** Functions that list no rows. */
const RECEIVERS = ["ledger", "otlp", "webhooks"];

let home: string;
let deno: string;
let stack: Stack;
let uploads: Map<string, Upload>;

beforeAll(async () => {
  home = await Deno.makeTempDir({ prefix: "ledger-functions-e2e-" });
  deno = await installDeno(`${home}/deno`);
  uploads = await deployFunctions();
  stack = await startStack({ port: 0, memory: true });
}, 180_000);

afterAll(async () => {
  await stack?.stop();
  await Deno.remove(home, { recursive: true });
});

async function run(
  command: string,
  args: string[],
  cwd: string,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr) + text.decode(stdout));
  return text.decode(stdout);
}

async function installDeno(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/package.json`, "{}");
  await run("npm", ["install", `deno@${PLATFORM_DENO}`], folder);
  const path = `${folder}/node_modules/.bin/deno`;
  expect(await run(path, ["--version"], folder))
    .toContain(`deno ${PLATFORM_DENO}`);
  return path;
}

const makeToolUse = SAMPLES.find(({ slug }) => slug === "tool-usage")!.make;

/** Requests that each function must answer with 200 or 201. */
const REQUESTS: Record<string, [path: string, init: RequestInit][]> = {
  ...Object.fromEntries(
    SAMPLES.map(({ slug, make }) => [slug, [
      [slug, post(make())],
      [`${slug}?limit=1`, {}],
      [`${slug}/summary?from=2026-01-01&to=2026-12-31`, {}],
      [`${slug}/openapi.json`, {}],
    ]]),
  ),
  ledger: [["ledger/seal", post({})]],
  otlp: [["otlp/v1/traces", post({ resourceSpans: [] })]],
  webhooks: [[
    "webhooks/cloudevents/tool-usage",
    post({
      specversion: "1.0",
      id: "A-1",
      source: "/agents/research",
      type: "tool.used",
      datacontenttype: "application/json",
      data: { ...makeToolUse(), id: undefined },
    }, "application/cloudevents+json"),
  ]],
};

function post(body: unknown, type = "application/json"): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": type },
    body: JSON.stringify(body),
  };
}

test(
  "every function answers on the platform's Deno, with the locked packages alone",
  async () => {
    const jwks = await (await fetch(
      `${stack.url}/auth/v1/.well-known/jwks.json`,
    )).text();
    const denoDir = `${home}/deno-dir`;
    for (const [slug, upload] of uploads) {
      const folder = `${home}/${slug}`;
      await writeUpload(upload, folder);
      const { entrypoint_path, import_map_path } = upload.metadata;
      const port = freePort();
      const served = new Deno.Command(deno, {
        args: [
          "serve",
          "-A",
          "--no-check",
          `--config=${folder}/${import_map_path}`,
          "--host=127.0.0.1",
          `--port=${port}`,
          `${folder}/${entrypoint_path}`,
        ],
        cwd: folder,
        env: {
          DENO_DIR: denoDir,
          // As npm does: certificates of the system beside Deno's own.
          DENO_TLS_CA_STORE: "mozilla,system",
          NO_COLOR: "1",
          SUPABASE_URL: stack.url,
          SUPABASE_SECRET_KEYS: JSON.stringify(stack.secretKeys),
          SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({
            default: stack.publishableKey,
          }),
          SUPABASE_JWKS: jwks,
        },
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const errors = new Response(served.stderr).text();
      try {
        await untilListening(port, served.status, errors);
        for (const [path, init] of REQUESTS[slug]) {
          const headers = new Headers(init.headers);
          headers.set("apikey", stack.secretKey);
          const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
            ...init,
            headers,
          });
          const body = await response.text();
          expect([200, 201], `${path}: ${body}`).toContain(response.status);
        }
        // Verifying a token loads the packages that nothing else needs.
        const token = await stack.signUserToken(USER);
        const asUser = await fetch(`http://127.0.0.1:${port}/${slug}`, {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(asUser.status).toBe(RECEIVERS.includes(slug) ? 404 : 200);
        await asUser.body?.cancel();
      } finally {
        served.kill("SIGKILL");
        await served.status;
      }
      // A package that the lock does not hold would have been added to it.
      const lock = "supabase/functions/deno.lock";
      expect(await Deno.readTextFile(`${folder}/${lock}`))
        .toBe(upload.files.get(lock));
    }
    expect(await listDownloaded(denoDir)).toEqual(listLocked());
  },
  240_000,
);

async function untilListening(
  port: number,
  ended: Promise<Deno.CommandStatus>,
  errors: Promise<string>,
): Promise<void> {
  let failure: string | undefined;
  ended.then(async () => failure = await errors);
  for (let attempt = 0; attempt < 600; attempt++) {
    if (failure !== undefined) throw new Error(failure);
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** `name@version` of each package in a cache of Deno. */
async function listDownloaded(denoDir: string): Promise<string[]> {
  const found: string[] = [];
  for await (const registry of Deno.readDir(`${denoDir}/npm`)) {
    const root = `${denoDir}/npm/${registry.name}`;
    for await (const { name } of Deno.readDir(root)) {
      const names = name.startsWith("@")
        ? (await Array.fromAsync(Deno.readDir(`${root}/${name}`)))
          .map((entry) => `${name}/${entry.name}`)
        : [name];
      for (const one of names) {
        for await (const entry of Deno.readDir(`${root}/${one}`)) {
          if (entry.isDirectory) found.push(`${one}@${entry.name}`);
        }
      }
    }
  }
  return found.sort();
}

function listLocked(): string[] {
  const lock = uploads.get("audit")!.files.get("supabase/functions/deno.lock")!;
  return Object.keys(JSON.parse(lock).npm).map((key) =>
    /^(@?[^@]+@[^_]+)/.exec(key)![1]
  ).sort();
}
