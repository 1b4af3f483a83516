import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVENTS, FIRM, newId } from "../support/running-stack.ts";
import { createHook } from "../support/supabase-payloads.ts";
import {
  readLines,
  type SpawnedStack,
  startSpawnedStack,
} from "../support/spawned-stack.ts";
import {
  AUTH_SECRETS,
  countRows,
  createSecret,
  postSigned,
  useReceiver,
} from "../support/receiving-stack.ts";

const [{ bytes: secret }] = AUTH_SECRETS;
const AUTH_FAULT =
  "AUTH_HOOK_SECRETS is invalid: Secret 2 of 2 has 4 bytes: expected 24 to 64";
const STANDARD_FAULT =
  "STANDARD_WEBHOOK_SECRETS is invalid: Secret 1 of 1 does not start with whsec_ or v1,whsec_";

describe("invalid secrets", () => {
  let receiver: SpawnedStack;
  beforeAll(async () => {
    receiver = await startSpawnedStack({
      memory: true,
      functionEnv: {
        // A valid secret does not make up for an invalid one.
        AUTH_HOOK_SECRETS: `v1,${AUTH_SECRETS[0].text}|v1,whsec_c2hydA==`,
        STANDARD_WEBHOOK_SECRETS: "swordfish",
      },
    });
  });
  afterAll(() => receiver?.end());

  test("make every signed request to their path an internal error without details", async () => {
    const { ledger } = receiver;
    const before = await countRows(ledger);
    const paths = ["webhooks/auth", "webhooks/standard/audit"];
    for (const path of [...paths, ...paths]) {
      const signed = await postSigned(ledger, path, "{}", { secret });
      const bare = await ledger.post(path, "{}", { headers: { apikey: null } });
      for (const { status, body } of [signed, bare]) {
        expect(status).toBe(500);
        expect(body.code).toBe("internal_error");
        expect(JSON.stringify(body)).not.toMatch(/SECRET|whsec|bytes/);
      }
    }
    expect(await countRows(ledger)).toBe(before);
  });

  test("do not affect other paths and keys", async () => {
    const { ledger } = receiver;
    const keyed = await ledger.post("webhooks/standard/audit", {
      type: "x",
      data: { ...EVENTS.audit, id: newId() },
    });
    expect(keyed.status).toBe(201);
    const database = await ledger.post("webhooks/database", {
      type: "INSERT",
      schema: "public",
      table: "invoices",
      record: { id: newId(), firm_id: FIRM },
    });
    expect(database.status).toBe(201);
  });

  test("are reported once when the function starts, without their value", async () => {
    const printed = await receiver.end();
    const lines = printed.split("\n");
    for (const fault of [AUTH_FAULT, STANDARD_FAULT]) {
      expect(lines.filter((line) => line === fault)).toHaveLength(1);
    }
    expect(lines.indexOf(AUTH_FAULT)).toBeLessThan(
      lines.findIndex((line) => line.includes(',"error":{')),
    );
    const failed = readLines(printed).filter(({ error }) => error);
    expect(failed).toHaveLength(8);
    expect(printed).not.toMatch(/swordfish|c2hydA/);
  });
});

describe.each<[string, (old: string, next: string) => string, boolean[]]>([
  ["both, as the dashboard joins them", (old, next) => `v1,${old}|v1,${next}`, [
    true,
    true,
  ]],
  ["the new one alone", (_, next) => `${next}\n`, [false, true]],
])("during a rotation of secrets, with %s", (_, join, expected) => {
  const [old, next] = [createSecret(7), createSecret(8)];
  const ledger = useReceiver("PGlite", {
    AUTH_HOOK_SECRETS: join(old.text, next.text),
  });

  test("only configured secrets verify", async () => {
    for (const [index, { bytes }] of [old, next].entries()) {
      const { status } = await postSigned(
        ledger,
        "webhooks/auth",
        createHook("after-user-created"),
        { secret: bytes },
      );
      expect(status).toBe(expected[index] ? 200 : 401);
    }
  });
});
