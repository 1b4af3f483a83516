import postgres from "postgres";
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
import { createKeys } from "../../shared/tlog/keys.ts";
import { EVENTS, NOBODY, USER } from "../support/running-stack.ts";
import { createSecret, GATEWAY_KEY } from "../support/receiving-stack.ts";
import {
  readLines,
  type SpawnedStack,
  startSpawnedStack,
} from "../support/spawned-stack.ts";

/** Consecutive characters of a credential that must not be printed. */
const PIECE = 12;
const PASSWORD = "correct-horse-battery-9417";

/** Paths that get a credential in every part of a request. */
const PATHS = [
  "tool-usage",
  "llm-usage/reserve",
  "audit",
  "otlp/v1/traces",
  "webhooks/auth",
  "webhooks/standard/audit",
  "webhooks/litellm",
  "webhooks/portkey",
  "ledger/seal",
];

/** The pieces of `credential` that are in `printed`. */
function findPieces(printed: string, credential: string): string[] {
  const pieces = [];
  for (let at = 0; at + PIECE <= credential.length; at++) {
    const piece = credential.slice(at, at + PIECE);
    if (printed.includes(piece)) pieces.push(piece);
  }
  return pieces;
}

describe("the output of a stack", () => {
  const credentials = new Map<string, string>();
  let stack: SpawnedStack;
  let printed: string;

  beforeAll(async () => {
    const database = await createDatabase({ url: inject("postgresUrl") });
    const databaseUrl = withPassword(database);
    const auth = createSecret(201).text;
    const standard = createSecret(202).text;
    const { signerKey } = await createKeys("secret.example/ledger", "note");
    stack = await startSpawnedStack({
      databaseUrl,
      secretKeys: { gateway: GATEWAY_KEY },
      functionEnv: {
        AUTH_HOOK_SECRETS: `v1,${auth}`,
        STANDARD_WEBHOOK_SECRETS: standard,
        LEDGER_SIGNING_KEYS: signerKey,
      },
    });
    const good = await stack.token(USER, 3600);
    const forged = `${good.slice(0, -20)}${"A".repeat(20)}`;
    for (
      const [name, value] of Object.entries({
        "the default secret key": stack.secretKeys.default,
        "a named secret key": GATEWAY_KEY,
        "the publishable key": stack.publishableKey,
        "an unknown key": "sb_secret_nobody_zyxwvutsrqponmlkji",
        "a user's token": good,
        "an expired token": await stack.token(USER, -60),
        "a forged token": forged,
        "a secret of Auth's hooks": auth,
        "a secret of webhooks": standard,
        "a signing key": signerKey,
        // Up to the host, which is printed as that of the stack.
        "the database URL": databaseUrl.replace(/(?<=@).*/, ""),
      })
    ) credentials.set(name, value);
    for (const value of credentials.values()) await sendEverywhere(value);
    await failInTheDatabase(database);
    printed = await stack.end();
  }, 60_000);

  afterAll(() => stack?.end());

  /** Sends a credential in every part of a request. */
  async function sendEverywhere(value: string): Promise<void> {
    const quoted = encodeURIComponent(value);
    const { secretKey } = stack.ledger.stack;
    const headers: Record<string, string | null>[] = [
      { apikey: value },
      { apikey: null, authorization: `Bearer ${value}` },
      { apikey: null, authorization: value },
      { "idempotency-key": value },
      { "x-request-id": value.slice(0, 64) },
      { "x-request-id": value },
      { "x-client-info": value, "user-agent": value, traceparent: value },
      { prefer: value, accept: `text/${quoted}` },
      { "content-type": `application/json;x="${value}"` },
      { "content-encoding": value },
      {
        apikey: null,
        "webhook-id": value,
        "webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
        "webhook-signature": `v1,${value}`,
      },
    ];
    const bodies = [
      value,
      JSON.stringify(value),
      JSON.stringify({ ...EVENTS["tool-usage"], id: value, [value]: value }),
      JSON.stringify({ ...EVENTS.audit, id: value, action: value }),
      JSON.stringify({ name: value, user: { [value]: value } }),
    ];
    const url = `${stack.ledger.stack.url}`;
    const send = async (path: string, init: RequestInit) => {
      const response = await fetch(`${url}/${path}`, init);
      await response.body?.cancel();
    };
    for (const path of PATHS) {
      const functionPath = `functions/v1/${path}`;
      const usual = { apikey: secretKey, "content-type": "application/json" };
      const post = { method: "POST", headers: usual };
      await Promise.all([
        ...headers.map((more) => {
          const entries = Object.entries({ ...usual, ...more })
            .filter(([, one]) => one !== null) as [string, string][];
          const init = { ...post, headers: entries, body: "{}" };
          return send(functionPath, init);
        }),
        ...bodies.map((body) => send(functionPath, { ...post, body })),
        send(`${functionPath}?apikey=${quoted}&${quoted}=1`, post),
        send(`${functionPath}?agent_id=${quoted}`, { headers: usual }),
        send(`${functionPath}/${quoted}`, { headers: usual }),
        send(`functions/v1/${quoted}`, { headers: usual }),
        send(`rest/v1/${quoted}?select=${quoted}`, { headers: usual }),
        send(`rest/v1/rpc/list_log`, { ...post, body: bodies[2] }),
        send(`auth/v1/token?grant_type=${quoted}`, {
          ...post,
          body: JSON.stringify({ email: value, password: value }),
        }),
        send(quoted, { headers: { authorization: `Bearer ${value}` } }),
      ]);
    }
  }

  /** Makes a request end with an unexpected error, while it holds credentials. */
  async function failInTheDatabase(url: string): Promise<void> {
    const sql = postgres(url, { max: 1 });
    await sql.begin(async (sql) => {
      await sql`lock table public.llm_usage_log`;
      const failing = stack.ledger.post("llm-usage", {
        ...EVENTS["llm-usage"],
        success: false,
        error_message: [...credentials.values()].join(" "),
      }, { headers: { "idempotency-key": stack.secretKeys.default } });
      await vi.waitUntil(async () =>
        (await sql`select pg_cancel_backend(pid) from pg_stat_activity
          where wait_event_type = 'Lock' and datname = current_database()`)
          .length > 0
      );
      expect((await failing).status).toBe(503);
    });
    await sql.end();
  }

  test("covers requests that succeeded, were refused and failed", () => {
    const lines = readLines(printed);
    expect(lines.length).toBeGreaterThan(1_000);
    const callers = new Set(lines.map(({ caller }) => caller));
    for (const caller of ["secret:default", "secret:gateway", "user"]) {
      expect(callers).toContain(caller);
    }
    const statuses = new Set(lines.map(({ status }) => status));
    for (const status of [200, 400, 401, 422, 503]) {
      expect(statuses).toContain(status);
    }
    expect(lines.some(({ error }) => error !== undefined)).toBe(true);
  });

  test("contains no part of a credential", () => {
    expect(credentials.size).toBe(11);
    for (const [name, value] of credentials) {
      expect([name, findPieces(printed, value)]).toEqual([name, []]);
    }
    expect(findPieces(printed, PASSWORD)).toEqual([]);
    expect(printed).not.toContain(NOBODY);
  });

  test("would be searched successfully for each credential", () => {
    for (const [, value] of credentials) {
      const piece = value.slice(-PIECE);
      expect(findPieces(`${printed}"${piece}"`, value)).toContain(piece);
    }
  });
});

/** The URL of the same database with a password, which its server does not ask for. */
function withPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.password = PASSWORD;
  return url.href;
}
