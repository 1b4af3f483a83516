/**
 * The functions as `supabase functions deploy` uploads them, on the level of the
 * platform's runtime, with a package cache that was empty before.
 */
import { decodeHex } from "@std/encoding/hex.js";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SAMPLES } from "../../bench/sample-events.ts";
import { freePort } from "../../local/free-port.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import type { NewKeys } from "../../shared/tlog/keys.ts";
import {
  parseTlogProof,
  verifyTlogProof,
} from "../../shared/tlog/tlog-proof.ts";
import { chat } from "../support/otlp-exports.ts";
import { FIRM, USER } from "../support/running-stack.ts";
import {
  makeLogKeys,
  openTrusted,
  trustLogs,
} from "../support/evidence-stack.ts";
import {
  deployFunctions,
  type Upload,
  writeUpload,
} from "../support/deployed-functions.ts";
import { exportOf, RESOURCE, startTrace } from "../support/otlp-traces.ts";

/** The Deno that the platform's Edge Runtime is built on. */
const PLATFORM_DENO = "2.1.4";

/** Functions that list no rows. */
const RECEIVERS = ["ledger", "otlp", "webhooks"];

let home: string;
let deno: string;
let stack: Stack;
let keys: NewKeys;
let uploads: Map<string, Upload>;

beforeAll(async () => {
  home = await Deno.makeTempDir({ prefix: "ledger-functions-e2e-" });
  deno = await installDeno(`${home}/deno`);
  uploads = await deployFunctions();
  keys = await makeLogKeys();
  // With the key, which the stack then permits to sign.
  const functionEnv = { LEDGER_SIGNING_KEYS: keys.signerKey };
  stack = await startStack({ port: 0, memory: true, functionEnv });
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
  // In .bin is a script of Node, and what kills that leaves Deno running.
  const path = (await run(
    `${folder}/node_modules/.bin/deno`,
    ["eval", "console.log(Deno.execPath())"],
    folder,
  )).trim();
  expect(await run(path, ["--version"], folder))
    .toContain(`deno ${PLATFORM_DENO}`);
  return path;
}

const makeToolUse = SAMPLES.find(({ slug }) => slug === "tool-usage")!.make;

/** Sends a request to the function that is served, as a service. */
type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** What each function must be able to do. */
const EXERCISES: Record<string, (ask: Ask) => Promise<void>> = {
  ...Object.fromEntries(
    SAMPLES.map(({ slug, make }) => [slug, recordAndRead(slug, make)]),
  ),
  ledger: sealAndProve,
  otlp: receiveSpans,
  webhooks: async (ask) => {
    await ask(
      "webhooks/cloudevents/tool-usage",
      post({
        specversion: "1.0",
        id: "A-1",
        source: "/agents/research",
        type: "tool.used",
        datacontenttype: "application/json",
        data: { ...makeToolUse(), id: undefined },
      }, "application/cloudevents+json"),
    );
  },
};

function recordAndRead(
  slug: string,
  make: () => Record<string, unknown>,
): (ask: Ask) => Promise<void> {
  return async (ask) => {
    const event = make();
    await ask(slug, post(event));
    await ask(`${slug}?limit=1`);
    await ask(`${slug}/summary?from=2026-01-01&to=2026-12-31`);
    await ask(`${slug}/openapi.json`);
    for (const accept of ["text/csv", "application/x-ndjson"]) {
      const response = await ask(slug, { headers: { accept } });
      expect(response.headers.get("content-type")).toContain(accept);
      expect(await response.text()).toContain(event.id);
    }
  };
}

/** The row of an audited action is sealed, and its proof verifies. */
async function sealAndProve(ask: Ask): Promise<void> {
  const audit = SAMPLES.find(({ slug }) => slug === "audit")!.make();
  const recorded = await fetch(`${stack.url}/functions/v1/audit`, {
    ...post(audit, "application/json", {
      apikey: stack.secretKey,
      prefer: "return=receipt",
    }),
  });
  const { receipt } = await recorded.json();
  const { pending, checkpoint } = await (await ask("ledger/seal", post({})))
    .json();
  expect(pending).toBe(0);
  expect(await (await ask("ledger/checkpoint")).text()).toBe(checkpoint);
  const policy = trustLogs(keys.verifierKey);
  await openTrusted(checkpoint, policy);

  const proof = parseTlogProof(
    await (await ask(`ledger/proof/audit/${audit.id}`)).text(),
  );
  if ("fault" in proof) throw new Error(proof.fault);
  expect(
    await verifyTlogProof(proof.proof, decodeHex(receipt.leaf_hash), policy),
  ).toHaveProperty("checkpoint");
}

/** A span in each encoding becomes a row. */
async function receiveSpans(ask: Ask): Promise<void> {
  const call = chat(1200, 80);
  const before = await countCalls();
  const spans = exportOf([startTrace().span(1, call)]);
  const answer = await ask("otlp/v1/traces", post(spans));
  expect(await answer.json()).toEqual({});

  const memory = new InMemorySpanExporter();
  new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(memory)],
  }).getTracer("test").startSpan("chat", {
    attributes: { ...call, ...RESOURCE },
  }).end();
  const bytes = await ask("otlp/v1/traces", {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: ProtobufTraceSerializer.serializeRequest(memory.getFinishedSpans())!
      .slice(),
  });
  expect(await bytes.text()).toBe("");
  expect(await countCalls()).toBe(before + 2);
}

async function countCalls(): Promise<number> {
  const response = await fetch(
    `${stack.url}/functions/v1/llm-usage?firm_id=${FIRM}`,
    { headers: { apikey: stack.secretKey, accept: "application/x-ndjson" } },
  );
  return (await response.text()).split("\n").filter(Boolean).length;
}

function post(
  body: unknown,
  type = "application/json",
  headers: Record<string, string> = {},
): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body: JSON.stringify(body),
  };
}

test(
  "every function works on the platform's Deno, with the locked packages only",
  async () => {
    const jwks = await (await fetch(
      `${stack.url}/auth/v1/.well-known/jwks.json`,
    )).text();
    const denoDir = `${home}/deno-dir`;
    for (const [slug, upload] of uploads) {
      const folder = `${home}/${slug}`;
      await writeUpload(upload, folder);
      await whileServed(
        folder,
        upload,
        { DENO_DIR: denoDir, jwks },
        async (url) => {
          await EXERCISES[slug](async (path, init = {}) => {
            const headers = new Headers(init.headers);
            headers.set("apikey", stack.secretKey);
            const response = await fetch(`${url}/${path}`, {
              ...init,
              headers,
            });
            if (![200, 201].includes(response.status)) {
              throw new Error(`${path}: ${await response.text()}`);
            }
            return response;
          });
          // Verifying a token loads the packages that nothing else needs.
          const token = await stack.signUserToken(USER);
          const asUser = await fetch(`${url}/${slug}`, {
            headers: { authorization: `Bearer ${token}` },
          });
          expect(asUser.status).toBe(RECEIVERS.includes(slug) ? 404 : 200);
          await asUser.body?.cancel();
        },
      );
      // A package that the lock does not hold would have been added to it.
      const lock = "supabase/functions/deno.lock";
      expect(await Deno.readTextFile(`${folder}/${lock}`))
        .toBe(upload.files.get(lock));
    }
    expect(await listDownloaded(denoDir)).toEqual(listLocked());
  },
  240_000,
);

/** Serves an upload while `work` runs, and leaves no process behind. */
async function whileServed(
  folder: string,
  { metadata: { entrypoint_path, import_map_path } }: Upload,
  { DENO_DIR, jwks }: { DENO_DIR: string; jwks: string },
  work: (url: string) => Promise<void>,
): Promise<void> {
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
      DENO_DIR,
      // As npm does: certificates of the system beside Deno's own.
      DENO_TLS_CA_STORE: "mozilla,system",
      NO_COLOR: "1",
      SUPABASE_URL: stack.url,
      SUPABASE_SECRET_KEYS: JSON.stringify(stack.secretKeys),
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({
        default: stack.publishableKey,
      }),
      SUPABASE_JWKS: jwks,
      LEDGER_SIGNING_KEYS: keys.signerKey,
    },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const errors = new Response(served.stderr).text();
  try {
    await untilListening(port, served.status, errors);
    await work(`http://127.0.0.1:${port}`);
  } finally {
    try {
      served.kill("SIGKILL");
    } catch {
      // It ended already, and the error of `work` says why.
    }
    await served.status;
  }
  await expect(Deno.connect({ hostname: "127.0.0.1", port })).rejects
    .toBeInstanceOf(Deno.errors.ConnectionRefused);
}

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
