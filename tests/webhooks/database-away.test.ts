import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import { RECORD_TIMEOUT_MS } from "../../shared/limits.ts";
import { FIRM, newId, RunningStack } from "../support/running-stack.ts";
import { chat } from "../support/otlp-exports.ts";
import { createPayload } from "./litellm-payloads.ts";
import {
  createChange,
  createNewHook,
  HOOK_ANSWERS,
} from "../support/supabase-payloads.ts";
import {
  AUTH_SECRETS,
  countRows,
  FUNCTION_ENV,
  postSigned,
} from "../support/receiving-stack.ts";
import {
  exportOf,
  readStatus,
  RESOURCE,
  startTrace,
  toolUse,
} from "../support/otlp-traces.ts";

const OTLP = "otlp/v1/traces";
const HOOK = "webhooks/auth";
const [{ bytes: secret }] = AUTH_SECRETS;
const CALL = { ...chat(1, 1), ...RESOURCE } as Record<string, string | number>;
const query = `?firm_id=${FIRM}`;

describe("when the database", () => {
  const ledger = new RunningStack();
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    ledger.stack = await startStack({
      port: 0,
      databaseUrl: server.url,
      functionEnv: FUNCTION_ENV,
    });
    // Started, so that what follows is the database's doing.
    await ledger.post(OTLP, {});
    await ledger.post("webhooks/litellm", "");
  });
  afterAll(async () => {
    await ledger.stack?.stop();
    await server?.stop();
  });

  test(
    "is unavailable, every sender gets a 503 with Retry-After, and a retry is recorded once",
    async () => {
      const trace = startTrace();
      const spans = exportOf([
        trace.span(1, chat(1, 1)),
        trace.span(2, toolUse()),
      ]);
      const calls = [createPayload({ id: newId() })];
      const change = createChange({ record: { id: newId(), firm_id: FIRM } });
      const retried: [string, unknown][] = [
        [OTLP, spans],
        ["webhooks/litellm", calls],
        ["webhooks/database", change],
      ];
      const before = await countRows(ledger);
      await server.kill();
      for (const [path, body] of retried) {
        const { status, headers, body: answer } = await ledger.post(path, body);
        expect(status).toBe(503);
        expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
        expect(JSON.stringify(answer)).not.toMatch(/ECONN|127\.0|postgres/i);
        if (path === OTLP) expect(answer).toMatchObject({ code: 14 });
      }
      await server.restart();
      for (const [path, body] of [...retried, ...retried]) {
        expect((await ledger.post(path, body)).status).toBeLessThan(202);
      }
      expect(await countRows(ledger)).toBe(before + 4);
    },
    60_000,
  );

  test(
    "is unavailable, a protobuf export gets its 503 in protobuf, and a test connection is answered",
    async () => {
      const memory = new InMemorySpanExporter();
      const tracer = new BasicTracerProvider({
        spanProcessors: [new SimpleSpanProcessor(memory)],
      }).getTracer("test");
      tracer.startSpan("chat", { attributes: CALL }).end();
      const spans = memory.getFinishedSpans();
      const send = () =>
        fetch(`${ledger.stack.url}/functions/v1/${OTLP}`, {
          method: "POST",
          headers: {
            apikey: ledger.stack.secretKey,
            "content-type": "application/x-protobuf",
          },
          body: ProtobufTraceSerializer.serializeRequest(spans)!.slice(),
        });
      const before = await countRows(ledger);
      await server.kill();
      const away = await send();
      expect(away.status).toBe(503);
      expect(away.headers.get("retry-after")).not.toBeNull();
      expect(await readStatus(away)).toMatchObject({ code: 14 });
      const ping = await ledger.post(OTLP, { resourceSpans: [] }, {
        headers: { "x-test-connection": "true" },
      });
      expect([ping.status, ping.body]).toEqual([200, {}]);
      await server.restart();
      const back = await send();
      expect([back.status, await back.text()]).toEqual([200, ""]);
      expect(await countRows(ledger)).toBe(before + 1);
    },
    60_000,
  );

  test(
    "is available again, the OpenTelemetry SDK's retry is recorded once",
    async () => {
      const provider = new BasicTracerProvider({
        spanProcessors: [
          new BatchSpanProcessor(
            new OTLPTraceExporter({
              url: `${ledger.stack.url}/functions/v1/${OTLP}`,
              headers: { apikey: ledger.stack.secretKey },
            }),
          ),
        ],
      });
      provider.getTracer("test").startSpan("chat", { attributes: CALL }).end();
      const before = await countRows(ledger);
      await server.kill();
      const sent = provider.shutdown();
      await server.restart();
      await sent;
      expect(await countRows(ledger)).toBe(before + 1);
    },
    60_000,
  );

  test(
    "is unavailable, Auth gets the answers that it needs",
    async () => {
      const before = await countRows(ledger);
      await server.kill();
      for (const [name, answer] of HOOK_ANSWERS) {
        const { status, body } = await postSigned(
          ledger,
          HOOK,
          createNewHook(name),
          { secret },
          { query },
        );
        expect([status, body]).toEqual([200, answer]);
      }
      await server.restart();
      expect(await countRows(ledger)).toBe(before);
    },
    60_000,
  );

  test("is slow, Auth gets its answer before the event is recorded", async () => {
    const before = await countRows(ledger);
    const sql = postgres(server.url, { max: 1 });
    let timer;
    await sql.begin(async (sql) => {
      await sql`lock table public.audit_log`;
      const answer = postSigned(
        ledger,
        HOOK,
        createNewHook("mfa-verification"),
        { secret },
        { query },
      );
      // Else the database would be given up before Auth is answered.
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new Error("Auth was kept waiting")),
          RECORD_TIMEOUT_MS / 2,
        );
      });
      const { status, body } = await Promise.race([answer, late]);
      // The lock is held until here, so that nothing can be recorded yet.
      expect([status, body]).toEqual([200, { decision: "continue" }]);
    });
    clearTimeout(timer);
    await sql.end();
    await expect.poll(() => countRows(ledger), { timeout: 20_000 })
      .toBe(before + 1);
  });
});
