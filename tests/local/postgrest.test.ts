import { createClient } from "@supabase/supabase-js";
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  inject,
  test,
  vi,
} from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { findPostgrest } from "../../local/postgrest-program.ts";
import { startPostgrest } from "../../local/postgrest.ts";
import { StackError } from "../../local/stack-error.ts";
import { startStack } from "../../local/stack.ts";
import { overPostgres, type TestDatabase } from "../support/databases.ts";
import {
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  OTHER_FIRM,
  OTHER_USER,
  type Slug,
  SLUGS,
  TABLES,
  USER,
} from "../support/running-stack.ts";
import {
  EvidenceStack,
  makeLogKeys,
  trustLogs,
} from "../support/evidence-stack.ts";
import { spawn } from "../support/command.ts";

const { program, missing } = findPostgrest();
const NOT_RUN = missing === undefined ? "" : ` (not run: ${missing})`;

/** Values of JSON that are special in SQL, URLs and headers. */
const ODD_METADATA = {
  text: `'; drop table x; -- "q" \\ \\u0000 $1 %00 {} \u2028`,
  unicode: "Zażółć 🦉 日本語 e\u0301 \u200f",
  numbers: [0, -1, 0.1, 1e-7, 12345678901234, 1e21],
  looks_like_json: ["5", "null", "{}", '"x"'],
  nested: { empty: {}, list: [], yes: true, none: null, "key with .": 1 },
};

describe.skipIf(missing !== undefined)(`PostgREST${NOT_RUN}`, () => {
  const ledger = new EvidenceStack();
  let database: TestDatabase;
  let verifierKey: string;

  beforeAll(async () => {
    const keys = await makeLogKeys();
    verifierKey = keys.verifierKey;
    ledger.databaseUrl = await createDatabase({ url: inject("postgresUrl") });
    ledger.stack = await startStack({
      port: 0,
      databaseUrl: ledger.databaseUrl,
      postgrest: "",
      functionEnv: { LEDGER_SIGNING_KEYS: keys.signerKey },
    });
    database = ledger.openDatabase();
  });
  afterAll(async () => {
    await database?.close();
    await ledger.stack?.stop();
  });

  const get = (path: string, headers: Record<string, string | null> = {}) =>
    ledger.post(path, undefined, { method: "GET", headers });
  const asUser = async (id: string) => ({
    apikey: null,
    authorization: `Bearer ${await ledger.stack.signUserToken(id)}`,
  });

  test("serves /rest/v1", async () => {
    expect(ledger.stack.rest.name).toMatch(/^PostgREST \d+\.\d+/);
    const response = await fetch(`${ledger.stack.url}/rest/v1/audit_log`, {
      headers: { apikey: ledger.stack.secretKey },
    });
    await response.body?.cancel();
    expect(response.status).toBe(200);
    expect(response.headers.get("server")).toMatch(/^postgrest\//);
  });

  describe.each(SLUGS)("%s", (slug: Slug) => {
    const make = (more: Record<string, unknown> = {}) => ({
      ...EVENTS[slug],
      id: newId(),
      ...more,
    });
    /** Another value of a column, for a conflict. */
    const CHANGE = {
      "llm-usage": { model: "gemini-2.0-pro" },
      "tool-usage": { execution_ms: 7 },
      "model-usage": { reported_model_name: "Another" },
      "audit": { action: "another_action" },
    }[slug];

    test("records an event, a duplicate and a conflict", async () => {
      const event = make();
      const first = await ledger.post(slug, event);
      expect([first.status, first.body.id]).toEqual([201, event.id]);
      const again = await ledger.post(slug, event);
      expect([again.status, again.body]).toEqual([200, first.body]);
      const other = await ledger.post(slug, { ...event, ...CHANGE });
      expect([other.status, other.body.fields])
        .toEqual([409, Object.keys(CHANGE)]);
      expect(await ledger.rows(TABLES[slug], { id: event.id }))
        .toHaveLength(1);
    });

    test("records a batch without its rejected event, and nothing of an atomic one", async () => {
      const batch = [make(), make(), make()];
      const wrong = { "tool-usage": { agent_id: NOBODY } }[slug as string] ??
        { firm_id: NOBODY };
      // A model report refers to no row: the schema alone can refuse it.
      const sent = slug === "model-usage"
        ? [batch[0], { ...batch[1], phase: "OTHER" }, batch[2]]
        : [batch[0], { ...batch[1], ...wrong }, batch[2]];
      const atomic = await ledger.post(slug, sent, { query: "?atomic=true" });
      expect(atomic.status).toBe(422);
      const mixed = await ledger.post(slug, sent);
      expect(mixed.status).toBe(207);
      expect(mixed.body).toMatchObject({ recorded: 2, rejected: 1 });
      expect(mixed.body.results[1].problem.status).toBe(422);
      const again = await ledger.post(slug, [batch[0], batch[2]]);
      expect([again.status, again.body.duplicate]).toEqual([200, 2]);
    });

    test("lists, returns and sums up rows", async () => {
      const { body: row } = await ledger.post(slug, make());
      const { rows } = (await get(`${slug}?limit=1`)).body;
      expect(rows).toHaveLength(1);
      const one = await get(`${slug}/${row.id}`);
      expect([one.status, one.body]).toEqual([200, row]);
      const day = (ms: number) =>
        new Date(Date.now() + ms).toISOString().slice(0, 10);
      const { status, body } = await get(
        `${slug}/summary?from=${day(0)}&to=${day(86_400_000)}`,
      );
      expect(status).toBe(200);
      expect(body.totals.count).toBe(await ledger.count(TABLES[slug]));
    });
  });

  test("money is exact in responses, in sums and in the tables", async () => {
    const [smallest, largest] = [newId(), newId()];
    const costs = { [smallest]: "0.000001", [largest]: "9999.999999" };
    for (const [id, cost_usd] of Object.entries(costs)) {
      const tool = await ledger.post("tool-usage", {
        ...EVENTS["tool-usage"],
        id,
        cost_usd,
      });
      expect([tool.status, tool.body.cost_usd]).toEqual([201, cost_usd]);
      const call = await ledger.post("llm-usage", {
        ...EVENTS["llm-usage"],
        id,
        cost_usd,
        firm_id: OTHER_FIRM,
      });
      expect([call.status, call.body.cost_usd]).toEqual([201, cost_usd]);
      const stored = await database.query(
        `select cost_usd::text from public.tool_usage_ledger where id = $1
        union all select cost_usd::text from public.llm_usage_log where id = $1`,
        [id],
      );
      expect(stored).toEqual([{ cost_usd }, { cost_usd }]);
    }
    const [from, to] = [-86_400_000, 86_400_000]
      .map((ms) => new Date(Date.now() + ms).toISOString().slice(0, 10));
    const sum = await get(
      `llm-usage/summary?firm_id=${OTHER_FIRM}&from=${from}&to=${to}`,
    );
    expect(sum.body.totals.cost_usd).toBe("10000.000000");
  });

  test("metadata is returned unchanged", async () => {
    const event = { ...EVENTS["model-usage"], id: newId() };
    const { status, body } = await ledger.post("model-usage", {
      ...event,
      metadata: ODD_METADATA,
    });
    expect([status, body.metadata]).toEqual([201, ODD_METADATA]);
    expect((await get(`model-usage/${event.id}`)).body.metadata)
      .toEqual(ODD_METADATA);
    const [stored] = await database.query(
      "select metadata = $1::jsonb as same from public.model_usage_log where id = $2",
      [ODD_METADATA, event.id],
    );
    expect(stored).toEqual({ same: true });
  });

  test("a user writes their own audit events, and row security decides what they read", async () => {
    const { firm_id: _, ...event } = EVENTS.audit;
    const written = await ledger.postAs(USER, "audit", {
      ...event,
      id: newId(),
    });
    expect(written.status).toBe(201);
    expect(written.body).toMatchObject({ firm_id: FIRM, user_id: USER });
    const path = `audit/${written.body.id}`;
    expect((await get(path, await asUser(USER))).status).toBe(200);
    expect((await get(path, await asUser(OTHER_USER))).status).toBe(404);
    const { rows } = (await get("audit", await asUser(OTHER_USER))).body;
    expect(rows).toEqual([]);
    const refused = await ledger.postAs(USER, "llm-usage", EVENTS["llm-usage"]);
    expect(refused.status).toBe(403);
  });

  test("grants decide which tables supabase-js may write to directly", async () => {
    const token = await ledger.stack.signUserToken(USER);
    const { url, publishableKey } = ledger.stack;
    const auth = { persistSession: false, autoRefreshToken: false };
    const anonymous = createClient(url, publishableKey, { auth });
    const user = createClient(url, publishableKey, {
      accessToken: () => Promise.resolve(token),
    });
    for (const slug of SLUGS) {
      const table = TABLES[slug];
      const rows = () => [{ ...EVENTS[slug], id: newId() }];
      expect(await ledger.admin().from(table).insert(rows()))
        .toMatchObject({ error: null, status: 201 });
      for (const client of [anonymous, user]) {
        const answer = await client.from(table).insert(rows());
        expect(answer).toMatchObject(
          slug === "model-usage"
            ? { error: null, status: 201 }
            : { error: { code: "42501" } },
        );
      }
      for (const client of [anonymous, user, ledger.admin()]) {
        const answer = await client.from(table).delete().eq("id", newId());
        expect(answer.error?.code).toBe("42501");
      }
    }
  });

  test("a user's claims reach the database unchanged", async () => {
    const token = await ledger.stack.signUserToken(USER, {
      userMetadata: ODD_METADATA,
    });
    await database.exec(
      `create function public.claims() returns jsonb language sql
      as $$ select auth.jwt() -> 'user_metadata' $$; notify pgrst, 'reload schema';`,
    );
    const user = createClient(ledger.stack.url, ledger.stack.publishableKey, {
      accessToken: () => Promise.resolve(token),
    });
    await expect.poll(async () => (await user.rpc("claims")).data)
      .toEqual(ODD_METADATA);
    await database.exec("drop function public.claims()");
  });

  test("PostgREST refuses requests that bypass the gateway", async () => {
    const started = await startPostgrest({
      program: program!,
      databaseUrl: ledger.databaseUrl!,
      schemas: ["public"],
      maxRows: 10,
      poolSize: 1,
      maxWaitMs: 1000,
    });
    try {
      const token = await ledger.stack.signUserToken(USER);
      for (const bearer of [ledger.stack.secretKey, token]) {
        const response = await fetch(`${started.url}/audit_log`, {
          headers: { authorization: `Bearer ${bearer}` },
        });
        await response.body?.cancel();
        expect(response.status).toBe(401);
      }
    } finally {
      await started.close();
    }
  });

  test("the evidence of recorded rows verifies, and a row has a proof", async () => {
    const { body } = await ledger.post("audit", {
      ...EVENTS.audit,
      id: newId(),
    });
    await ledger.sealAll();
    const proof = await get(`ledger/proof/audit/${body.id}`);
    expect(proof.status).toBe(200);
    const verdict = await ledger.verify(trustLogs(verifierKey));
    expect(verdict.faults).toEqual([]);
  });

  test("requests get 503 with Retry-After after PostgREST was killed", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    Deno.kill(ledger.stack.rest.pid!, "SIGKILL");
    await expect.poll(() => log.mock.calls.flat().join("\n"))
      .toContain("PostgREST has ended");
    for (const slug of SLUGS) {
      const { status, headers } = await ledger.post(slug, EVENTS[slug]);
      expect(status).toBe(503);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
    log.mockRestore();
  });
});

describe.skipIf(missing !== undefined)(`a PostgREST process${NOT_RUN}`, () => {
  test("ends with the stack that started it, also when that is killed", async () => {
    const databaseUrl = await createDatabase({ url: inject("postgresUrl") });
    const stack = spawn("start.ts", [
      "--database-url",
      databaseUrl,
      "--postgrest",
      "--data-dir",
      `${inject("runDirectory")}/postgrest-stack`,
    ]);
    await stack.saw("Ctrl-C stops it.");
    expect(stack.output()).toMatch(/^REST +\S+ \(PostgREST \d\S+\)$/m);
    const database = overPostgres(databaseUrl);
    const connections = async () => {
      const [{ count }] = await database.query(
        `select count(*)::int from pg_stat_activity
        where datname = current_database() and application_name ilike 'PostgREST%'`,
      );
      return count;
    };
    expect(await connections()).toBeGreaterThan(0);
    await stack.end("SIGKILL");
    await expect.poll(connections, { timeout: 10_000 }).toBe(0);
    await database.close();
  });

  test.each([
    ["does not exist", "/nowhere/postgrest", /cannot run \/nowhere\/postgrest/],
    ["ends at once", "/bin/false", /\/bin\/false ended with exit code 1/],
  ])("a program that %s is reported", async (_, program, pattern) => {
    const starting = startPostgrest({
      program,
      databaseUrl: inject("postgresUrl"),
      schemas: ["public"],
      maxRows: 10,
      poolSize: 1,
      maxWaitMs: 1000,
    });
    await expect(starting).rejects.toThrow(StackError);
    await expect(starting).rejects.toThrow(pattern);
  });
});
