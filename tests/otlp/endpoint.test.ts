import { describe, expect, test } from "vitest";
import {
  AGENT,
  ENGINES,
  FIRM,
  OTHER_FIRM,
  OTHER_PROJECT,
  PROJECT,
  TOOL,
} from "../support/running-stack.ts";
import { chat } from "../support/otlp-exports.ts";
import {
  countRows,
  gzip,
  showRow,
  useReceiver,
} from "../support/receiving-stack.ts";
import { exportOf, send, startTrace, toolUse } from "../support/otlp-traces.ts";

describe.each(ENGINES)("an export of traces on %s", (engine) => {
  const ledger = useReceiver(engine);

  test("records a model call with its details and its convention", async () => {
    const trace = startTrace();
    const { status, headers, body } = await send(
      ledger,
      exportOf([trace.span(
        1,
        chat(1200, 80, {
          "gen_ai.provider.name": "anthropic",
          "gen_ai.response.model": "claude-sonnet-4-5",
          "gen_ai.usage.cache_read.input_tokens": 1000,
          "gen_ai.usage.reasoning.output_tokens": 30,
          "ledger.cma_project_id": PROJECT,
        }),
      )]),
    );
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({});
    const row = await showRow(ledger, "llm-usage", await trace.callId(1));
    expect(row).toMatchObject({
      firm_id: FIRM,
      cma_project_id: PROJECT,
      model: "claude-sonnet-4-5",
      task_type: "extraction",
      input_tokens: 1200,
      output_tokens: 80,
      latency_ms: 1500,
      success: true,
      error_message: null,
      created_at: "2025-08-22T00:00:01.5+00:00",
      provider: "anthropic",
      cache_read_tokens: 1000,
      uncached_input_tokens: 200,
      reasoning_tokens: 30,
      visible_output_tokens: 50,
      token_convention: "inclusive",
      convention_basis: "default",
    });
  });

  test("records a proved convention, and the full counts", async () => {
    const trace = startTrace();
    const answer = await send(
      ledger,
      exportOf([trace.span(
        1,
        chat(12, 80, { "gen_ai.usage.cache_read.input_tokens": 4000 }),
      )]),
    );
    expect(answer.body).toEqual({});
    expect(await showRow(ledger, "llm-usage", await trace.callId(1)))
      .toMatchObject({
        input_tokens: 4012,
        cache_read_tokens: 4000,
        token_convention: "exclusive",
        convention_basis: "proved",
      });
  });

  test("charges the reported cost, else the price list's, else marks the call unpriced", async () => {
    const trace = startTrace();
    const price = {
      provider: "house",
      match_kind: "equals",
      match_value: "otlp-priced",
      input_usd_per_mtok: 10,
      output_usd_per_mtok: 20,
      effective_from: "2020-01-01T00:00:00Z",
      source: "test",
    };
    const { status } = await ledger.post("llm-usage/prices", price);
    expect(status).toBe(201);
    const of = (model: string, more = {}) =>
      chat(1000, 100, {
        "gen_ai.provider.name": "house",
        "gen_ai.response.model": model,
        ...more,
      });
    const answer = await send(
      ledger,
      exportOf([
        trace.span(1, of("otlp-priced", { "gen_ai.usage.cost": 1.25e-7 })),
        trace.span(2, of("otlp-priced")),
        trace.span(3, of("otlp-unheard-of")),
      ]),
    );
    expect(answer.body).toEqual({
      partialSuccess: {
        rejectedSpans: "0",
        errorMessage: expect.stringMatching(
          /^1 span was recorded with a warning\. 1× \(0{15}3\): No price is known/,
        ),
      },
    });
    const rows = await Promise.all(
      [1, 2, 3].map(async (number) =>
        await showRow(ledger, "llm-usage", await trace.callId(number))
      ),
    );
    expect(rows).toMatchObject([
      {
        cost_source: "reported",
        cost_usd: "0.000000",
        cost_usd_exact: "0.000000125",
        reported_cost_usd: "0.000000125",
        cost_differs: true,
      },
      {
        cost_source: "computed",
        cost_usd: "0.012000",
        reported_cost_usd: null,
      },
      { cost_source: "unpriced", cost_usd: "0.000000" },
    ]);
  });

  test("marks a call without usage, and tells its sender", async () => {
    const trace = startTrace();
    const withCost = { "gen_ai.usage.cost": 0.25 };
    const without = (more: object) => ({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.response.model": "gpt-4o-mini",
      ...more,
    });
    const answer = await send(
      ledger,
      exportOf([
        trace.span(1, without({})),
        trace.span(2, without(withCost)),
        trace.span(3, without({ "gen_ai.usage.input_tokens": 1000 })),
      ]),
    );
    const { partialSuccess } = answer.body;
    expect(partialSuccess.rejectedSpans).toBe("0");
    expect(partialSuccess.errorMessage).toMatch(
      /^3 spans were recorded with a warning\. 2× \(0{15}1, 0{15}2\): The call has no usage/,
    );
    const rows = await Promise.all(
      [1, 2, 3].map(async (number) =>
        await showRow(ledger, "llm-usage", await trace.callId(number))
      ),
    );
    expect(rows).toMatchObject([
      {
        cost_source: "unpriced",
        cost_is_floor: true,
        unread_members: ["usage"],
      },
      { cost_source: "reported", cost_usd: "0.250000", input_tokens: 0 },
      {
        cost_source: "computed",
        // 1,000 tokens at 0.15 dollars per million.
        cost_usd: "0.000150",
        cost_is_floor: true,
        unread_members: ["gen_ai.usage.output_tokens"],
      },
    ]);
  });

  test("finds an agent and a tool of the registries by name", async () => {
    const trace = startTrace();
    const { body } = await send(
      ledger,
      exportOf([
        trace.span(1, {
          "gen_ai.operation.name": "invoke_agent",
          "gen_ai.agent.name": "research-agent",
        }),
        trace.span(2, {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": "web-search",
          "gen_ai.usage.cost": 0.0017,
        }, { parent: 1 }),
        trace.span(3, {
          "mcp.method.name": "tools/call",
          "gen_ai.tool.name": "web-search",
          "ledger.agent_id": AGENT,
        }),
      ], { resource: {} }),
    );
    expect(body).toEqual({});
    expect(await showRow(ledger, "tool-usage", await trace.useId(2))).toEqual({
      id: await trace.useId(2),
      agent_id: AGENT,
      venture_id: null,
      tool_id: TOOL,
      tokens_consumed: 0,
      cost_usd: "0.001700",
      execution_ms: 1500,
      created_at: "2025-08-22T00:00:01.5+00:00",
    });
    expect(await showRow(ledger, "tool-usage", await trace.useId(3)))
      .toMatchObject({ agent_id: AGENT, tool_id: TOOL });
  });

  test("records the leaf calls of a trace only", async () => {
    const trace = startTrace();
    const before = await countRows(ledger);
    const total = { "gen_ai.usage.input_tokens": 300 };
    const { body } = await send(
      ledger,
      exportOf([
        trace.span(1, { "gen_ai.operation.name": "invoke_agent", ...total }),
        trace.span(2, chat(100, 10), { parent: 1 }),
        trace.span(3, toolUse(), { parent: 1 }),
        trace.span(4, chat(200, 10), { parent: 1 }),
        trace.span(5, { "http.request.method": "POST" }, { parent: 4 }),
      ]),
    );
    expect(body).toEqual({});
    expect(await countRows(ledger)).toBe(before + 3);
  });

  test("adds nothing on a retry, in any encoding and batch", async () => {
    const trace = startTrace();
    const spans = [trace.span(1, chat(10, 5)), trace.span(2, toolUse())];
    expect((await send(ledger, exportOf(spans))).body).toEqual({});
    const before = await countRows(ledger);
    expect((await send(ledger, exportOf(spans))).body).toEqual({});
    expect((await send(ledger, exportOf([spans[1]]))).body).toEqual({});
    const zipped = await ledger.post(
      "otlp/v1/traces",
      await gzip(JSON.stringify(exportOf([spans[0]]))),
      { headers: { "content-encoding": "gzip" } },
    );
    expect(zipped.body).toEqual({});
    expect(await countRows(ledger)).toBe(before);
  });

  test("rejects a recorded span with other content", async () => {
    const trace = startTrace();
    await send(ledger, exportOf([trace.span(1, chat(10, 5))]));
    const { status, body } = await send(
      ledger,
      exportOf([trace.span(1, chat(11, 5)), trace.span(2, chat(1, 1))]),
    );
    expect(status).toBe(200);
    expect(body.partialSuccess.rejectedSpans).toBe("1");
    expect(body.partialSuccess.errorMessage).toContain(
      "(0000000000000001): The span is recorded with different content",
    );
    expect(await showRow(ledger, "llm-usage", await trace.callId(1)))
      .toMatchObject({ input_tokens: 10 });
    await showRow(ledger, "llm-usage", await trace.callId(2));
  });

  test("records more calls than one database batch holds", async () => {
    const trace = startTrace();
    const before = await ledger.count("llm_usage_log");
    const spans = Array.from(
      { length: 1100 },
      (_, index) => trace.span(index + 1, chat(1, 1)),
    );
    expect((await send(ledger, exportOf(spans))).body).toEqual({});
    expect(await ledger.count("llm_usage_log")).toBe(before + 1100);
  });
});

describe("a setting of a span", () => {
  const ledger = useReceiver("PGlite");
  const URL_FIRM = `?firm_id=${OTHER_FIRM}&task_type=fallback`;

  test("comes from the span, else its resource, else the URL", async () => {
    const trace = startTrace();
    const own = { "ledger.firm_id": FIRM, "ledger.task_type": "validation" };
    await send(
      ledger,
      exportOf([trace.span(1, chat(1, 1, own)), trace.span(2, chat(1, 1))], {
        resource: { "ledger.task_type": "classification" },
      }),
      URL_FIRM,
    );
    await send(
      ledger,
      exportOf([trace.span(3, chat(1, 1))], { resource: {} }),
      URL_FIRM,
    );
    const rows = await Promise.all(
      [1, 2, 3].map(async (number) =>
        await showRow(ledger, "llm-usage", await trace.callId(number))
      ),
    );
    expect(rows).toMatchObject([
      { firm_id: FIRM, task_type: "validation" },
      { firm_id: OTHER_FIRM, task_type: "classification" },
      { firm_id: OTHER_FIRM, task_type: "fallback" },
    ]);
  });

  test("that is missing rejects that span alone, with the remedy", async () => {
    const trace = startTrace();
    const before = await countRows(ledger);
    const task = { "ledger.task_type": "extraction" };
    const firm = { "ledger.firm_id": FIRM };
    const { status, body } = await send(
      ledger,
      exportOf([
        trace.span(1, chat(1, 1, task)),
        trace.span(2, chat(1, 1, firm)),
        trace.span(3, chat(1, 1, { ...firm, ...task })),
        trace.span(4, toolUse({ "gen_ai.agent.name": "nobody" })),
        trace.span(5, toolUse({ "gen_ai.tool.name": undefined })),
        trace.span(6, toolUse()),
      ], { resource: {} }),
    );
    expect(status).toBe(200);
    const { rejectedSpans, errorMessage } = body.partialSuccess;
    expect(rejectedSpans).toBe("4");
    expect(errorMessage).toMatch(/^4 spans were not recorded\. /);
    for (
      const reason of [
        "1× (0000000000000001): ledger.firm_id is not set: set it as an attribute of the span or of its resource, or firm_id in the URL",
        "1× (0000000000000002): ledger.task_type is not set",
        "1× (0000000000000004): gen_ai.agent.id and gen_ai.agent.name name no agent of the registry",
        "1× (0000000000000005): ledger.tool_id is not set",
      ]
    ) expect(errorMessage).toContain(reason);
    expect(errorMessage).not.toContain("nobody");
    expect(await countRows(ledger)).toBe(before + 2);
  });

  test("that is invalid rejects that span, with the attribute's name and not its value", async () => {
    const trace = startTrace();
    const { body } = await send(
      ledger,
      exportOf([
        trace.span(1, chat(1, 1, { "ledger.firm_id": "acme" })),
        trace.span(2, chat(1, 1, { "ledger.cma_project_id": OTHER_PROJECT })),
        trace.span(3, chat(1, 1, { "gen_ai.usage.cost": 10_000 })),
        trace.span(4, chat(1, 1, { "gen_ai.usage.cost": 1e300 })),
        trace.span(5, toolUse({ "gen_ai.usage.cost": 1e-7 })),
        trace.span(6, chat(1, 1), { endTimeUnixNano: "4900000000000000000" }),
        trace.span(7, chat(1, 1), { traceId: "none" }),
      ]),
    );
    const { rejectedSpans, errorMessage } = body.partialSuccess;
    expect(rejectedSpans).toBe("7");
    for (
      const reason of [
        "ledger.firm_id: Expected a UUID",
        "ledger.cma_project_id: Belongs to another firm; use the firm of the event, which for a user is their own",
        "gen_ai.usage.cost: Amounts to 10,000 US dollars or more",
        "gen_ai.usage.cost: Expected US dollars",
        "endTimeUnixNano: Is more than 5 minutes in the future",
        "traceId is not an id",
      ]
    ) expect(errorMessage).toContain(reason);
    expect(errorMessage).not.toContain("acme");
  });
});
