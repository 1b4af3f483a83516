import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  type Caller,
  callFunction,
  StoreError,
} from "../../shared/db/call-function.ts";
import { toolUsageLedger } from "../../shared/logs/tool-usage-ledger.ts";
import { serveLog } from "../../shared/serve-log.ts";

/** A request as the fake REST API receives it. */
type ReceivedRequest = {
  method: string;
  path: string;
  columns: string | null;
  headers: Record<string, string>;
  body: unknown;
};

const SECRET = "sb_secret_default";
const PUBLISHABLE = "sb_publishable_default";
const SERVICE: Caller = { kind: "service", keyName: "gateway" };
const USER: Caller = { kind: "user", id: "u", token: "a.b.c" };

let server: Deno.HttpServer<Deno.NetAddr>;
let env: Parameters<typeof callFunction>[0]["env"];
let requests: ReceivedRequest[];
let status: number;
let answer: unknown;

beforeAll(() => {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  server = Deno.serve(options, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    requests.push({
      method: request.method,
      path: pathname,
      columns: searchParams.get("columns"),
      headers: Object.fromEntries(request.headers),
      body: await request.json(),
    });
    return Response.json(answer, { status });
  });
  env = {
    url: `http://127.0.0.1:${server.addr.port}`,
    publishableKeys: { web: "sb_publishable_web", default: PUBLISHABLE },
    secretKeys: { gateway: "sb_secret_gateway", default: SECRET },
  };
});
beforeEach(() => {
  requests = [];
  status = 200;
  answer = { message: "refused" };
});
afterAll(() => server.shutdown());

const call = (
  caller: Caller,
  parameters: Record<string, unknown>,
  name = "list_log",
) => callFunction({ caller, env }, name, parameters, 5_000);

test.each([["service", SERVICE], ["user", USER]] as const)(
  "a %s's call is identical to that of supabase-js",
  async (_kind, caller) => {
    const parameters = { log: "audit_log", filters: {}, since: undefined };
    await call(caller, parameters);
    const options = {
      auth: { persistSession: false, autoRefreshToken: false },
      global: caller.kind === "user"
        ? { headers: { authorization: `Bearer ${caller.token}` } }
        : {},
    };
    const key = caller.kind === "user" ? PUBLISHABLE : SECRET;
    await createClient(env.url, key, options).rpc("list_log", parameters);
    const [ours, theirs] = requests;
    expect(ours.headers["x-client-info"]).toBe("ledger-functions");
    for (const { headers } of requests) delete headers["x-client-info"];
    expect({ ...ours, columns: null }).toEqual(theirs);
    expect(theirs.headers).toMatchObject({
      apikey: key,
      authorization: `Bearer ${caller.kind === "user" ? "a.b.c" : SECRET}`,
    });
  },
);

test("a call names its defined parameters in columns", async () => {
  await call(SERVICE, { log: "x", since: undefined, until: null, after: 0 });
  await call(SERVICE, {}, "seal_ledger");
  expect(requests.map(({ columns, body }) => [columns, body])).toEqual([
    ["log,until,after", { log: "x", until: null, after: 0 }],
    [null, {}],
  ]);
});

test("a project's URL may end with a slash", async () => {
  const session = { caller: SERVICE, env: { ...env, url: `${env.url}/` } };
  await callFunction(session, "seal_ledger", {}, 5_000);
  expect(requests[0].path).toBe("/rest/v1/rpc/seal_ledger");
});

test.each([408, 429, 500, 502, 503, 504, 520])(
  "a call that is answered with %d is not retried",
  async (code) => {
    status = code;
    await expect(call(SERVICE, { log: "x" })).rejects.toMatchObject({
      name: "StoreError",
      status: code,
      reason: { message: "refused" },
    });
    expect(requests).toHaveLength(1);
  },
);

test("a call that times out fails and is not retried", async () => {
  const slow = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      requests.push({} as ReceivedRequest);
      return new Promise<Response>(() => {});
    },
  );
  const url = `http://127.0.0.1:${(slow.addr as Deno.NetAddr).port}`;
  const session = { caller: SERVICE, env: { ...env, url } };
  const failure = await callFunction(session, "seal_ledger", {}, 50)
    .catch((error) => error);
  expect(failure).toBeInstanceOf(StoreError);
  expect(failure).toMatchObject({ status: 0, isTransient: true });
  expect(requests).toHaveLength(1);
  void slow.shutdown();
});

test("a call without a key fails before a request, and the error names the variable", async () => {
  const session = { env: { ...env, secretKeys: {}, publishableKeys: {} } };
  await expect(
    callFunction({ ...session, caller: SERVICE }, "seal_ledger", {}, 50),
  )
    .rejects.toThrow("SUPABASE_SECRET_KEYS");
  await expect(
    callFunction({ ...session, caller: USER }, "seal_ledger", {}, 50),
  )
    .rejects.toThrow("SUPABASE_PUBLISHABLE_KEYS");
  expect(requests).toEqual([]);
});

test("the call that records an event also returns its row and receipt", async () => {
  const { id, ...rest } = toolUsageLedger.example;
  const receipt = { kind: "row/v1" };
  answer = [{ index: 0, id, outcome: "recorded", row: { id }, receipt }];
  const serve = serveLog(toolUsageLedger, { data: env, error: null } as never);
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const response = await serve(
    new Request("http://x/tool-usage", {
      method: "POST",
      headers: {
        apikey: SECRET,
        prefer: "return=receipt",
        "content-type": "application/json",
      },
      body: JSON.stringify({ id, ...rest }),
    }),
  );
  log.mockRestore();
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ id, receipt });
  expect(requests).toMatchObject([{
    path: "/rest/v1/rpc/record_tool_usage_ledger",
    body: { representation: true, receipts: true },
  }]);
});
