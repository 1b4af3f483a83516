import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  MAX_BODY_BYTES,
  MAX_EVENTS,
  MAX_EXPORTS_PER_CALLER,
} from "../../shared/limits.ts";
import { EVENTS, newId } from "../support/running-stack.ts";
import { exchange } from "../support/raw-http.ts";
import { gzip } from "../support/receiving-stack.ts";
import {
  expectNoGrowth,
  readLines,
  type SpawnedStack,
  startSpawnedStack,
} from "../support/spawned-stack.ts";

const TOOL = EVENTS["tool-usage"];
/** Does `work` so many times, a few at once. */
async function repeat(
  times: number,
  atOnce: number,
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < times) await work(next++);
  }));
}

describe("a function under hostile load", () => {
  let stack: SpawnedStack;
  let port: number;
  beforeAll(async () => {
    stack = await startSpawnedStack({ memory: true });
    port = Number(new URL(stack.ledger.stack.url).port);
  });
  afterAll(() => stack?.end());

  const head = (length: number | string) => [
    "POST /functions/v1/tool-usage HTTP/1.1",
    "host: x",
    `apikey: ${stack.ledger.stack.secretKey}`,
    "content-type: application/json",
    `content-length: ${length}`,
  ];

  async function connect(lines: string[]) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await write(connection, lines.join("\r\n"));
    return connection;
  }
  const write = (connection: Deno.Conn, text: string) =>
    connection.write(new TextEncoder().encode(text));

  async function expectService(): Promise<void> {
    const { status } = await stack.ledger.post("tool-usage", {
      ...TOOL,
      id: newId(),
    });
    expect(status).toBe(201);
  }

  test("serves other clients during incomplete heads and slow or missing bodies", async () => {
    const body = JSON.stringify(TOOL);
    const unfinishedHeads = await Promise.all(
      Array.from({ length: 100 }, () => connect(head(body.length).slice(0, 3))),
    );
    const silent = await Promise.all(
      Array.from({ length: 50 }, () => connect([...head(body.length), "", ""])),
    );
    const slow = await Promise.all(
      Array.from({ length: 20 }, () => connect([...head(body.length), "", ""])),
    );
    for (const character of body) {
      await Promise.all(slow.map((connection) => write(connection, character)));
    }
    await expectService();
    // Slow is not wrong.
    for (const connection of slow) {
      const answer = new Uint8Array(12);
      await connection.read(answer);
      expect(new TextDecoder().decode(answer)).toBe("HTTP/1.1 201");
    }
    for (const connection of [...unfinishedHeads, ...silent, ...slow]) {
      connection.close();
    }
    await expectService();
  });

  test(
    "keeps no memory of 10,000 requests with invalid credentials",
    async () => {
      const body = JSON.stringify(TOOL);
      const bad: Record<string, string>[] = [
        { apikey: "sb_secret_wrong" },
        { authorization: "Bearer x" },
        { authorization: `Bearer ${"a.".repeat(2_000)}b` },
        { apikey: "x".repeat(5_000) },
        {},
      ];
      const send = async (n: number) => {
        const { status } = await stack.ledger.post("tool-usage", body, {
          headers: { apikey: null, ...bad[n % bad.length] },
        });
        expect(status).toBe(401);
      };
      await repeat(2_000, 32, send);
      await expectNoGrowth(stack, () => repeat(8_000, 32, send));
      await expectService();
    },
    60_000,
  );

  test(
    "keeps no memory of maximal bodies that are malformed at their end",
    async () => {
      const events = Array.from({ length: MAX_EVENTS }, () => ({ ...TOOL }));
      const text = JSON.stringify(events);
      const padding = " ".repeat(MAX_BODY_BYTES - text.length - 1);
      const broken = new TextEncoder().encode(
        `${text.slice(0, -1)}${padding},`,
      );
      const tooMany = await gzip(
        JSON.stringify([...events, TOOL]) + padding.slice(200),
      );
      const bomb = await gzip(" ".repeat(50 * MAX_BODY_BYTES));
      const last = JSON.stringify([...events.slice(1), {
        ...TOOL,
        cost_usd: "x",
      }]);
      const gzipped = { headers: { "content-encoding": "gzip" } };
      const round = async () => {
        const answers = await Promise.all([
          stack.ledger.post("tool-usage", broken),
          stack.ledger.post("tool-usage", tooMany, gzipped),
          stack.ledger.post("tool-usage", bomb, gzipped),
          stack.ledger.post("tool-usage", last, { query: "?atomic=true" }),
        ]);
        expect(answers.map(({ status }) => status)).toEqual([
          400,
          413,
          413,
          422,
        ]);
      };
      await repeat(3, 1, round);
      await expectNoGrowth(stack, () => repeat(5, 1, round));
      await expectService();
    },
    60_000,
  );

  test.each<[string, string[]]>([
    ["a huge Idempotency-Key", [`idempotency-key: ${"k".repeat(8_000)}`]],
    ["a huge x-request-id", [`x-request-id: ${"r".repeat(8_000)}`]],
    ["a huge apikey", [`apikey: ${"k".repeat(8_000)}`]],
    ["a huge token", [`authorization: Bearer ${"a.".repeat(4_000)}a`]],
    ["many headers", Array.from({ length: 90 }, (_, n) => `x-${n}: ${n}`)],
    ["too many headers", Array.from({ length: 5_000 }, (_, n) => `x-${n}: y`)],
    ["headers of a megabyte", [`x-long: ${"l".repeat(1_000_000)}`]],
    ["bytes that are no text", ["x-odd: \xff\xfe\x80", "x-request-id: \xff"]],
    ["a type with a thousand parameters", [
      `content-type: application/json${";a=b".repeat(1_000)}`,
    ]],
    ["an encoding again and again", [
      `content-encoding: ${Array(1_000).fill("gzip").join(",")}`,
    ]],
  ])("answers a request with %s, and the next one", async (_what, lines) => {
    const body = new TextEncoder().encode(JSON.stringify(TOOL));
    const answer = await exchange(port, [
      ...head(body.length),
      "connection: close",
      ...lines,
    ], body).catch(() => null);
    // The server may close the connection on a head that is too long.
    const isHungUp = answer === null || Number.isNaN(answer.status);
    if (isHungUp) expect(lines.join().length).toBeGreaterThan(10_000);
    else expect(answer.status).toBeLessThan(500);
    await expectService();
  });

  test.each([
    "?limit=1&".padEnd(60_000, "a=b&"),
    `?agent_id=${"x".repeat(60_000)}`,
    `/${"y".repeat(60_000)}`,
    `?${Array.from({ length: 500 }, () => `agent_id=${newId()}`).join("&")}`,
  ])(
    "refuses a URL that is too long",
    async (path) => {
      const { status } = await stack.ledger.post(
        `tool-usage${path}`,
        undefined,
        { method: "GET" },
      );
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      await expectService();
    },
  );

  test(
    "frees the places of clients that disconnect during an export or a page",
    async () => {
      const events = Array(MAX_EVENTS).fill(TOOL);
      for (let n = 0; n < 3; n++) await stack.ledger.post("tool-usage", events);
      const leave = async (accept: string) => {
        const connection = await connect([
          "GET /functions/v1/tool-usage?limit=1000 HTTP/1.1",
          "host: x",
          `apikey: ${stack.ledger.stack.secretKey}`,
          `accept: ${accept}`,
          "",
          "",
        ]);
        await connection.read(new Uint8Array(100));
        connection.close();
      };
      await repeat(8 * MAX_EXPORTS_PER_CALLER, 4, async (n) => {
        await leave(n % 2 ? "text/csv" : "application/json");
      });
      // All places of the caller are free again.
      await vi.waitFor(async () => {
        const answers = await Promise.all(
          Array.from(
            { length: MAX_EXPORTS_PER_CALLER },
            () =>
              stack.ledger.post("tool-usage", undefined, {
                method: "GET",
                query: "?limit=1",
                headers: { accept: "text/csv" },
              }),
          ),
        );
        expect(new Set(answers.map(({ status }) => status)))
          .toEqual(new Set([200]));
      }, { timeout: 10_000, interval: 200 });
      await expectService();
    },
    30_000,
  );

  test("has not crashed, and has logged no server error", async () => {
    const printed = await stack.end();
    expect(printed).not.toMatch(/Function \S+ ended|WORKER_ERROR|BOOT_ERROR/);
    const lines = readLines(printed);
    expect(lines.length).toBeGreaterThan(10_000);
    expect(lines.filter(({ status }) => status >= 500)).toEqual([]);
  });
});
