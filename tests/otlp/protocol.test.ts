import { describe, expect, test } from "vitest";
import { MAX_EXPORT_BYTES, MAX_SPANS } from "../../shared/limits.ts";
import { type Answer, FIRM, USER } from "../support/running-stack.ts";
import { chat } from "../support/otlp-exports.ts";
import {
  countRows,
  GATEWAY_KEY,
  gzip,
  showRow,
  useReceiver,
} from "../support/receiving-stack.ts";
import { exportOf, readStatus, startTrace } from "../support/otlp-traces.ts";

const PATH = "otlp/v1/traces";
const PROTOBUF = { "content-type": "application/x-protobuf" };

describe("OTLP over HTTP", () => {
  const ledger = useReceiver("PGlite");

  const send = async (
    body: BodyInit | undefined,
    { headers = {}, query = "", method = "POST", path = PATH }: {
      headers?: Record<string, string | null>;
      query?: string;
      method?: string;
      path?: string;
    } = {},
  ) => {
    const all = {
      apikey: ledger.stack.secretKey,
      "content-type": "application/json",
      ...headers,
    };
    const sent = Object.entries(all).filter(([, value]) => value !== null);
    const url = `${ledger.stack.url}/functions/v1/${path}${query}`;
    return await fetch(url, {
      method,
      headers: sent as [string, string][],
      body,
    });
  };

  /** Refused exports: the request, the status, its gRPC code and its message. */
  const REFUSED: [
    string,
    () => Promise<Parameters<typeof send>> | Parameters<typeof send>,
    number,
    number,
    RegExp,
  ][] = [
    ["a body that is broken", () => ["{"], 400, 3, /not (JSON|a protobuf)/],
    ["a body of another shape", () => ["\x0b"], 400, 3, /The body is not/],
    [
      "malformed gzip",
      () => ["{}", { headers: { "content-encoding": "gzip" } }],
      400,
      3,
      /not valid gzip/,
    ],
    ["an unknown parameter", () => ["", { query: "?firm=x" }], 400, 3, /firm/],
    [
      "a malformed firm in the URL",
      () => ["", { query: "?firm_id=x" }],
      400,
      3,
      /firm_id is malformed/,
    ],
    [
      "no credential",
      () => ["", { headers: { apikey: null } }],
      401,
      16,
      /apikey/,
    ],
    [
      "a wrong key",
      () => ["", { headers: { apikey: "sb_secret_wrong" } }],
      401,
      16,
      /secret key/,
    ],
    [
      "a signed-in user",
      async () => ["", {
        headers: {
          apikey: null,
          authorization: `Bearer ${await ledger.stack.signUserToken(USER)}`,
        },
      }],
      403,
      7,
      /Only a service/,
    ],
    [
      "another signal",
      () => ["", { path: "otlp/v1/logs" }],
      404,
      5,
      /\/otlp\/v1\/traces/,
    ],
    ["another method", () => ["", { method: "DELETE" }], 405, 12, /POST/],
    [
      "a body that is too long",
      () => [new Uint8Array(MAX_EXPORT_BYTES + 1)],
      413,
      8,
      /bytes|large/i,
    ],
    [
      "a body that inflates to too much",
      async () => [await gzip(new Uint8Array(MAX_EXPORT_BYTES + 1)), {
        headers: { "content-encoding": "gzip" },
      }],
      413,
      8,
      /bytes|large/i,
    ],
    [
      "an unknown compression",
      () => ["{}", { headers: { "content-encoding": "zstd" } }],
      415,
      3,
      /gzip/,
    ],
  ];

  describe.each([["JSON", {}], ["protobuf", PROTOBUF]])(
    "an error, when the export is %s,",
    (_, encoding) => {
      test.each(REFUSED)(
        "of %s is a Status in the same encoding",
        async (_, make, status, code, message) => {
          const [body, options = {}] = await make();
          const response = await send(body, {
            ...options,
            headers: { ...encoding, ...options.headers },
          });
          expect(response.status).toBe(status);
          expect(response.headers.get("retry-after")).toBeNull();
          expect(await readStatus(response)).toEqual({
            code,
            message: expect.stringMatching(message),
          });
        },
      );
    },
  );

  test.each([
    ["a path of the sender below the endpoint", `${PATH}/v1/traces`, ""],
    ["Langfuse's path", "otlp/api/public/otel/v1/traces", ""],
    [
      "Langfuse's path below the endpoint",
      `${PATH}/api/public/otel/v1/traces`,
      "",
    ],
    ["a trailing slash", `${PATH}/`, ""],
    ["the path behind the query", "otlp", "/v1/traces"],
    ["the path behind the query of the endpoint", PATH, "/v1/traces"],
    ["Langfuse's path behind the query", "otlp", "/api/public/otel/v1/traces"],
  ])("is received at %s", async (_, path, appended) => {
    const { span, callId } = startTrace();
    const query = `?firm_id=${FIRM}&task_type=validation${appended}`;
    const response = await send(
      JSON.stringify(exportOf([span(1, chat(1, 1))], { resource: {} })),
      { path, query },
    );
    expect([response.status, await response.text()]).toEqual([200, "{}"]);
    expect(await showRow(ledger, "llm-usage", await callId(1)))
      .toMatchObject({ firm_id: FIRM, task_type: "validation" });
  });

  test.each(["otlp/v1/tracesx", `${PATH}/x`, "otlp/traces"])(
    "is not received at %s",
    async (path) => {
      const response = await send("{}", { path });
      expect(response.status).toBe(404);
      await response.body?.cancel();
    },
  );

  test("another media type is refused in JSON", async () => {
    for (
      const type of ["text/plain", "application/x-ndjson", "nonsense", null]
    ) {
      const response = await send(new TextEncoder().encode("{}"), {
        headers: { "content-type": type },
      });
      expect(response.status).toBe(415);
      expect(await readStatus(response)).toMatchObject({ code: 3 });
    }
  });

  test("a refused method lists the allowed ones", async () => {
    const response = await send(undefined, { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("POST, PUT, OPTIONS");
  });

  test("an export of too many spans is refused before any is recorded", async () => {
    const before = await countRows(ledger);
    const span = startTrace().span(1, chat(1, 1));
    const spans = [span, ...Array(MAX_SPANS).fill({})];
    const response = await send(JSON.stringify(exportOf(spans)));
    expect(response.status).toBe(413);
    expect(await readStatus(response)).toMatchObject({ code: 8 });
    expect(await countRows(ledger)).toBe(before);
  });

  test.each(["POST", "PUT"])(
    "OpenRouter's test connection by %s needs a valid key",
    async (method) => {
      for (const body of ["{}", '{"resourceSpans":[]}', ""]) {
        for (const type of ["application/json", null]) {
          if (type === null && body !== "") continue;
          const headers = { "x-test-connection": "true", "content-type": type };
          const good = await send(body, { method, headers });
          expect([good.status, await good.text()]).toEqual([200, "{}"]);
          const bad = await send(body, {
            method,
            headers: { ...headers, apikey: "sb_secret_wrong" },
          });
          expect(bad.status).toBe(401);
          await bad.body?.cancel();
        }
      }
    },
  );

  test("an empty export in protobuf gets an empty answer", async () => {
    const response = await send(new Uint8Array(), { headers: PROTOBUF });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-protobuf");
    expect(await response.bytes()).toHaveLength(0);
  });

  test("any named key is accepted, and the answer has the common headers", async () => {
    const { status, headers }: Answer = await ledger.post(PATH, {}, {
      headers: { apikey: GATEWAY_KEY, "x-request-id": "export-1" },
    });
    expect(status).toBe(200);
    expect(headers.get("x-request-id")).toBe("export-1");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-allow-origin")).toBe("*");
  });
});
