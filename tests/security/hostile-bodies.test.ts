import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import { readLedgerKeys } from "../../shared/evidence/ledger-keys.ts";
import {
  MAX_BODY_BYTES,
  MAX_EVENTS,
  MAX_EXPORT_BYTES,
  MAX_FAULTS,
  MAX_SPANS,
} from "../../shared/limits.ts";
import {
  LOG_SLUGS,
  LOGS_BY_SLUG,
  type LogSlug,
} from "../../shared/logs/index.ts";
import { serveLedger } from "../../shared/serve-ledger.ts";
import { serveLog } from "../../shared/serve-log.ts";
import { serveOtlp } from "../../shared/serve-otlp.ts";
import { serveWebhooks } from "../../shared/serve-webhooks.ts";
import { createKeys } from "../../shared/tlog/keys.ts";
import { usageRoutes } from "../../shared/usage/routes.ts";
import { HeldDatabase, SECRET_KEY } from "../load/held-database.ts";
import { HOSTILE_BODIES, type HostileBody } from "./hostile-bodies.ts";

let database: HeldDatabase;
let functions: Record<string, (request: Request) => Promise<Response>>;
beforeAll(async () => {
  database = new HeldDatabase();
  const { environment } = database;
  const { signerKey } = await createKeys("example.com/witness", "cosignature");
  functions = {
    webhooks: serveWebhooks(environment, { auth: null, standard: null }),
    otlp: serveOtlp(environment),
    ledger: serveLedger(
      environment,
      readLedgerKeys((name) =>
        name === "WITNESS_SIGNING_KEY" ? signerKey : undefined
      ),
    ),
    ...Object.fromEntries(
      LOG_SLUGS.map((slug) => [
        slug,
        serveLog(LOGS_BY_SLUG[slug], environment, {
          routes: slug === "llm-usage" ? usageRoutes : undefined,
        }),
      ]),
    ),
  };
});
afterAll(() => database.stop());
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** Sends a body to its route; the database answers at once. */
async function send({ slug, path, type, gzip, make }: HostileBody) {
  const body = await make();
  const answer = functions[slug](
    new Request(`http://x/${path}`, {
      method: "POST",
      headers: {
        apikey: SECRET_KEY,
        "content-type": type,
        ...gzip && { "content-encoding": "gzip" },
      },
      body,
    }),
  );
  const released = setInterval(() => database.release(), 5);
  const { status, ...response } = await answer.then(async (response) => ({
    status: response.status,
    text: await response.text(),
  })).finally(() => clearInterval(released));
  return { status, size: body.length, text: response.text };
}

const find = (path: string, what: string) =>
  HOSTILE_BODIES.find((body) => body.path === path && body.what === what)!;

describe("the corpus", () => {
  test("has bodies for every path that takes one", async () => {
    const { paths } = JSON.parse(
      Deno.readTextFileSync(
        new URL("../../docs/openapi.json", import.meta.url),
      ),
    ) as { paths: Record<string, Record<string, { requestBody?: unknown }>> };
    const documented = Object.entries(paths)
      .filter(([, operations]) => operations.post?.requestBody)
      .map(([path]) => path.slice(1));
    expect(documented).toContain("llm-usage/budget");
    const unknown = await functions.webhooks(new Request("http://x/webhooks"));
    const { detail } = await unknown.json() as { detail: string };
    const formats = [...detail.matchAll(/\/(webhooks\/\w+(?:\/<log>)?)/g)]
      .map(([, path]) => path.replace("<log>", "audit"));
    expect(formats).toContain("webhooks/standard/audit");
    const covered = new Set(HOSTILE_BODIES.map(({ path }) => path));
    for (
      const path of [
        ...documented,
        ...formats,
        "otlp/v1/traces",
        "ledger/add-checkpoint",
      ]
    ) {
      expect(covered).toContain(path);
    }
  });

  test("is as large as its routes allow, and no larger", async () => {
    for (const path of ["audit", "otlp/v1/traces"]) {
      const most = path === "audit" ? MAX_BODY_BYTES : MAX_EXPORT_BYTES;
      const sizes: number[] = [];
      for (const body of HOSTILE_BODIES) {
        if (body.path === path) sizes.push((await body.make()).length);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
      expect(Math.max(...sizes)).toBeGreaterThan(most - 200);
    }
  });
});

/** Routes that read a body in the same way as another one, whose bodies are sent. */
const ALIKE = [
  ["tool-usage", "model-usage", "llm-usage", "llm-usage/ratings"],
  [
    "llm-usage/reserve",
    "webhooks/standard/audit",
    "webhooks/cloudevents/audit",
  ],
].flat();

/** The others; of batches with texts in members, whose cost bench/ measures, none. */
const SENT = HOSTILE_BODIES.filter(({ path, what }) =>
  !ALIKE.includes(path) && !/^\w+: |gibibyte/.test(what)
);

test.each(SENT.map((body) => [body.path, body.what, body] as const))(
  "%s answers %s, in an answer of a bounded size",
  async (_path, _what, body) => {
    const { status, text } = await send(body);
    expect(status).toBeGreaterThanOrEqual(200);
    expect(status).toBeLessThan(500);
    // A batch has results of its events, each with its issues.
    const most = text.includes('"results"') ? MAX_EVENTS : 1;
    expect(text.length).toBeLessThan(most * MAX_FAULTS * 500);
  },
);

describe("limits apply before work", () => {
  test.each<[string, string, number]>([
    ["audit", "arrays as deep as it has bytes", 400],
    ["audit", "objects as deep as it has bytes", 400],
    ["audit", "a million empty objects", 413],
    ["audit", "a gzip bomb of a gibibyte", 413],
    ["audit", "two million lines", 207],
    ["webhooks/database", "a gzip bomb of a gibibyte", 413],
    ["otlp/v1/traces", "two million empty spans", 413],
    ["otlp/v1/traces", "a million empty spans", 413],
    ["otlp/v1/traces", "groups in groups", 400],
    ["otlp/v1/traces", "values as deep as it has bytes", 400],
    ["ledger/add-checkpoint", "one long text", 413],
  ])("%s answers %s with %i", async (path, what, status) => {
    expect((await send(find(path, what))).status).toBe(status);
    expect(database.held).toBe(0);
  });

  test("an export of the greatest number of spans is read", async () => {
    const { status } = await send(find("otlp/v1/traces", "ten thousand calls"));
    expect([status, MAX_SPANS]).toEqual([200, 10_000]);
  });

  test("a bomb is not inflated further than the limit", async () => {
    let pulled = 0;
    const bomb = await find("audit", "a gzip bomb of a gibibyte").make();
    const body = new ReadableStream({
      pull(controller) {
        const chunk = bomb.slice(pulled, pulled += 1_024);
        if (chunk.length > 0) controller.enqueue(chunk);
        else controller.close();
      },
    }, { highWaterMark: 0 });
    const { status } = await functions.audit(
      new Request("http://x/audit", {
        method: "POST",
        headers: {
          apikey: SECRET_KEY,
          "content-type": "application/json",
          "content-encoding": "gzip",
        },
        body,
      }),
    );
    expect(status).toBe(413);
    expect(pulled).toBeLessThan(bomb.length / 20);
  });

  test("a body that is declared too large is not read", async () => {
    for (
      const [slug, path] of [
        ...LOG_SLUGS.map((slug) => [slug, slug]),
        ["webhooks", "webhooks/litellm"],
        ["otlp", "otlp/v1/traces"],
        ["ledger", "ledger/add-checkpoint"],
      ]
    ) {
      const pull = vi.fn();
      const { status } = await functions[slug](
        new Request(`http://x/${path}`, {
          method: "POST",
          headers: {
            apikey: SECRET_KEY,
            "content-type": "application/json",
            "content-length": String(MAX_EXPORT_BYTES + 1),
          },
          body: new ReadableStream({ pull }, { highWaterMark: 0 }),
        }),
      );
      expect([path, status]).toEqual([path, 413]);
      expect(pull).not.toHaveBeenCalled();
    }
  });

  test("a text that is too long is not inspected", async () => {
    const metadata = { note: `4111 1111 1111 1111 ${"\ufdfa".repeat(300)}` };
    const body = JSON.stringify({ action: "a", entity_type: "b", metadata });
    const answer = await functions.audit(
      new Request("http://x/audit", {
        method: "POST",
        headers: { apikey: SECRET_KEY, "content-type": "application/json" },
        body,
      }),
    );
    const { errors } = await answer.json() as {
      errors: { pointer: string; code: string }[];
    };
    expect(errors.filter(({ pointer }) => pointer.startsWith("/metadata")))
      .toEqual([
        expect.objectContaining({
          pointer: "/metadata/note",
          code: "too_long",
        }),
      ]);
  });
});

test.each<LogSlug>([...LOG_SLUGS])(
  "%s lists at most a hundred issues of an event's text",
  async (slug) => {
    const event = `{${Array(1_000).fill('"a":1').join(",")}}`;
    for (
      const [type, body] of [
        ["application/json", event],
        ["application/json", `[${event},${event}]`],
        ["application/x-ndjson", `${event}\n${event}`],
      ]
    ) {
      const answer = await functions[slug](
        new Request(`http://x/${slug}`, {
          method: "POST",
          headers: { apikey: SECRET_KEY, "content-type": type },
          body,
        }),
      );
      const { errors, results } = await answer.json();
      for (
        const list of errors
          ? [errors]
          : results.map((result: { problem: { errors: unknown } }) =>
            result.problem.errors
          )
      ) expect(list).toHaveLength(MAX_FAULTS);
    }
  },
);

test("budgets list at most a hundred issues of a body's text", async () => {
  const { status, text } = await send(
    find("llm-usage/budget", "a key given two hundred thousand times"),
  );
  expect(status).toBe(422);
  expect(JSON.parse(text).errors).toHaveLength(MAX_FAULTS);
});
