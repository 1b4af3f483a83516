import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { open } from "../../shared/http/access.ts";
import { type Route, route, RouteTable } from "../../shared/http/routes.ts";
import { LOGS, LOGS_BY_SLUG } from "../../shared/logs/index.ts";
import { serveLedger } from "../../shared/serve-ledger.ts";
import { serveLog } from "../../shared/serve-log.ts";
import { serveOtlp } from "../../shared/serve-otlp.ts";
import { serveWebhooks } from "../../shared/serve-webhooks.ts";
import { usageRoutes } from "../../shared/usage/routes.ts";

const at = (method: Route["method"], path: string, name?: string) =>
  route(method, path, open, () => never, { name });
const never = new Promise<Response>(() => {});

describe("a route table", () => {
  const table = new RouteTable([
    at("GET", "", "list"),
    at("POST", "", "record"),
    at("GET", "tile/*"),
    at("GET", ":", "fetch"),
    at("GET", "summary"),
    at("POST", "standard/audit"),
  ]);
  const find = (path: string) => {
    const match = table.find(path.split("/").filter(Boolean));
    return match && { name: match.name, rest: match.rest, allow: match.allow };
  };

  test("lists the methods of all routes of a path, and names it by the first", () => {
    expect(find("")).toEqual({
      name: "list",
      rest: [],
      allow: "GET, HEAD, POST, OPTIONS",
    });
    expect(find("standard/audit")?.allow).toBe("POST, OPTIONS");
  });

  test("prefers a literal path to a pattern that comes first", () => {
    expect(find("summary")).toMatchObject({ name: "summary", rest: [] });
    expect(find("other")).toMatchObject({ name: "fetch", rest: ["other"] });
  });

  test("matches : with one part and * with any number of them", () => {
    expect(find("tile/0/x001/000")?.rest).toEqual(["0", "x001", "000"]);
    expect(find("tile")).toMatchObject({ name: "tile", rest: [] });
    expect(find(":")).toMatchObject({ name: "fetch", rest: [":"] });
    for (const path of ["a/b", "summary/a", "standard/audit/a"]) {
      expect(find(path)).toBeNull();
    }
  });
});

describe("every function", () => {
  const KEY = "sb_secret_one_0123456789abcdefghij";
  const data = {
    url: "http://127.0.0.1:9",
    publishableKeys: {},
    secretKeys: { default: KEY },
    jwks: { keys: [] },
  };
  const environment = { data, error: null };
  const keys = Promise.resolve({
    signers: [],
    witnesses: [],
    witness: null,
    witnessed: [],
  });
  const functions = {
    ...Object.fromEntries(
      LOGS.map((log) => [log.slug, serveLog(log, environment)]),
    ),
    "llm-usage": serveLog(LOGS_BY_SLUG["llm-usage"], environment, {
      routes: usageRoutes,
    }),
    ledger: serveLedger(environment, keys as never),
    otlp: serveOtlp(environment),
    webhooks: serveWebhooks(environment, { auth: null, standard: null }),
  };
  beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  const send = (path: string, init: RequestInit) => {
    const [name] = path.split("/");
    const serve = functions[name as keyof typeof functions];
    return serve(new Request(`http://x/${path}`, init));
  };

  test.each([
    ...LOGS.map(({ slug }) => slug),
    "llm-usage/budget",
    "llm-usage/reserve",
    "llm-usage/ratings",
    "ledger/seal",
    "otlp/v1/traces",
    "webhooks/litellm",
    "webhooks/portkey",
    "webhooks/database",
    "webhooks/auth",
    "webhooks/standard/audit",
    "webhooks/cloudevents/audit",
  ])("refuses a wrong key at %s without reading the body", async (path) => {
    const pull = vi.fn();
    const body = new ReadableStream({ pull }, { highWaterMark: 0 });
    const headers = { "content-type": "application/json", apikey: "sb_secret" };
    const { status } = await send(path, { method: "POST", headers, body });
    expect(status).toBe(401);
    expect(pull).not.toHaveBeenCalled();
  });

  test.each(Object.keys(functions))(
    "%s answers 404 to any method of an unknown path",
    async (name) => {
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        const { status, headers } = await send(`${name}/a/b/c`, { method });
        expect(status).toBe(404);
        expect(headers.get("access-control-allow-origin")).toBe("*");
      }
    },
  );

  test.each([
    ["PUT", "audit", "append-only"],
    ["DELETE", "audit/summary", "append-only"],
    ["POST", "audit/summary", "use one of GET, HEAD, OPTIONS"],
    ["GET", "llm-usage/ratings", "use one of POST, OPTIONS"],
    ["PATCH", "ledger/seal", "use one of POST, OPTIONS"],
  ])("%s %s is a 405 that says %s", async (method, path, detail) => {
    const response = await send(path, { method });
    const body = await response.json();
    expect([response.status, body.detail])
      .toEqual([405, expect.stringContaining(detail)]);
  });

  test.each([
    ["GET", "ledger/checkpoint"],
    ["GET", "ledger/tile/0/000"],
    ["GET", "ledger/proof/audit/20000000-0000-4000-8000-000000000001"],
    ["POST", "ledger/seal"],
  ])("%s %s refuses an unknown parameter", async (method, path) => {
    const response = await send(`${path}?x=1`, {
      method,
      headers: { apikey: KEY },
    });
    const { code, detail } = await response.json();
    expect([response.status, code]).toEqual([400, "invalid_parameter"]);
    expect(detail).toContain("x is unknown");
  });
});
