import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import {
  MAX_AUTH_HOOK_BYTES,
  MAX_BODY_BYTES,
  MAX_REQUESTS_IN_PROGRESS,
  MAX_UNVERIFIED_BODIES_IN_PROGRESS,
  MAX_UNVERIFIED_BYTES_IN_PROGRESS,
} from "../../shared/limits.ts";
import { readLedgerKeys } from "../../shared/evidence/ledger-keys.ts";
import { serveLedger } from "../../shared/serve-ledger.ts";
import { serveWebhooks } from "../../shared/serve-webhooks.ts";
import { createKeys } from "../../shared/tlog/keys.ts";
import {
  readWebhookSettings,
  signMessage,
} from "../../shared/webhooks/signatures.ts";
import { HeldDatabase, SECRET_KEY } from "../load/held-database.ts";
import { EVENTS, newId } from "../support/running-stack.ts";
import { createNewHook } from "../support/supabase-payloads.ts";
import { AUTH_SECRETS, STANDARD_SECRETS } from "../support/receiving-stack.ts";

const AUTH = "http://x/webhooks/auth";
const STANDARD = "http://x/webhooks/standard/audit";
const DATABASE = "http://x/webhooks/database";

/** Headers that look signed, and are not. */
const forged = () => ({
  "webhook-id": "msg_1",
  "webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
  "webhook-signature": `v1,${btoa("x".repeat(32))}`,
});
const key = { apikey: SECRET_KEY };

let database: HeldDatabase;
let serve: (request: Request) => Promise<Response>;
const held: ReadableStreamDefaultController[] = [];
const answers: Promise<unknown>[] = [];
/** Those of the answers until now. */
const statuses: number[] = [];

beforeAll(() => void (database = new HeldDatabase()));
afterAll(() => database.stop());
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  serve = serveWebhooks(
    database.environment,
    readWebhookSettings((name) =>
      name === "AUTH_HOOK_SECRETS"
        ? `v1,${AUTH_SECRETS[0].text}`
        : STANDARD_SECRETS[0].text
    ),
  );
});
afterEach(async () => {
  database.release();
  for (const controller of held.splice(0)) {
    try {
      controller.error("gone");
    } catch {
      // The function has cancelled it.
    }
  }
  await Promise.all(answers.splice(0));
  statuses.splice(0);
  vi.restoreAllMocks();
});

/** Sends so many bodies of so many bytes that never end. */
function hold(
  count: number,
  url: string,
  headers: Record<string, string>,
  bytes = 1,
): void {
  for (let n = 0; n < count; n++) {
    const body = new ReadableStream({
      start(controller) {
        held.push(controller);
        controller.enqueue(new Uint8Array(bytes).fill(0x20));
      },
    });
    const init = { method: "POST", body };
    answers.push(
      serve(
        new Request(url, {
          ...init,
          headers: { "content-type": "application/json", ...headers },
        }),
      ).then(({ status }) => statuses.push(status)),
    );
  }
}

/** Lets the functions read what has arrived. */
const settle = () => new Promise((done) => setTimeout(done, 10));

async function sendSigned(url: string, payload: unknown, secret: Uint8Array) {
  const body = new TextEncoder().encode(JSON.stringify(payload));
  const message = { id: newId(), time: new Date(), body };
  const signed = await signMessage(message, new Uint8Array(secret));
  const headers = { "content-type": "application/json", ...signed };
  return serve(new Request(url, { method: "POST", headers, body }));
}

const sendHook = () =>
  sendSigned(
    AUTH,
    createNewHook("customize-access-token"),
    AUTH_SECRETS[0].bytes,
  );

/** Asserts that a hook gets its answer, and whether its event is written. */
async function expectLogin(isRecorded = true): Promise<void> {
  const before = database.held;
  const answer = sendHook();
  if (isRecorded) {
    await vi.waitUntil(() => database.held === before + 1);
    database.release();
  }
  const { status, body } = await answer.then(async (response) => ({
    status: response.status,
    body: await response.json(),
  }));
  expect(status).toBe(200);
  expect(body).toHaveProperty("claims");
}

describe("a login continues while strangers and others hold bodies open", () => {
  test.each<[string, boolean, () => void]>([
    ["on the route itself", true, () => hold(1_000, AUTH, forged())],
    [
      "of the largest size on the route itself",
      true,
      () => hold(64, AUTH, forged(), MAX_AUTH_HOOK_BYTES),
    ],
    ["on the other signed route", true, () => hold(1_000, STANDARD, forged())],
    [
      "of the largest size on the other signed route",
      true,
      () => hold(16, STANDARD, forged(), MAX_BODY_BYTES),
    ],
    ["on both", true, () => {
      hold(1_000, STANDARD, forged());
      hold(1_000, AUTH, forged());
    }],
    ["with a key on another route", false, () => hold(400, DATABASE, key)],
    ["with a key on the route itself", false, () => hold(1_000, AUTH, key)],
    [
      "of the largest size with a key",
      true,
      () => hold(16, DATABASE, key, MAX_BODY_BYTES),
    ],
    ["everywhere", false, () => {
      hold(400, DATABASE, key, 10);
      hold(400, AUTH, key, 10);
      hold(1_000, STANDARD, forged(), 10);
      hold(1_000, AUTH, forged(), 10);
    }],
  ])("%s", async (_where, isRecorded, holdBodies) => {
    holdBodies();
    await settle();
    await expectLogin(isRecorded);
    // Those who come later do not change it.
    holdBodies();
    await expectLogin(isRecorded);
  });

  test("and while strangers flood the other route before its body is complete", async () => {
    const payload = createNewHook("customize-access-token");
    const bytes = new TextEncoder().encode(JSON.stringify(payload));
    const message = { id: newId(), time: new Date(), body: bytes };
    const signed = await signMessage(message, AUTH_SECRETS[0].bytes);
    const { readable, writable } = new TransformStream<Uint8Array>();
    const init = { method: "POST", headers: signed, body: readable };
    const answer = serve(new Request(AUTH, init));
    const writer = writable.getWriter();
    await writer.write(bytes.slice(0, 10));
    hold(1_000, STANDARD, forged());
    hold(16, STANDARD, forged(), MAX_BODY_BYTES);
    await settle();
    await writer.write(bytes.slice(10));
    await writer.close();
    expect((await answer).status).toBe(200);
  });

  test("and large hooks are answered when the memory for bodies is full", async () => {
    hold(16, DATABASE, key, MAX_BODY_BYTES);
    await settle();
    const padding = "x".repeat(MAX_AUTH_HOOK_BYTES - 10_000);
    const hook = { ...createNewHook("customize-access-token"), padding };
    const sent: Promise<Response>[] = [];
    for (let n = 0; n < 80; n++) {
      sent.push(sendSigned(AUTH, hook, AUTH_SECRETS[0].bytes));
      await settle();
    }
    expect(database.held).toBeGreaterThan(50);
    database.release();
    const found = await Promise.all(sent.map(async (answer) => {
      const { status, body } = await answer;
      await body?.cancel();
      return status;
    }));
    expect(new Set(found)).toEqual(new Set([200]));
    expect(console.error).toHaveBeenCalledWith(
      expect.stringContaining("too many requests in progress"),
    );
  });

  test("and a burst of logins is answered as a whole", async () => {
    hold(1_000, AUTH, forged());
    const burst = Array.from(
      { length: MAX_UNVERIFIED_BODIES_IN_PROGRESS },
      sendHook,
    );
    await vi.waitUntil(() => database.held === burst.length);
    database.release();
    for (const answer of await Promise.all(burst)) {
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
    }
  });
});

test("a signed webhook is recorded while strangers hold bodies open", async () => {
  hold(1_000, STANDARD, forged());
  hold(16, STANDARD, forged(), MAX_BODY_BYTES);
  await settle();
  const answer = sendSigned(
    STANDARD,
    { type: "x", data: { ...EVENTS.audit, id: newId() } },
    STANDARD_SECRETS[0].bytes,
  );
  await vi.waitUntil(() => database.held === 1);
  database.release();
  expect((await answer).status).toBe(201);
});

test("services are served while strangers hold bodies open", async () => {
  hold(1_000, STANDARD, forged());
  hold(1_000, AUTH, forged());
  await settle();
  const { status } = await serve(
    new Request("http://x/webhooks/litellm", {
      method: "POST",
      headers: { ...key, "content-type": "application/json" },
      body: "[]",
    }),
  );
  // Its body is judged, and so was read.
  expect(status).toBe(422);
});

test("what strangers hold stays within the limits", async () => {
  hold(1_000, AUTH, forged());
  await settle();
  expect(statuses).toHaveLength(1_000 - MAX_UNVERIFIED_BODIES_IN_PROGRESS);
  hold(100, AUTH, forged(), MAX_AUTH_HOOK_BYTES);
  await settle();
  const most = MAX_UNVERIFIED_BYTES_IN_PROGRESS / MAX_AUTH_HOOK_BYTES;
  expect(statuses.length).toBeGreaterThanOrEqual(1_100 - most);
  expect(new Set(statuses)).toEqual(new Set([503]));
});

describe("a body is not read", () => {
  const old = String(Math.floor(Date.now() / 1_000) - 3_600);
  test.each<[string, Record<string, string>]>([
    ["without any credential", {}],
    ["with two of the three headers", {
      "webhook-id": "1",
      "webhook-timestamp": "1",
    }],
    ["with an old time", { ...forged(), "webhook-timestamp": old }],
    ["with a time that is no number", {
      ...forged(),
      "webhook-timestamp": "x",
    }],
    ["with a signature that is none", {
      ...forged(),
      "webhook-signature": "v1,x",
    }],
    [
      "with a signature that is too long",
      { ...forged(), "webhook-signature": "v1,x ".repeat(1_000) },
    ],
    ["with a wrong key", { apikey: "sb_secret_wrong" }],
  ])("%s", async (_which, headers) => {
    for (const url of [AUTH, STANDARD]) {
      const pull = vi.fn();
      const body = new ReadableStream({ pull }, { highWaterMark: 0 });
      const answer = await serve(
        new Request(url, { method: "POST", headers, body }),
      );
      expect(answer.status).toBe(401);
      expect(pull).not.toHaveBeenCalled();
    }
  });
});

test("a stranger's body has less time than a caller's, and a hook's the least", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    for (
      const [url, headers, seconds] of [
        [AUTH, forged(), 3],
        [STANDARD, forged(), 10],
      ] as const
    ) {
      const body = new ReadableStream();
      const answer = serve(new Request(url, { method: "POST", headers, body }));
      await vi.advanceTimersByTimeAsync(seconds * 1_000);
      const { status, ...problem } = await (await answer).json();
      expect([status, problem.detail]).toEqual([
        408,
        `The body did not arrive within ${seconds} seconds; send it again`,
      ]);
    }
  } finally {
    vi.useRealTimers();
  }
});

test("the checkpoint is served while strangers hold bodies for the witness open", async () => {
  const { signerKey } = await createKeys("example.com/witness", "cosignature");
  serve = serveLedger(
    database.environment,
    readLedgerKeys((name) =>
      name === "WITNESS_SIGNING_KEY" ? signerKey : undefined
    ),
  );
  hold(MAX_REQUESTS_IN_PROGRESS * 2, "http://x/ledger/add-checkpoint", {});
  await settle();
  const answer = serve(new Request("http://x/ledger/checkpoint"));
  await vi.waitUntil(() => database.held > 0);
  database.release();
  expect((await answer).status).not.toBe(503);
});
