import { createClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  type Caller,
  callFunction,
  StoreError,
} from "../../shared/db/call-function.ts";
import { toolUsageLedger } from "../../shared/logs/tool-usage-ledger.ts";
import { serveLog } from "../../shared/serve-log.ts";

/** What a stand-in of the REST API was asked. */
type Asked = {
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
let asked: Asked[];
let status: number;
let answer: unknown;

beforeAll(() => {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  server = Deno.serve(options, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    asked.push({
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
  asked = [];
  status = 200;
  answer = { message: "said" };
});
afterAll(() => server.shutdown());

const call = (
  caller: Caller,
  parameters: Record<string, unknown>,
  name = "list_log",
) => callFunction({ caller, env }, name, parameters, 5_000);

test.each([["service", SERVICE], ["user", USER]] as const)(
  "a %s's call is the one that supabase-js would make",
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
    const [ours, theirs] = asked;
    expect(ours.headers["x-client-info"]).toBe("ledger-functions");
    for (const { headers } of asked) delete headers["x-client-info"];
    expect({ ...ours, columns: null }).toEqual(theirs);
    expect(theirs.headers).toMatchObject({
      apikey: key,
      authorization: `Bearer ${caller.kind === "user" ? "a.b.c" : SECRET}`,
    });
  },
);

test("a call names the parameters that it has, and no others", async () => {
  await call(SERVICE, { log: "x", since: undefined, until: null, after: 0 });
  await call(SERVICE, {}, "seal_ledger");
  expect(asked.map(({ columns, body }) => [columns, body])).toEqual([
    ["log,until,after", { log: "x", until: null, after: 0 }],
    [null, {}],
  ]);
});

test("a project's URL may end with a slash", async () => {
  const session = { caller: SERVICE, env: { ...env, url: `${env.url}/` } };
  await callFunction(session, "seal_ledger", {}, 5_000);
  expect(asked[0].path).toBe("/rest/v1/rpc/seal_ledger");
});

test.each([408, 429, 500, 502, 503, 504, 520])(
  "a call that is answered with %d is made once",
  async (answered) => {
    status = answered;
    await expect(call(SERVICE, { log: "x" })).rejects.toMatchObject({
      name: "StoreError",
      status: answered,
      reason: { message: "said" },
    });
    expect(asked).toHaveLength(1);
  },
);

test("a call that is not answered in time fails and was made once", async () => {
  const slow = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      asked.push({} as Asked);
      return new Promise<Response>(() => {});
    },
  );
  const url = `http://127.0.0.1:${(slow.addr as Deno.NetAddr).port}`;
  const session = { caller: SERVICE, env: { ...env, url } };
  const failure = await callFunction(session, "seal_ledger", {}, 50)
    .catch((error) => error);
  expect(failure).toBeInstanceOf(StoreError);
  expect(failure).toMatchObject({ status: 0, isTransient: true });
  expect(asked).toHaveLength(1);
  void slow.shutdown();
});

test("without a key a call is not made, and the error names the variable", async () => {
  const session = { env: { ...env, secretKeys: {}, publishableKeys: {} } };
  await expect(
    callFunction({ ...session, caller: SERVICE }, "seal_ledger", {}, 50),
  )
    .rejects.toThrow("SUPABASE_SECRET_KEYS");
  await expect(
    callFunction({ ...session, caller: USER }, "seal_ledger", {}, 50),
  )
    .rejects.toThrow("SUPABASE_PUBLISHABLE_KEYS");
  expect(asked).toEqual([]);
});

test("rows and receipts come with the call that records an event", async () => {
  const { id, ...rest } = toolUsageLedger.example;
  const receipt = { kind: "row/v1" };
  answer = [{ index: 0, id, outcome: "recorded", row: { id }, receipt }];
  const serve = serveLog(toolUsageLedger, { data: env, error: null } as never);
  const said = vi.spyOn(console, "log").mockImplementation(() => {});
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
  said.mockRestore();
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ id, receipt });
  expect(asked).toMatchObject([{
    path: "/rest/v1/rpc/record_tool_usage_ledger",
    body: { representation: true, receipts: true },
  }]);
});
