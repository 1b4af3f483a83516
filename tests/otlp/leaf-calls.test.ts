import { describe, expect, test } from "vitest";
import type { TraceReading } from "../../shared/otlp/receive-traces.ts";
import {
  chat,
  jsonExport,
  type JsonSpan,
  jsonSpan,
  read,
  spanId,
} from "../support/otlp-exports.ts";

const op = (name: string, more: object = {}) => ({
  "gen_ai.operation.name": name,
  ...more,
});
const USAGE = {
  "gen_ai.usage.input_tokens": 9,
  "gen_ai.usage.output_tokens": 9,
};
const tool = (name: string) => op("execute_tool", { "gen_ai.tool.name": name });
const mcp = (name: string) => ({
  "mcp.method.name": "tools/call",
  "gen_ai.tool.name": name,
});

/** The numbers of the recorded spans, and the count of ignored ones. */
type Selection = { models: number[]; tools: number[]; ignored: number };

function numbers(reading: TraceReading): Selection {
  const of = (list: { spanId: string }[]) =>
    list.map((one) => parseInt(one.spanId, 16));
  expect(reading.rejected).toEqual([]);
  return {
    models: of(reading.modelCalls),
    tools: of(reading.toolUses),
    ignored: reading.ignored,
  };
}

/** Spans as [number, parent, attributes, other members]. */
type Spec = [number, number | undefined, object, JsonSpan?];

async function select(...specs: Spec[]) {
  const spans = specs.map(([number, parent, attributes, more]) =>
    jsonSpan(number, attributes as Record<string, unknown>, { parent, ...more })
  );
  return numbers(await read(jsonExport(spans)));
}

describe("a span of an unknown operation", () => {
  const internal = { kind: 1 };
  const counted = chat(9, 9, op("house.chat"));

  test("is a call if it counts tokens and names a model, whatever its kind", async () => {
    expect(await select([1, undefined, counted, internal]))
      .toEqual({ models: [1], tools: [], ignored: 0 });
  });

  test("yields to the calls inside it", async () => {
    expect(
      await select(
        [1, undefined, counted, internal],
        [2, 1, counted, internal],
        [3, 1, chat(1, 1), internal],
      ),
    ).toEqual({ models: [2, 3], tools: [], ignored: 1 });
  });

  test("is the view of a call inside it without counts", async () => {
    expect(
      await select(
        [1, undefined, counted, internal],
        [2, 1, { ...op("chat"), "gen_ai.request.model": "gpt-5" }],
      ),
    ).toEqual({ models: [1], tools: [], ignored: 1 });
  });

  test.each<[string, object]>([
    ["an unknown unit", { "gen_ai.usage.hologram_tokens": 7 }],
    ["images", { "gen_ai.usage.output_image_tokens": 7 }],
    ["a message of MCP", { ...USAGE, "mcp.method.name": "sampling/create" }],
  ])("is a call by %s", async (_, usage) => {
    const attributes = { "gen_ai.request.model": "gpt-5", ...usage };
    expect(await select([1, undefined, attributes, internal]))
      .toEqual({ models: [1], tools: [], ignored: 0 });
  });

  test.each<[string, object, JsonSpan?]>([
    ["without usage", {
      "gen_ai.request.model": "gpt-5",
      "gen_ai.usage.cost": 0.25,
    }],
    ["without a model", { ...op("house.chat"), ...USAGE }],
    ["of a known sum", counted, { name: "agent run" }],
    ["of Mastra around a call", {
      ...counted,
      "mastra.span.type": "model_step",
    }],
    ["that sums a turn of Codex", { ...counted }, {
      name: "session_task.turn",
    }],
    ["of a prompt of LangSmith", {
      ...counted,
      "langsmith.span.kind": "prompt",
    }],
    ["of a step of Langfuse", {
      ...counted,
      "langfuse.observation.type": "span",
    }],
    ["of a flow of Genkit", {
      ...counted,
      "genkit:type": "action",
      "genkit:metadata:subtype": "flow",
    }],
  ])("is no call: %s", async (_, attributes, more) => {
    expect(await select([1, undefined, attributes, { ...internal, ...more }]))
      .toEqual({ models: [], tools: [], ignored: 1 });
  });
});

describe("a pending span of Logfire", () => {
  const pending = { "logfire.span_type": "pending_span" };

  test.each<[string, object]>([
    ["a tool", { ...tool("search"), ...pending }],
    ["a model call", { ...chat(1, 1), ...pending }],
    ["a tool of the AI SDK", {
      "ai.operationId": "ai.toolCall",
      "ai.toolCall.name": "search",
      ...pending,
    }],
  ])("is nothing: %s", async (_, attributes) => {
    expect(await select([1, 2, attributes]))
      .toEqual({ models: [], tools: [], ignored: 1 });
  });

  test("leaves its finished span, the parent", async () => {
    expect(
      await select(
        [1, undefined, tool("search")],
        [2, 1, { ...tool("search"), ...pending }],
      ),
    ).toEqual({ models: [], tools: [1], ignored: 1 });
  });
});

describe("a single span", () => {
  test.each<[string, object]>([
    ["chat", chat(1, 1)],
    ["text completion", { ...chat(1, 1), ...op("text_completion") }],
    ["content generation", { ...chat(1, 1), ...op("generate_content") }],
    ["embeddings", { ...chat(1, 1), ...op("embeddings") }],
    ["a request by OpenLLMetry", {
      ...chat(1, 1, op("")),
      "llm.request.type": "chat",
    }],
    ["a request by LiteLLM", {
      ...chat(1, 1, op("")),
      "llm.request.type": "acompletion",
    }],
    ["an LLM of OpenInference", {
      ...chat(1, 1, op("")),
      "openinference.span.kind": "LLM",
    }],
    ["a request by the AI SDK", {
      ...chat(1, 1, op("")),
      "ai.operationId": "ai.generateText.doGenerate",
    }],
    ["an embedding by the AI SDK", {
      ...chat(1, 1, op("")),
      "ai.operationId": "ai.embed.doEmbed",
    }],
    ["a client that counts tokens", chat(1, 1, op("x"))],
    ["a call of Gemini CLI", chat(1, 1, op("llm_call"))],
  ])("is a model call: %s", async (_, attributes) => {
    expect(await select([1, undefined, attributes])).toEqual({
      models: [1],
      tools: [],
      ignored: 0,
    });
  });

  test.each<[string, object, JsonSpan?]>([
    ["execute_tool", tool("search")],
    ["a call by an MCP client", mcp("search")],
    ["a call served over MCP for an unknown caller", mcp("search"), {
      kind: 2,
    }],
    ["a tool of OpenInference", {
      "openinference.span.kind": "TOOL",
      "tool.name": "search",
    }],
    ["a tool of OpenLLMetry", {
      "traceloop.span.kind": "tool",
      "traceloop.entity.name": "search",
    }],
    ["a tool of the AI SDK", {
      "ai.operationId": "ai.toolCall",
      "ai.toolCall.name": "search",
    }],
  ])("is a tool use: %s", async (_, attributes, more) => {
    expect(await select([1, undefined, attributes, more])).toEqual({
      models: [],
      tools: [1],
      ignored: 0,
    });
  });

  test.each<[string, object, JsonSpan?]>([
    [
      "an agent that adds up",
      op("invoke_agent", { ...chat(9, 9), ...op("invoke_agent") }),
    ],
    ["a step that adds up", { ...USAGE, ...op("agent_step") }],
    ["a workflow", op("invoke_workflow")],
    ["the AI SDK around its requests", {
      ...chat(9, 9, op("")),
      "ai.operationId": "ai.generateText",
    }],
    ["an agent of OpenInference", {
      ...chat(9, 9, op("")),
      "openinference.span.kind": "AGENT",
    }],
    ["a workflow of OpenLLMetry", {
      ...USAGE,
      "traceloop.span.kind": "workflow",
    }],
    ["a list of tools over MCP", { "mcp.method.name": "tools/list" }],
    ["a call served over MCP for a caller in the same trace", mcp("search"), {
      kind: 2,
      flags: 0x300,
    }],
    ["an HTTP request", { "http.request.method": "POST" }],
    ["what counts tokens but is no client", USAGE, { kind: 1 }],
    ["a client that counts no tokens", { "gen_ai.request.model": "gpt-5" }],
    ["a name of every object", op("constructor")],
  ])("is ignored and not rejected: %s", async (_, attributes, more) => {
    expect(await select([1, undefined, attributes, more])).toEqual({
      models: [],
      tools: [],
      ignored: 1,
    });
  });
});

describe("nested model calls", () => {
  const failed = op("chat", {
    "gen_ai.request.model": "m",
    "error.type": "429",
  });

  test.each<[string, Spec[], Selection]>([
    ["of an agent with steps and tools count once each", [
      [1, undefined, op("invoke_agent", USAGE), { kind: 1 }],
      [2, 1, op("agent_step", USAGE), { kind: 1 }],
      [3, 2, chat(10, 5)],
      [4, 2, tool("search"), { kind: 1 }],
      [5, 1, op("agent_step", USAGE), { kind: 1 }],
      [6, 5, chat(20, 5)],
    ], { models: [3, 6], tools: [4], ignored: 3 }],
    ["with the same tokens are one call, the inner one", [
      [1, undefined, chat(10, 5)],
      [2, 1, chat(10, 5)],
    ], { models: [2], tools: [], ignored: 1 }],
    ["with the same tokens are one call across other spans", [
      [1, undefined, chat(10, 5)],
      [2, 1, { "http.request.method": "POST" }],
      [3, 2, {}, { kind: 2 }],
      [4, 3, chat(10, 5)],
    ], { models: [4], tools: [], ignored: 3 }],
    ["count instead of an outer span with their sum", [
      [1, undefined, chat(30, 10)],
      [2, 1, chat(10, 5)],
      [3, 1, chat(20, 5)],
    ], { models: [2, 3], tools: [], ignored: 1 }],
    ["are the outer call when only it has tokens", [
      [1, undefined, chat(10, 5)],
      [2, 1, op("chat", { "gen_ai.request.model": "gpt-5" })],
    ], { models: [1], tools: [], ignored: 1 }],
    ["are the inner calls when only those have tokens", [
      [1, undefined, op("embeddings", { "gen_ai.request.model": "e" })],
      [2, 1, { ...chat(10, 0), ...op("embeddings") }],
      [3, 1, { ...chat(20, 0), ...op("embeddings") }],
    ], { models: [2, 3], tools: [], ignored: 1 }],
    ["that failed before a success are recorded, too", [
      [1, undefined, chat(10, 5)],
      [2, 1, failed],
      [3, 1, chat(10, 5)],
    ], { models: [2, 3], tools: [], ignored: 1 }],
    ["that both failed are one failure", [
      [1, undefined, failed],
      [2, 1, failed],
    ], { models: [2], tools: [], ignored: 1 }],
  ])("%s", async (_, spans, expected) => {
    expect(await select(...spans)).toEqual(expected);
  });

  test.each([["a tool", tool("research")], ["an agent", op("invoke_agent")]])(
    "are two calls when %s lies between them",
    async (_, between) => {
      const { models } = await select(
        [1, undefined, chat(10, 5)],
        [2, 1, between],
        [3, 2, chat(900, 50)],
      );
      expect(models).toEqual([1, 3]);
    },
  );

  const unnamed = chat(30, 10, op(""));
  test.each<[string, Spec[], Selection]>([
    ["outside a tool", [
      [1, undefined, unnamed],
      [2, 1, tool("x")],
      [3, 2, chat(10, 5)],
    ], { models: [3], tools: [2], ignored: 1 }],
    ["inside a call", [
      [1, undefined, chat(10, 5)],
      [2, 1, unnamed],
    ], { models: [1], tools: [], ignored: 1 }],
    ["outside one of their kind", [
      [1, undefined, unnamed],
      [2, 1, unnamed],
    ], { models: [2], tools: [], ignored: 1 }],
  ])(
    "are ignored when tokens alone identify them, %s",
    async (_, spans, expected) => {
      expect(await select(...spans)).toEqual(expected);
    },
  );

  test("are found in any order and across resources and scopes", async () => {
    const { resourceSpans: [inner] } = jsonExport([
      jsonSpan(2, chat(10, 5), { parent: 1 }),
    ]);
    const { resourceSpans: [outer] } = jsonExport([jsonSpan(1, chat(10, 5))], {
      scope: "litellm",
    });
    expect(numbers(await read({ resourceSpans: [inner, outer] })).models)
      .toEqual([2]);
  });

  test("of two traces are separate calls", async () => {
    const other = jsonSpan(2, chat(10, 5), {
      parent: 1,
      traceId: "f".repeat(32),
    });
    const reading = await read(jsonExport([jsonSpan(1, chat(10, 5)), other]));
    expect(numbers(reading).models).toEqual([1, 2]);
  });

  test("whose parents form a cycle are one call", async () => {
    const { models } = await select([1, 1, chat(1, 1)]);
    expect(models).toEqual([1]);
    const ring = await select([1, 2, chat(1, 1)], [2, 3, chat(1, 1)], [
      3,
      1,
      chat(1, 1),
    ]);
    expect(ring.models).toHaveLength(1);
  });

  test("nest as deep as an export allows", async () => {
    const deep = Array.from(
      { length: 5_000 },
      (_, index): Spec => [index + 1, index || undefined, chat(1, 1)],
    );
    expect((await select(...deep)).models).toEqual([5_000]);
  });
});

describe("nested tool uses", () => {
  const MCP = { kind: 3 };

  test.each<[string, Spec[], Selection]>([
    ["are one use in the spans of an agent, an MCP client and a server", [
      [1, undefined, tool("search"), { kind: 1 }],
      [2, 1, mcp("search"), MCP],
      [3, 2, mcp("search"), { kind: 2 }],
    ], { models: [], tools: [1], ignored: 2 }],
    ["are one use when the agent prefixes the server's name", [
      [1, undefined, tool("github_search")],
      [2, 1, mcp("search"), MCP],
    ], { models: [], tools: [1], ignored: 1 }],
    ["are several uses when their names differ", [
      [1, undefined, tool("research")],
      [2, 1, mcp("search"), MCP],
    ], { models: [], tools: [1, 2], ignored: 0 }],
    ["are several uses when a tool uses other tools", [
      [1, undefined, tool("deploy")],
      [2, 1, mcp("create_issue"), MCP],
      [3, 1, tool("notify")],
    ], { models: [], tools: [1, 2, 3], ignored: 0 }],
    ["are several uses when an agent lies between them", [
      [1, undefined, tool("ask")],
      [2, 1, op("invoke_agent")],
      [3, 2, tool("ask")],
    ], { models: [], tools: [1, 3], ignored: 1 }],
  ])("%s", async (_, spans, expected) => {
    expect(await select(...spans)).toEqual(expected);
  });
});

test("one span with a malformed id among a hundred is rejected alone", async () => {
  const spans = Array.from(
    { length: 100 },
    (_, index) => jsonSpan(index + 1, chat(1, 1)),
  );
  spans[41].spanId = "not an id";
  const reading = await read(jsonExport(spans));
  expect(reading.modelCalls).toHaveLength(99);
  expect(reading.rejected).toHaveLength(1);
});

test("an export of 1,446 spans is read completely", async () => {
  const spans = Array.from(
    { length: 1_446 },
    (_, index) => jsonSpan(index + 1, chat(1, 1)),
  );
  const { modelCalls } = await read(jsonExport(spans));
  expect(new Set(modelCalls.map(({ event }) => event.id)).size).toBe(1_446);
  expect(modelCalls.at(-1)!.spanId).toBe(spanId(1_446));
});
