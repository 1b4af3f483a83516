import { describe, expect, test } from "vitest";
import { signMessage } from "../../shared/webhooks/signatures.ts";
import {
  EVENTS,
  FIRM,
  newId,
  type RunningStack,
  USER,
} from "../support/running-stack.ts";
import { chat } from "../support/otlp-exports.ts";
import { createPayload } from "./litellm-payloads.ts";
import { createCall } from "./portkey-payloads.ts";
import {
  createChange,
  createEntry,
  createHook,
  ROW,
} from "../support/supabase-payloads.ts";
import {
  AUTH_SECRETS,
  countRows,
  createSecret,
  GATEWAY_KEY,
  STANDARD_SECRETS,
  useReceiver,
} from "../support/receiving-stack.ts";
import { exportOf, startTrace } from "../support/otlp-traces.ts";

const CLOUD_EVENT = { "content-type": "application/cloudevents+json" };

/** Every path, with a delivery that is new each time it is made. */
const DELIVERIES: Record<
  string,
  () => { body: unknown; headers?: Record<string, string> }
> = {
  "otlp/v1/traces": () => ({
    body: exportOf([startTrace().span(1, chat(1, 1))]),
  }),
  "webhooks/litellm": () => ({ body: [createPayload({ id: newId() })] }),
  "webhooks/portkey": () => ({ body: createCall() }),
  "webhooks/database": () => ({
    body: createChange({ record: { ...ROW, id: newId() } }),
  }),
  "webhooks/auth": () => ({ body: { ...createEntry(), id: newId() } }),
  "webhooks/standard/audit": () => ({
    body: { type: "x", data: { ...EVENTS.audit, id: newId() } },
  }),
  "webhooks/cloudevents/audit": () => ({
    body: {
      specversion: "1.0",
      id: newId(),
      source: "/tests",
      type: "x",
      data: EVENTS.audit,
    },
    headers: CLOUD_EVENT,
  }),
};
const PATHS = Object.keys(DELIVERIES);

/** Secrets of the paths that take signatures. */
const SECRETS: Record<string, Uint8Array<ArrayBuffer>> = {
  "webhooks/auth": AUTH_SECRETS[0].bytes,
  "webhooks/standard/audit": STANDARD_SECRETS[0].bytes,
};

type Headers = Record<string, string | null>;

/** Posts a new delivery with these credentials and no others. */
async function deliver(ledger: RunningStack, path: string, headers: Headers) {
  const { body, headers: own } = DELIVERIES[path]();
  return await ledger.post(path, body, {
    query: path === "webhooks/auth" ? `?firm_id=${FIRM}` : "",
    headers: { apikey: null, ...own, ...headers },
  });
}

/** Posts a new signed delivery, which `change` alters after signing. */
async function deliverSigned(
  ledger: RunningStack,
  path: string,
  { secret = SECRETS[path], age = 0, change = (bytes) => bytes, headers = {} }:
    {
      secret?: Uint8Array<ArrayBuffer>;
      age?: number;
      change?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
      headers?: Headers;
    },
) {
  const { body } = DELIVERIES[path]();
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const time = new Date(Date.now() - age * 1_000);
  const signed = await signMessage({ id: "msg", time, body: bytes }, secret);
  return await ledger.post(path, change(bytes), {
    query: path === "webhooks/auth" ? `?firm_id=${FIRM}` : "",
    headers: { apikey: null, ...signed, ...headers },
  });
}

const ledger = useReceiver("PGlite");

describe.each(PATHS)("/%s", (path) => {
  const refuse = async (
    answer: ReturnType<typeof deliver>,
    status = 401,
  ) => {
    const { status: found, headers, body } = await answer;
    expect(found).toBe(status);
    if (status === 401) {
      if (path !== "otlp/v1/traces") {
        expect(headers.get("www-authenticate")).toContain("Bearer");
      }
      expect(body.code === 16 || /_credentials$/.test(body.code)).toBe(true);
    }
    const text = JSON.stringify(body);
    for (const secret of [...AUTH_SECRETS, ...STANDARD_SECRETS]) {
      expect(text).not.toContain(secret.text.slice(6));
    }
    expect(text).not.toContain("gateway");
  };

  test("accepts any named secret key", async () => {
    for (const apikey of [ledger.stack.secretKey, GATEWAY_KEY]) {
      const before = await countRows(ledger);
      const { status } = await deliver(ledger, path, { apikey });
      expect([200, 201]).toContain(status);
      expect(await countRows(ledger)).toBe(before + 1);
    }
  });

  const token = (expiresIn?: number) =>
    ledger.stack.signUserToken(USER, { expiresIn });

  test.each<[string, () => Headers | Promise<Headers>, number?]>([
    ["no credential", () => ({})],
    ["an empty key", () => ({ apikey: "" })],
    ["a publishable key", () => ({ apikey: ledger.stack.publishableKey })],
    ["a wrong key", () => ({ apikey: "sb_secret_wrong" })],
    ["a secret key with a scheme other than Bearer", () => ({
      authorization: `Key ${ledger.stack.secretKey}`,
    })],
    ["an expired token beside a good key", async () => ({
      apikey: ledger.stack.secretKey,
      authorization: `Bearer ${await token(-60)}`,
    })],
    ["a malformed signature", () => ({ "webhook-signature": "v1,x" })],
    ["a signature without its other headers", () => ({
      "webhook-signature": `v1,${btoa("x".repeat(32))}`,
    })],
  ])("rejects %s", async (_, credentials, status) => {
    const before = await countRows(ledger);
    await refuse(deliver(ledger, path, await credentials()), status);
    expect(await countRows(ledger)).toBe(before);
  });

  test("rejects a user, even with a key", async () => {
    const before = await countRows(ledger);
    const authorization = `Bearer ${await token()}`;
    const alone = await deliver(ledger, path, { authorization });
    expect([401, 403]).toContain(alone.status);
    const apikey = ledger.stack.secretKey;
    const beside = await deliver(ledger, path, { authorization, apikey });
    expect(beside.status).toBe(403);
    expect(await countRows(ledger)).toBe(before);
  });

  if (!(path in SECRETS)) {
    test("rejects signatures", async () => {
      const before = await countRows(ledger);
      for (const { bytes: secret } of [...AUTH_SECRETS, ...STANDARD_SECRETS]) {
        await refuse(deliverSigned(ledger, path, { secret }));
      }
      expect(await countRows(ledger)).toBe(before);
    });
    return;
  }

  test("accepts a signature by each of its secrets", async () => {
    const own = path === "webhooks/auth" ? AUTH_SECRETS : STANDARD_SECRETS;
    for (const { bytes: secret } of own) {
      for (const age of [0, 290, -290]) {
        const before = await countRows(ledger);
        const { status } = await deliverSigned(ledger, path, { secret, age });
        expect(status).toBe(201);
        expect(await countRows(ledger)).toBe(before + 1);
      }
    }
  });

  const others = path === "webhooks/auth" ? STANDARD_SECRETS : AUTH_SECRETS;
  const flip = (at: number) => (bytes: Uint8Array<ArrayBuffer>) => {
    const changed = bytes.slice();
    changed[at < 0 ? changed.length + at : at] ^= 1;
    return changed;
  };

  test.each<[string, Parameters<typeof deliverSigned>[2]]>([
    ["an unconfigured secret", { secret: createSecret(99).bytes }],
    ["a secret of another path", { secret: others[0].bytes }],
    ["an expired signature", { age: 310 }],
    ["a signature from the future", { age: -310 }],
    ["a body whose first byte was changed", { change: flip(0) }],
    ["a body whose last byte was changed", { change: flip(-1) }],
    ["a body that was cut", { change: (bytes) => bytes.slice(0, -1) }],
    ["another message id", { headers: { "webhook-id": "other" } }],
    ["another time", {
      headers: {
        "webhook-timestamp": String(Math.floor(Date.now() / 1e3) - 9),
      },
    }],
    ["a malformed timestamp", { headers: { "webhook-timestamp": "1e9" } }],
    ["a missing id", { headers: { "webhook-id": null } }],
    ["a missing time", { headers: { "webhook-timestamp": null } }],
    ["an asymmetric signature", {
      headers: { "webhook-signature": `v1a,${btoa("x".repeat(64))}` },
    }],
    ["a bad signature beside a good key", {
      secret: createSecret(99).bytes,
      headers: { apikey: GATEWAY_KEY },
    }],
  ])("rejects %s", async (_, options) => {
    const before = await countRows(ledger);
    await refuse(deliverSigned(ledger, path, options));
    expect(await countRows(ledger)).toBe(before);
  });
});

describe("without configured secrets", () => {
  const ledger = useReceiver("PGlite", { AUTH_HOOK_SECRETS: " \n" });

  test.each(Object.keys(SECRETS))(
    "/%s rejects signatures, names the missing variable and accepts a key",
    async (path) => {
      const before = await countRows(ledger);
      const variable = path === "webhooks/auth"
        ? "AUTH_HOOK_SECRETS"
        : "STANDARD_WEBHOOK_SECRETS";
      // Neither a valid signature nor one by an empty secret.
      for (const secret of [SECRETS[path], new Uint8Array([0])]) {
        const signed = await deliverSigned(ledger, path, { secret });
        expect(signed.status).toBe(401);
        expect(signed.body.code).toBe("invalid_credentials");
        expect(signed.body.detail).toContain(variable);
      }
      expect(await countRows(ledger)).toBe(before);
      const keyed = await deliver(ledger, path, { apikey: GATEWAY_KEY });
      expect(keyed.status).toBe(201);
    },
  );
});

describe("an Auth hook without a valid signature", () => {
  const ledger = useReceiver("PGlite");

  test("is rejected, and not recorded", async () => {
    const hook = createHook("after-user-created");
    const before = await countRows(ledger);
    const signatures: Headers[] = [{}, { "webhook-signature": "v1,x" }];
    for (const headers of signatures) {
      const { status, body } = await ledger.post("webhooks/auth", hook, {
        headers: { apikey: null, ...headers },
      });
      expect(status).toBe(401);
      expect(body.code).toBe("missing_credentials");
    }
    expect(await countRows(ledger)).toBe(before);
  });
});
