import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createKeys } from "../../shared/tlog/keys.ts";
import { EVENTS } from "../support/running-stack.ts";
import {
  type EvidenceStack,
  makeLogKeys,
  ORIGIN,
  startEvidenceStack,
} from "../support/evidence-stack.ts";
import { readNote } from "../support/tlog-parsers.ts";

/**
 * Answers of a hostile witness, whose address an operator has configured.
 *
 * @module
 */

let log: EvidenceStack;
let answer: () => Response;
/** Requests for another path than that of witnesses. */
let astray: string[] = [];
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/add-checkpoint") return answer();
    astray.push(`${request.method} ${pathname}`);
    return new Response();
  },
);
const origin = `http://127.0.0.1:${server.addr.port}`;

beforeAll(async () => {
  const [keys, witness] = await Promise.all([
    makeLogKeys(),
    createKeys("example.org/witness", "cosignature"),
  ]);
  log = await startEvidenceStack("PGlite", {
    LEDGER_SIGNING_KEYS: keys.signerKey,
    LEDGER_WITNESSES: `${witness.verifierKey} ${origin}`,
  });
});
afterAll(async () => {
  await log?.stack.stop();
  await server.shutdown();
});
beforeEach(() => void (astray = []));

/** Seals a new event, and returns the names of the signers. */
async function seal(): Promise<string[]> {
  const { status } = await log.post("model-usage", EVENTS["model-usage"]);
  expect(status).toBe(201);
  return readNote(await log.sign()).signatures.map(({ name }) => name);
}

test.each([301, 302, 303, 307, 308])(
  "a redirect with status %i is not followed to another address",
  async (status) => {
    answer = () =>
      new Response(null, {
        status,
        headers: { location: `${origin}/internal/admin` },
      });
    expect(await seal()).toEqual([ORIGIN]);
    expect(astray).toEqual([]);
  },
);

test("an answer without an end is not read to the end", async () => {
  let sent = 0;
  const gone = Promise.withResolvers<void>();
  const chunk = new Uint8Array(64 * 1024).fill(0x78);
  answer = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += chunk.length;
          controller.enqueue(chunk);
        },
        cancel: () => gone.resolve(),
      }),
    );
  expect(await seal()).toEqual([ORIGIN]);
  await gone.promise;
  // Sockets have buffers, which are far from the gigabytes of five seconds.
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});
