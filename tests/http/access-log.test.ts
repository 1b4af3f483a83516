import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import type { FunctionOutput } from "../../local/function-messages.ts";
import { startStack } from "../../local/stack.ts";
import { toolUsageLedger } from "../../shared/logs/tool-usage-ledger.ts";
import { serveLog } from "../../shared/serve-log.ts";
import {
  AGENT,
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  RunningStack,
  TOOL,
  USER,
} from "../support/running-stack.ts";

const NAMED_KEY = "sb_secret_gateway_0123456789abcdefghijklmn";
const RANGE = "from=2026-01-01&to=2026-01-02";

describe("the access log line", () => {
  const ledger = new RunningStack();
  const outputs: FunctionOutput[] = [];
  beforeAll(async () => {
    ledger.stack = await startStack({
      port: 0,
      memory: true,
      secretKeys: { gateway: NAMED_KEY },
      functionLog: (output) => void outputs.push(output),
    });
  });
  afterAll(() => ledger.stack?.stop());
  beforeEach(() => void outputs.splice(0));

  /** The one line since the test began, without request_id and duration_ms. */
  function readLine() {
    expect(outputs).toHaveLength(1);
    const [{ slug, level, text }] = outputs;
    const { request_id, duration_ms, ...line } = JSON.parse(text);
    expect(request_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number.isInteger(duration_ms)).toBe(true);
    expect(line.function).toBe(slug);
    return { level, line };
  }

  test("of a recording request has the caller, the outcomes and the size of the body", async () => {
    const id = newId();
    const event = { ...EVENTS["tool-usage"], id };
    await ledger.post("tool-usage", event);
    outputs.splice(0);
    const events = [
      event,
      { ...event, tokens_consumed: 7 },
      { ...event, id: newId() },
      {},
    ];
    await ledger.post("tool-usage", events, { headers: { apikey: NAMED_KEY } });
    expect(readLine()).toEqual({
      level: "log",
      line: {
        function: "tool-usage",
        method: "POST",
        route: "record",
        status: 207,
        caller: "secret:gateway",
        events: 4,
        recorded: 1,
        duplicate: 1,
        conflict: 1,
        rejected: 1,
        body_bytes: JSON.stringify(events).length,
      },
    });
  });

  test("of a user's request does not contain the user's id", async () => {
    await ledger.postAs(USER, "audit", {
      action: "create_project",
      entity_type: "cma_project",
    });
    const { line } = readLine();
    expect(line).toMatchObject({ caller: "user", status: 201, recorded: 1 });
    expect(JSON.stringify(line)).not.toContain(USER);
  });

  test("has the request id of the response, which is the client's own if that is safe", async () => {
    const { headers } = await ledger.post("audit", "{", {
      headers: { "x-request-id": "trace-1" },
    });
    expect(headers.get("x-request-id")).toBe("trace-1");
    expect(JSON.parse(outputs[0].text).request_id).toBe("trace-1");
  });

  test.each([
    'a"b <script>',
    "x".repeat(65),
    NAMED_KEY,
    "sb_publishable_0123456789abcdef",
    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
    "sk-ant-api03-0123456789abcdef",
    "eyJhbGciOiJFUzI1NiIsImtpZCI6Ikg0d2p5",
  ])("never contains the unsafe request id %s", async (sent) => {
    const { headers } = await ledger.post("audit", "{", {
      headers: { "x-request-id": sent },
    });
    readLine();
    expect(outputs[0].text).not.toContain(JSON.stringify(sent).slice(1, -1));
    expect(headers.get("x-request-id")).not.toBe(sent);
  });

  test.each<[string, string, string, object]>([
    ["GET", "tool-usage", "list", { status: 200 }],
    ["HEAD", "tool-usage", "list", { status: 200 }],
    ["GET", `tool-usage/summary?${RANGE}`, "summary", { status: 200 }],
    ["GET", `tool-usage/${NOBODY}`, "fetch", {
      status: 404,
      code: "not_found",
    }],
    ["GET", "tool-usage/openapi.json", "openapi.json", { status: 200 }],
    ["DELETE", `tool-usage/${NOBODY}`, "fetch", {
      status: 405,
      code: "method_not_allowed",
    }],
    ["BREW", "tool-usage", "list", { method: "other", status: 405 }],
    ["GET", "tool-usage/a/b", "unknown", { status: 404 }],
    ["GET", `llm-usage/budget?firm_id=${FIRM}`, "budget", { status: 200 }],
    ["POST", "llm-usage/budget", "budget", { status: 422 }],
    ["POST", "llm-usage/reserve", "reserve", { status: 422 }],
    ["POST", "llm-usage/ratings", "ratings", { status: 400 }],
    ["GET", "ledger/checkpoint", "checkpoint", { status: 404 }],
    ["POST", "ledger/seal", "seal", { status: 200 }],
    ["POST", "otlp/v1/traces", "traces", { status: 200, events: 0 }],
    ["POST", "webhooks/database", "database", { status: 422, rejected: 1 }],
    ["POST", "webhooks/standard/audit", "standard/audit", { rejected: 1 }],
    ["POST", "webhooks/nothing", "unknown", { code: "not_found" }],
    ["OPTIONS", "audit", "list", { status: 204 }],
  ])("of %s %s has the route %s", async (method, path, route, more) => {
    const body = method === "POST" ? "{}" : undefined;
    await ledger.post(path, body, { method });
    expect(readLine().line).toMatchObject({ method, route, ...more });
  });

  test("of an export is written after the export has ended", async () => {
    const headers = { accept: "text/csv" };
    await ledger.post("tool-usage", undefined, { method: "GET", headers });
    const { line } = readLine();
    expect(line).toMatchObject({ route: "export", status: 200 });
    expect(line).not.toHaveProperty("cut_off");
  });

  test("of an internal error goes to console.error with the error's message", async () => {
    const errorLog = vi.spyOn(console, "error").mockImplementation(() => {});
    const error = new Error("SUPABASE_URL is missing");
    const serve = serveLog(toolUsageLedger, { data: null, error } as never);
    const { status } = await serve(new Request("http://x/tool-usage"));
    expect(status).toBe(500);
    expect(errorLog).toHaveBeenCalledTimes(1);
    expect(JSON.parse(errorLog.mock.lastCall![0])).toMatchObject({
      status: 500,
      code: "internal_error",
      error: { name: "Error", message: "SUPABASE_URL is missing" },
    });
    errorLog.mockRestore();
  });

  test("has long errors truncated and their secrets redacted", async () => {
    const errorLog = vi.spyOn(console, "error").mockImplementation(() => {});
    const long = '"'.repeat(100_000);
    let error = new Error(long);
    for (let depth = 0; depth < 20; depth++) {
      error = new Error(`${NAMED_KEY} ${long}`, { cause: error });
    }
    const serve = serveLog(toolUsageLedger, { data: null, error } as never);
    await serve(new Request("http://x/tool-usage"));
    const [line] = errorLog.mock.lastCall!;
    // The platform truncates longer lines.
    expect(line.length).toBeLessThan(10_000);
    expect(JSON.parse(line).error.cause.message).toMatch(/^\[redacted:/);
    expect(line).not.toContain(NAMED_KEY);
    errorLog.mockRestore();
  });

  test("contains no value of the query, the body or the path", async () => {
    const query = `?agent_id=${AGENT}&tool_id=${TOOL}`;
    await ledger.post(`tool-usage${query}`, undefined, { method: "GET" });
    await ledger.post(`tool-usage/${NOBODY}`, undefined, { method: "GET" });
    await ledger.post("tool-usage", EVENTS["tool-usage"]);
    const text = outputs.map(({ text }) => text).join("\n");
    for (const value of [AGENT, TOOL, NOBODY]) {
      expect(text).not.toContain(value);
    }
  });
});
