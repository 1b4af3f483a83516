/**
 * `npm run send`: posts a realistic sample of a format to the running stack, and prints
 * the request, without its secrets, and the answer.
 */
import { PRODUCER_KEY } from "../local/demo-key.ts";
import { StackError } from "../local/stack-error.ts";
import { isLogSlug, LOG_SLUGS, type LogSlug } from "../shared/logs/index.ts";
import { parseSecrets, signMessage } from "../shared/webhooks/signatures.ts";
import { readArguments, runCommand } from "./command-line.ts";
import { type Sample, SAMPLES } from "./send/samples.ts";

const DEFAULT_URL = "http://127.0.0.1:54321";

const FLAGS = {
  url: { type: "string" },
  query: { type: "string" },
  key: { type: "string" },
  secret: { type: "string" },
} as const;

const USAGE = `\
Usage: npm run send -- <format> [options]

Posts a realistic sample of a format to the running stack, and prints the request,
without its secrets, and the answer.

  <format>          otlp, litellm, portkey, database, auth, or standard/<log>,
                    cloudevents/<log>, native/<log>
  --url <origin>    default ${DEFAULT_URL}; with or without /functions/v1
  --query <query>   the query of the URL, such as firm_id=…
  --key <key>       a producer key or a secret API key; default the producer key of a
                    local stack on PGlite
  --secret <secret> sign the request (Standard Webhooks); then it has no key unless
                    --key is given
  --help            show this text

Example: npm run send -- cloudevents/audit`;

if (import.meta.main) await runCommand(USAGE, send);

async function send(args: string[]): Promise<void> {
  const { flags, positionals: [target] } = readArguments(args, FLAGS, 1);
  if (target === undefined) {
    throw new StackError(`The format is missing; expected ${listTargets()}`);
  }
  const sample = createSample(target);
  const url = readUrl(flags.url ?? DEFAULT_URL, sample.path, flags.query);
  const body = new TextEncoder().encode(sample.body);
  const headers = new Headers(sample.headers);
  const key = flags.key ?? (flags.secret === undefined ? PRODUCER_KEY : null);
  if (key !== null) headers.set(headerOf(key), key);
  if (flags.secret !== undefined) await sign(headers, body, flags.secret);
  printRequest(url, headers, body.length);
  await printAnswer(await post(url, headers, body));
}

function createSample(target: string): Sample {
  const [name, log, ...more] = target.split("/");
  const format = Object.hasOwn(SAMPLES, name) ? SAMPLES[name] : undefined;
  const isComplete = format !== undefined && more.length === 0 &&
    (format.takesLog ? log !== undefined && isLogSlug(log) : log === undefined);
  if (!isComplete) {
    throw new StackError(
      `Cannot send ${JSON.stringify(target)}: expected ${listTargets()}`,
    );
  }
  return format.create({
    log: (log ?? "audit") as LogSlug,
    now: new Date(),
    createId: () => crypto.randomUUID(),
  });
}

function listTargets(): string {
  const names = Object.entries(SAMPLES)
    .map(([name, { takesLog }]) => takesLog ? `${name}/<log>` : name);
  return `${names.join(", ")}, where <log> is ${LOG_SLUGS.join(", ")}`;
}

function readUrl(base: string, path: string, query: string | undefined): URL {
  const functions = base.replace(/\/+$/, "").replace(
    /^https?:\/\/[^/]+$/,
    "$&/functions/v1",
  );
  const url = URL.parse(`${functions}/${path}`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new StackError(
      `Cannot use the URL ${
        JSON.stringify(base)
      }: expected one like ${DEFAULT_URL}`,
    );
  }
  url.search = query ?? "";
  return url;
}

async function sign(
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<void> {
  const { secrets, error } = parseSecrets(text);
  if (secrets === undefined) throw new StackError(`Cannot sign: ${error}`);
  const id = headers.get("webhook-id") ?? `msg_${crypto.randomUUID()}`;
  const message = { id, time: new Date(), body };
  const signed = await signMessage(message, secrets[0]);
  for (const [name, value] of Object.entries(signed)) headers.set(name, value);
}

async function post(
  url: URL,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  try {
    return await fetch(url, { method: "POST", headers, body });
  } catch {
    throw new StackError(
      `Cannot reach ${url.origin}: start the stack with npm start, or correct --url`,
    );
  }
}

function printRequest(url: URL, headers: Headers, length: number): void {
  console.log(`POST ${url.pathname}${url.search}`);
  for (const [name, value] of headers) {
    console.log(`${name}: ${isSecret(name) ? mask(value) : value}`);
  }
  console.log(`(${length} bytes)\n`);
}

async function printAnswer(response: Response): Promise<void> {
  const text = await response.text();
  console.log(`${response.status} ${response.statusText}`);
  console.log(indent(text));
  if (!response.ok) Deno.exitCode = 1;
}

/** The header of a key, by its kind. */
function headerOf(key: string): string {
  return key.startsWith("lfk_") ? "x-ledger-key" : "apikey";
}

function isSecret(header: string): boolean {
  return header === "apikey" || header === "x-ledger-key";
}

function mask(secret: string): string {
  const [prefix = ""] = /^(?:sb_secret_|lfk_)/.exec(secret) ?? [];
  return `${prefix}…`;
}

function indent(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
