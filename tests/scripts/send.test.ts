import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { PRODUCER_KEY } from "../../local/demo-key.ts";
import {
  type SignedMessage,
  verifySignature,
} from "../../shared/webhooks/signatures.ts";
import { run } from "../support/command.ts";

const SECRET = new Uint8Array(32).fill(9);
const SECRET_TEXT = `v1,whsec_${btoa(String.fromCharCode(...SECRET))}`;

let requests: { url: URL; message: SignedMessage }[] = [];
let answer = { status: 200, body: '{"recorded":1}' };
const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: () => {} },
  async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const message = { headers: request.headers, body };
    requests.push({ url: new URL(request.url), message });
    return new Response(answer.body, { status: answer.status });
  },
);
const URL_FLAG = `--url=http://127.0.0.1:${server.addr.port}/functions/v1/`;
const send = (...args: string[]) => run("../scripts/send.ts", args);

beforeEach(() => {
  requests = [];
  answer = { status: 200, body: '{"recorded":1}' };
});
afterAll(() => server.shutdown());

describe("npm run send", () => {
  test("posts a sample with the local key, and shows everything but the key", async () => {
    const { code, stdout } = await send(
      "litellm",
      URL_FLAG,
      "--query=firm_id=x",
    );
    expect(code).toBe(0);
    const [{ url, message }] = requests;
    expect(url.pathname + url.search)
      .toBe("/functions/v1/webhooks/litellm?firm_id=x");
    expect(message.headers.get("x-ledger-key")).toBe(PRODUCER_KEY);
    expect(message.headers.get("apikey")).toBeNull();
    expect(message.headers.get("webhook-signature")).toBeNull();
    expect(JSON.parse(new TextDecoder().decode(message.body))).toHaveLength(2);
    expect(stdout).toContain("POST /functions/v1/webhooks/litellm?firm_id=x");
    expect(stdout).toContain("x-ledger-key: lfk_…");
    expect(stdout).toContain('200 OK\n{\n  "recorded": 1\n}');
    expect(stdout).not.toContain(PRODUCER_KEY);
  });

  test("signs with a secret instead of a key", async () => {
    const { code, stdout } = await send(
      "standard/audit",
      URL_FLAG,
      `--secret=${SECRET_TEXT}`,
    );
    expect(code).toBe(0);
    const [{ message }] = requests;
    expect(message.headers.get("apikey")).toBeNull();
    expect(await verifySignature(message, [SECRET], new Date()))
      .toEqual({ ok: true });
    expect(stdout).not.toContain(SECRET_TEXT.slice(-20));
  });

  test("ends with 1 when the answer is an error, and shows it", async () => {
    answer = { status: 401, body: "no" };
    const { code, stdout } = await send("auth", URL_FLAG, "--key=abcdefghijkl");
    expect(code).toBe(1);
    expect(stdout).toContain("401 Unauthorized\nno");
    expect(stdout).toContain("apikey: …");
    expect(stdout).not.toContain("abcdef");
  });

  test.each([
    [["nothing"], 'Cannot send "nothing": expected otlp, litellm'],
    [[], "The format is missing; expected otlp, litellm"],
    [["standard"], 'Cannot send "standard": expected'],
    [["standard/payments"], "where <log> is llm-usage"],
    [["litellm/audit"], 'Cannot send "litellm/audit"'],
    [["constructor"], 'Cannot send "constructor"'],
    [["litellm", "--colour"], "expected one of --url"],
    [["litellm", "--url=nowhere"], 'Cannot use the URL "nowhere"'],
    [
      ["litellm", "--url=http://127.0.0.1:1"],
      "Cannot reach http://127.0.0.1:1",
    ],
    [
      ["auth", "--secret=swordfish"],
      "Cannot sign: Secret 1 of 1 does not start",
    ],
  ])("with %j reports the fault and the remedy", async (args, message) => {
    const { code, stderr } = await send(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/swordfish|at file:/);
    expect(requests).toEqual([]);
  });
});
