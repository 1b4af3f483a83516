import { describe, expect, test } from "vitest";
import { SAMPLES } from "../../scripts/send/samples.ts";
import { SLUGS } from "../support/running-stack.ts";
import { run } from "../support/command.ts";
import {
  AUTH_SECRETS,
  countRows,
  GATEWAY_KEY,
  STANDARD_SECRETS,
  useReceiver,
} from "../support/receiving-stack.ts";

/** Every target of the command, and how many rows its sample makes. */
const ROWS: Record<string, number> = {
  otlp: 2,
  litellm: 2,
  portkey: 1,
  database: 1,
  auth: 1,
  ...Object.fromEntries(
    ["standard", "cloudevents", "native"].flatMap((format) =>
      SLUGS.map((log) => [`${format}/${log}`, 1])
    ),
  ),
};

describe("npm run send", () => {
  const ledger = useReceiver("PGlite");
  const send = (...args: string[]) =>
    run("../scripts/send.ts", [
      ...args,
      `--url=${ledger.stack.url}/functions/v1`,
    ]);

  test("has a sample of every format", () => {
    const formats = Object.keys(ROWS).map((target) => target.split("/")[0]);
    expect(new Set(formats)).toEqual(new Set(Object.keys(SAMPLES)));
  });

  test.each(Object.entries(ROWS))(
    "%s is recorded with the local key, and with a named one",
    async (target, rows) => {
      const before = await countRows(ledger);
      const local = await send(target);
      expect(local.stderr).toBe("");
      expect(local.code).toBe(0);
      expect(local.stdout).toMatch(/^20[01] /m);
      expect(local.stdout).not.toMatch(/reject(ed|edSpans)": "?[1-9]/);
      expect(await countRows(ledger)).toBe(before + rows);
      const named = await send(target, `--key=${GATEWAY_KEY}`);
      expect(named.code).toBe(0);
      expect(named.stdout).not.toContain(GATEWAY_KEY);
      expect(await countRows(ledger)).toBe(before + 2 * rows);
    },
  );

  test.each([
    ["auth", AUTH_SECRETS],
    ["standard/audit", STANDARD_SECRETS],
    ["standard/llm-usage", STANDARD_SECRETS],
  ])(
    "%s is recorded with a signature, and refused with a wrong one",
    async (target, [{ text }]) => {
      const before = await countRows(ledger);
      const signed = await send(target, `--secret=${text}`);
      expect(signed.code).toBe(0);
      expect(signed.stdout).not.toContain("apikey:");
      expect(await countRows(ledger)).toBe(before + 1);
      const wrong = `whsec_${btoa("x".repeat(32))}`;
      const forged = await send(target, `--secret=${wrong}`);
      expect(forged.code).toBe(1);
      expect(forged.stdout).toContain("401 Unauthorized");
      const beside = await send(
        target,
        `--secret=${wrong}`,
        `--key=${GATEWAY_KEY}`,
      );
      expect(beside.code).toBe(1);
      expect(await countRows(ledger)).toBe(before + 1);
    },
  );

  test.each(["otlp", "litellm", "portkey", "database", "cloudevents/audit"])(
    "%s refuses a signature",
    async (target) => {
      const before = await countRows(ledger);
      const { code, stdout } = await send(
        target,
        `--secret=${AUTH_SECRETS[0].text}`,
      );
      expect(code).toBe(1);
      expect(stdout).toContain("401 Unauthorized");
      expect(await countRows(ledger)).toBe(before);
    },
  );

  test.each(["", "/", "/functions/v1", "/functions/v1/"])(
    "takes the stack's origin with the path %j as --url",
    async (path) => {
      const { code, stdout } = await run("../scripts/send.ts", [
        `--url=${ledger.stack.url}${path}`,
        "native/audit",
      ]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^POST \/functions\/v1\/audit\n/);
    },
  );

  test("shows the problem of a sample that the endpoint refuses", async () => {
    const { code, stdout } = await send("database", "--query=colour=red");
    expect(code).toBe(1);
    expect(stdout).toContain("400 Bad Request");
    expect(stdout).toContain("The query parameter colour is unknown");
  });
});
