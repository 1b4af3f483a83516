import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../../local/postgres.ts";
import { startStack } from "../../local/stack.ts";
import {
  ENGINES,
  EVENTS,
  newId,
  RunningStack,
  useStack,
} from "../support/running-stack.ts";

const LLM = EVENTS["llm-usage"];

describe("when the database is unavailable", () => {
  const ledger = new RunningStack();
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    ledger.stack = await startStack({ port: 0, databaseUrl: server.url });
  });
  afterAll(async () => {
    await ledger.stack?.stop();
    await server?.stop();
  });

  test("answers 503 with Retry-After, and a retry is recorded once", {
    timeout: 60_000,
  }, async () => {
    const event = { ...LLM, id: newId() };
    const before = await ledger.post("llm-usage", { ...LLM, id: newId() });
    expect(before.status).toBe(201);

    await server.kill();
    const unavailable = await ledger.post("llm-usage", event);
    expect(unavailable.status).toBe(503);
    expect(unavailable.body).toMatchObject({ code: "unavailable" });
    expect(Number(unavailable.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(unavailable.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(unavailable.body)).not
      .toMatch(/ECONN|127\.0\.0\.1|postgres/i);

    await server.restart();
    const recorded = await ledger.post("llm-usage", event);
    const duplicate = await ledger.post("llm-usage", event);
    expect([recorded.status, duplicate.status]).toEqual([201, 200]);
    expect(await ledger.rows("llm_usage_log", { id: event.id }))
      .toHaveLength(1);
  });

  test("a canceled statement is answered with 503 and Retry-After", async () => {
    const sql = postgres(server.url, { max: 1 });
    await sql.begin(async (sql) => {
      await sql`lock table public.llm_usage_log`;
      const waiting = ledger.post("llm-usage", { ...LLM, id: newId() });
      while (
        (await sql`select pg_cancel_backend(pid) from pg_stat_activity
          where wait_event_type = 'Lock'`).length === 0
      ) await new Promise((resolve) => setTimeout(resolve, 20));
      const busy = await waiting;
      expect(busy.status).toBe(503);
      expect(busy.headers.get("retry-after")).not.toBeNull();
    });
    await sql.end();
  });

  test("an event whose project is deleted concurrently is rejected, and the rest of its batch recorded", async () => {
    const sql = postgres(server.url, { max: 2 });
    const project = newId();
    await sql`insert into public.cma_projects (id, firm_id, name)
      values (${project}, ${LLM.firm_id}, 'short-lived')`;
    const events = [
      { ...LLM, id: newId(), cma_project_id: project },
      { ...LLM, id: newId() },
    ];
    const waiting = await sql.begin(async (deleting) => {
      await deleting`delete from public.cma_projects where id = ${project}`;
      const answer = ledger.post("llm-usage", events);
      while (
        (await sql`select from pg_stat_activity
          where wait_event_type = 'Lock'`).length === 0
      ) await new Promise((resolve) => setTimeout(resolve, 20));
      return { answer };
    });
    const { status, body } = await waiting.answer;
    expect(status).toBe(207);
    expect(body.results[0].problem.errors).toMatchObject([
      { pointer: "/cma_project_id", code: "not_found" },
    ]);
    expect(body.results[1].outcome).toBe("recorded");
    expect(await ledger.rows("llm_usage_log", { id: events[0].id }))
      .toEqual([]);
    await sql.end();
  });

  test(
    "an export that loses the database aborts instead of ending as if complete",
    { timeout: 60_000 },
    async () => {
      const sql = postgres(server.url, { max: 1 });
      await sql`insert into public.llm_usage_log
      (firm_id, model, task_type, input_tokens, output_tokens, cost_usd)
      select ${LLM.firm_id}, repeat('x', 200), 'extraction', 1, 1, 0
      from generate_series(1, 100000)`;
      await sql.end();
      const response = await fetch(
        `${ledger.stack.url}/functions/v1/llm-usage`,
        { headers: { apikey: ledger.stack.secretKey, accept: "text/csv" } },
      );
      expect(response.status).toBe(200);
      const reader = response.body!.getReader();
      await reader.read();
      await server.kill();
      const rest = (async () => {
        while (!(await reader.read()).done);
      })();
      await expect(rest).rejects.toThrow();
      await server.restart();
    },
  );
});

describe.each(ENGINES)("concurrent requests on %s", (engine) => {
  const ledger = useStack(engine);

  test("record each event once, and all succeed", async () => {
    const events = Array.from({ length: 200 }, () => ({ ...LLM, id: newId() }));
    const reversed = [...events].reverse();
    const answers = await Promise.all([
      ledger.post("llm-usage", events),
      ledger.post("llm-usage", reversed),
      ledger.post("llm-usage", events.slice(0, 100)),
      ledger.post("llm-usage", reversed.slice(0, 150)),
    ]);
    for (const { status, body } of answers) {
      expect([200, 201, 207]).toContain(status);
      expect(body).toMatchObject({ conflict: 0, rejected: 0 });
    }
    const recorded = answers.reduce((sum, { body }) => sum + body.recorded, 0);
    expect(recorded).toBe(200);
    expect(await ledger.count("llm_usage_log")).toBe(200);
  });

  test("with one event from sixteen senders record it once", async () => {
    const event = { ...LLM, id: newId() };
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => ledger.post("llm-usage", event)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(15).fill(200), 201]);
  });
});
