import { afterAll, beforeAll, expect, inject } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import { signMessage } from "../../shared/webhooks/signatures.ts";
import {
  type Answer,
  type ENGINES,
  type PostOptions,
  RunningStack,
} from "./running-stack.ts";

/** A secret of 32 equal bytes. */
export const createSecret = (byte: number) => {
  const bytes = new Uint8Array(32).fill(byte);
  return { bytes, text: `whsec_${btoa(String.fromCharCode(...bytes))}` };
};

/** Secrets of Auth's hooks: the new one, and the old one of a rotation. */
export const AUTH_SECRETS = [createSecret(1), createSecret(2)];
export const STANDARD_SECRETS = [createSecret(3), createSecret(4)];

/** As Auth writes its secrets, and with the white space that pasting adds. */
export const FUNCTION_ENV = {
  AUTH_HOOK_SECRETS: ` ${
    AUTH_SECRETS.map(({ text }) => `v1,${text}`).join("|")
  }\n`,
  STANDARD_WEBHOOK_SECRETS: `${
    STANDARD_SECRETS.map(({ text }) => text).join(" ")
  }\n`,
};

/** A named key of one producer. */
export const GATEWAY_KEY = "sb_secret_gateway_0123456789abcdefghijklmn";

/** Starts a stack whose functions have secrets, for the tests of a `describe`. */
export function useReceiver(
  engine: (typeof ENGINES)[number],
  functionEnv: Record<string, string> = FUNCTION_ENV,
): RunningStack & { databaseUrl?: string } {
  const running = new RunningStack() as RunningStack & { databaseUrl?: string };
  beforeAll(async () => {
    if (engine !== "PGlite") {
      running.databaseUrl = await createDatabase({
        url: inject("postgresUrl"),
      });
    }
    running.stack = await startStack({
      port: 0,
      memory: engine === "PGlite" ? true : undefined,
      databaseUrl: running.databaseUrl,
      secretKeys: { gateway: GATEWAY_KEY },
      functionEnv,
    });
  });
  afterAll(() => running.stack?.stop());
  return running;
}

/** How a message is signed. */
type Signing = {
  id?: string;
  time?: Date;
  secret: Uint8Array<ArrayBuffer>;
};

/** POSTs a signed body without a key. */
export async function postSigned(
  ledger: RunningStack,
  path: string,
  body: unknown,
  { id = "msg_1", time = new Date(), secret }: Signing,
  options: PostOptions = {},
): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const bytes = new TextEncoder().encode(text);
  const signed = await signMessage({ id, time, body: bytes }, secret);
  return await ledger.post(path, bytes, {
    ...options,
    headers: { apikey: null, ...signed, ...options.headers },
  });
}

/** Gzips bytes as senders do. */
export async function gzip(
  content: Uint8Array<ArrayBuffer> | string,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([content]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** How many rows the four logs have together. */
export async function countRows(ledger: RunningStack): Promise<number> {
  const tables = [
    "llm_usage_log",
    "tool_usage_ledger",
    "model_usage_log",
    "audit_log",
  ];
  const counts = await Promise.all(tables.map((table) => ledger.count(table)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The row of a log as its own endpoint shows it. */
export async function showRow(
  ledger: RunningStack,
  slug: string,
  id: string,
  // deno-lint-ignore no-explicit-any
): Promise<any> {
  const { status, body } = await ledger.post(`${slug}/${id}`, undefined, {
    method: "GET",
    headers: { "content-type": null },
  });
  expect(status).toBe(200);
  return body;
}
