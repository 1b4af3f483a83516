import { describe, expect, test } from "vitest";
import {
  ENGINES,
  EVENTS,
  FIRM,
  newId,
  NOBODY,
  OTHER_PROJECT,
  PROJECT,
  type Slug,
  SLUGS,
  TABLES,
  USER,
  useStack,
  VENTURE,
} from "../support/running-stack.ts";

/** Every column of each log, as a service may send it. */
const FULL: Record<Slug, Record<string, unknown>> = {
  "llm-usage": {
    ...EVENTS["llm-usage"],
    cost_usd: "0.000077",
    cma_project_id: PROJECT,
    latency_ms: 912,
    success: false,
    error_message: "deadline exceeded",
    created_at: "2026-01-31T12:00:00.123456+00:00",
    provider: "google",
    api_flavor: "chat",
    service_tier: "standard",
    cache_read_tokens: 1000,
    cache_write_5m_tokens: 20,
    cache_write_1h_tokens: 3,
    reasoning_tokens: 60,
    reservation_id: NOBODY,
  },
  "tool-usage": {
    ...EVENTS["tool-usage"],
    venture_id: VENTURE,
    tokens_consumed: 42,
    cost_usd: "9999.999999",
    execution_ms: 0,
    created_at: "2026-01-31T12:00:00+00:00",
  },
  "model-usage": {
    ...EVENTS["model-usage"],
    session_id: "s-1",
    sd_id: "SD-1",
    phase: "EXEC",
    subagent_type: "reviewer",
    subagent_configured_model: "claude-opus-4-1",
    config_matches_reported: false,
    captured_at: "2026-01-31T12:00:00+00:00",
    metadata: { a: [1, { b: null }], "ключ": "\u00e9" },
  },
  "audit": {
    ...EVENTS["audit"],
    user_id: USER,
    entity_id: PROJECT,
    metadata: { file_count: 3, file_ids: [newId()] },
    ip_address: "2001:db8::1",
    created_at: "2026-01-31T12:00:00+00:00",
  },
};

/** Members that the server adds to the row of each. */
const ADDED: Partial<Record<Slug, Record<string, unknown>>> = {
  "llm-usage": {
    usage: null,
    uncached_input_tokens: 177,
    visible_output_tokens: 20,
    other_units: {},
    unread_members: [],
    token_convention: null,
    convention_basis: null,
    cost_source: "reported",
    price_id: expect.any(String),
    cost_usd_exact: "0.000077",
    reported_cost_usd: "0.000077",
    computed_cost_usd: "0.000077",
    cost_is_floor: false,
    cost_differs: false,
    warnings: [expect.objectContaining({ code: "reservation_not_open" })],
  },
};

describe.each(ENGINES)("recording on %s", (engine) => {
  const ledger = useStack(engine);

  describe.each(SLUGS)("%s", (slug) => {
    test("answers one event with 201, its row and its Location, and stores it", async () => {
      const answer = await ledger.post(slug, EVENTS[slug]);
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject(EVENTS[slug]);
      expect(answer.headers.get("location"))
        .toBe(`/functions/v1/${slug}/${answer.body.id}`);
      const { id } = answer.body;
      const [own] = await ledger.rows(TABLES[slug], { id });
      const columns = Object.keys(answer.body);
      expect(columns.slice(0, Object.keys(own).length))
        .toEqual(Object.keys(own));
      const row = await ledger.row(slug, id);
      expect(columns.sort()).toEqual(Object.keys(row).sort());
    });

    test("stores every column as it was sent", async () => {
      const id = newId();
      const answer = await ledger.post(slug, { id, ...FULL[slug] });
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({ id, ...FULL[slug], ...ADDED[slug] });
      const { cost_usd: _cost, ...rest } = FULL[slug];
      const stored = await ledger.row(slug, id);
      for (const [column, value] of Object.entries(rest)) {
        if (column.endsWith("_at")) {
          expect(Date.parse(stored[column])).toBe(Date.parse(String(value)));
        } else expect(stored[column]).toEqual(value);
      }
    });

    test("treats null as a missing member", async () => {
      const event = { ...FULL[slug], ...EVENTS[slug] };
      const nulls = Object.keys(event).filter((key) => !(key in EVENTS[slug]))
        .map((key) => [key, null]);
      const answer = await ledger.post(slug, {
        ...Object.fromEntries(nulls),
        ...EVENTS[slug],
      });
      expect(answer.status).toBe(201);
    });

    test("accepts an array, an envelope, NDJSON and gzip", async () => {
      const before = await ledger.count(TABLES[slug]);
      const two = [EVENTS[slug], EVENTS[slug]];
      const lines = two.map((event) => JSON.stringify(event)).join("\r\n") +
        "\n\n";
      const zipped = new Uint8Array(
        await new Response(
          new Blob([JSON.stringify(two)]).stream()
            .pipeThrough(new CompressionStream("gzip")),
        ).arrayBuffer(),
      );
      const answers = [
        await ledger.post(slug, two),
        await ledger.post(slug, { events: two }),
        await ledger.post(slug, lines, {
          headers: { "content-type": "application/x-ndjson" },
        }),
        await ledger.post(slug, zipped, {
          headers: { "content-encoding": "gzip" },
        }),
      ];
      for (const { status, body } of answers) {
        expect(status).toBe(201);
        expect(body).toMatchObject({
          recorded: 2,
          duplicate: 0,
          conflict: 0,
          rejected: 0,
          results: [
            { index: 0, outcome: "recorded" },
            { index: 1, outcome: "recorded" },
          ],
        });
      }
      expect(await ledger.count(TABLES[slug])).toBe(before + 8);
    });
  });

  test("stores the columns' defaults for missing members", async () => {
    const llm = await ledger.post("llm-usage", EVENTS["llm-usage"]);
    expect(llm.body).toMatchObject({ success: true, error_message: null });
    expect(Math.abs(Date.parse(llm.body.created_at) - Date.now()))
      .toBeLessThan(60_000);
    const tool = await ledger.post("tool-usage", EVENTS["tool-usage"]);
    expect(tool.body).toMatchObject({
      tokens_consumed: 0,
      cost_usd: "0.000000",
    });
    const model = await ledger.post("model-usage", EVENTS["model-usage"]);
    expect(model.body).toMatchObject({ metadata: {}, phase: null });
  });

  test("stores money exactly, from a number and from a string", async () => {
    for (const cost_usd of [0.000124, "0.000124", 0.1, "9999.999999", 0]) {
      const { body } = await ledger.post("llm-usage", {
        ...EVENTS["llm-usage"],
        cost_usd,
      });
      expect(Number(body.cost_usd)).toBe(Number(cost_usd));
      expect(body.cost_usd).toMatch(/^\d+\.\d{6}$/);
    }
  });

  test("records 997 of 1,000 events and names the three rejected ones by index", async () => {
    const before = await ledger.count("llm_usage_log");
    const events = Array.from({ length: 1000 }, (_, index) => ({
      ...EVENTS["llm-usage"],
      id: newId(),
      latency_ms: index,
    }));
    const bad = [
      {
        index: 17,
        change: { task_type: "guessing" },
        pointer: "/task_type",
        code: "invalid_value",
      },
      {
        index: 500,
        change: { firm_id: NOBODY },
        pointer: "/firm_id",
        code: "not_found",
      },
      {
        index: 999,
        change: { cma_project_id: OTHER_PROJECT },
        pointer: "/cma_project_id",
        code: "other_firm",
      },
    ];
    for (const { index, change } of bad) Object.assign(events[index], change);
    const { status, body } = await ledger.post("llm-usage", events);
    expect(status).toBe(207);
    expect(body).toMatchObject({
      recorded: 997,
      duplicate: 0,
      conflict: 0,
      rejected: 3,
    });
    expect(body.results).toHaveLength(1000);
    const rejected = body.results.filter((r: { outcome: string }) =>
      r.outcome === "rejected"
    );
    expect(
      rejected.map((r: { index: number; problem: { errors: unknown[] } }) => ({
        index: r.index,
        errors: r.problem.errors,
      })),
    ).toEqual(bad.map(({ index, pointer, code }) => ({
      index,
      errors: [expect.objectContaining({ pointer, code })],
    })));
    expect(rejected.map((r: { id: string }) => r.id))
      .toEqual(bad.map(({ index }) => events[index].id));
    expect(await ledger.count("llm_usage_log")).toBe(before + 997);
  });

  test.each(
    [
      ["llm-usage", "firm_id"],
      ["llm-usage", "cma_project_id"],
      ["tool-usage", "agent_id"],
      ["tool-usage", "tool_id"],
      ["tool-usage", "venture_id"],
      ["audit", "firm_id"],
      ["audit", "user_id"],
    ] as const,
  )("rejects %s whose %s does not exist", async (slug, column) => {
    const { status, body } = await ledger.post(slug, {
      ...EVENTS[slug],
      [column]: NOBODY,
    });
    expect(status).toBe(422);
    expect(body.errors).toContainEqual(
      expect.objectContaining({ pointer: `/${column}`, code: "not_found" }),
    );
    expect(JSON.stringify(body)).not.toContain(NOBODY);
  });

  test("records nothing of an atomic batch with a rejection or a conflict", async () => {
    const before = await ledger.count("llm_usage_log");
    const good = { ...EVENTS["llm-usage"], id: newId() };
    const query = "?atomic=true";
    for (const bad of [{ model: "" }, { firm_id: NOBODY }]) {
      const events = [good, { ...EVENTS["llm-usage"], ...bad }];
      const { status, body } = await ledger.post("llm-usage", events, {
        query,
      });
      expect(status).toBe(422);
      expect(body).toMatchObject({ recorded: 0, rejected: 2 });
      expect(body.results[0].problem.code).toBe("batch_aborted");
      expect(body.results[1].problem.code).toBe("invalid_event");
    }
    expect(await ledger.count("llm_usage_log")).toBe(before);
    const stored = await ledger.post("llm-usage", [good], { query });
    expect(stored.status).toBe(201);
    const other = { ...EVENTS["llm-usage"], id: newId() };
    const conflict = await ledger.post("llm-usage", [other, {
      ...good,
      model: "another",
    }], { query });
    expect(conflict.status).toBe(409);
    expect(conflict.body).toMatchObject({
      recorded: 0,
      conflict: 1,
      rejected: 1,
    });
    expect(await ledger.count("llm_usage_log")).toBe(before + 1);
    const again = await ledger.post("llm-usage", [good], { query });
    expect(again.status).toBe(200);
  });

  test("computes config_matches_reported from the configured and the reported model", async () => {
    const answer = async (configured: string, more = {}) =>
      (await ledger.post("model-usage", {
        ...EVENTS["model-usage"],
        subagent_configured_model: configured,
        ...more,
      })).body.config_matches_reported;
    expect(await answer(" Claude-Sonnet-4-5 ")).toBe(true);
    expect(await answer("claude sonnet 4.5")).toBe(true);
    expect(await answer("claude-sonnet-4-5-20250929")).toBe(true);
    expect(await answer("claude-sonnet-4-5-20240101")).toBe(false);
    expect(await answer("claude-sonnet-4")).toBe(false);
    expect(await answer("x", { config_matches_reported: true })).toBe(true);
  });

  test("records a failed call and redacts the secret in its error message", async () => {
    const { status, body } = await ledger.post("llm-usage", {
      ...EVENTS["llm-usage"],
      success: false,
      error_message: `401 for key sk-ant-api03-${"a".repeat(80)} at host`,
    });
    expect(status).toBe(201);
    expect(body.error_message)
      .toMatch(/^401 for key \[redacted:[\w-]+\] at host$/);
    expect((await ledger.row("llm-usage", body.id)).error_message)
      .toBe(body.error_message);
  });

  test("accepts a reversing entry in tool_usage_ledger", async () => {
    const { status, body } = await ledger.post("tool-usage", {
      ...EVENTS["tool-usage"],
      tokens_consumed: -42,
      cost_usd: "-0.5",
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ tokens_consumed: -42, cost_usd: "-0.500000" });
  });

  test("accepts events from functions.invoke of supabase-js", async () => {
    const { data, error } = await ledger.admin().functions
      .invoke("llm-usage", { body: { ...EVENTS["llm-usage"] } });
    expect(error).toBeNull();
    expect((await ledger.row("llm-usage", data.id)).firm_id).toBe(FIRM);
    const failed = await ledger.admin().functions
      .invoke("llm-usage", { body: { model: "m" } });
    const problem = await failed.error.context.json();
    expect(problem).toMatchObject({ status: 422, code: "invalid_event" });
  });
});
