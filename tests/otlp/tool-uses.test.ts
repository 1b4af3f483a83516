import { describe, expect, test } from "vitest";
import { collectNames, completeToolUses } from "../../shared/otlp/tool-uses.ts";
import { toolUsageLedger } from "../../shared/logs/tool-usage-ledger.ts";
import {
  chat,
  jsonExport,
  type JsonSpan,
  jsonSpan,
  read,
  readReason,
  URL_SETTINGS,
} from "../support/otlp-exports.ts";

const AGENT = "40000000-0000-4000-8000-000000000001";
const TOOL = "50000000-0000-4000-8000-000000000001";
const search = (more: object = {}): Record<string, unknown> => ({
  "gen_ai.operation.name": "execute_tool",
  "gen_ai.tool.name": "search",
  ...more,
});

/** Tool uses of an export without anything set in the URL. */
async function uses(spans: JsonSpan[], resource: Record<string, unknown> = {}) {
  const reading = await read(jsonExport(spans, { resource }), {});
  expect(reading.rejected).toEqual([]);
  return reading.toolUses;
}

const registry = (rows: [string, ...string[]][]) =>
  new Map(rows.map(([name, ...ids]) => [name, ids]));

describe("the span of a tool use", () => {
  test("becomes an event of tool-usage that the log accepts", async () => {
    const attributes = search({
      "gen_ai.usage.total_tokens": 42,
      "gen_ai.usage.cost": 0.0025,
      "ledger.venture_id": "60000000-0000-4000-8000-000000000001",
      "gen_ai.tool.call.arguments": "secret",
      "gen_ai.tool.call.result": "secret",
    });
    const { toolUses: [use] } = await read(
      jsonExport([
        jsonSpan(1, attributes, {
          kind: 1,
          status: { code: 2, message: "no" },
        }),
      ]),
    );
    expect(use).toEqual({
      spanId: "0000000000000001",
      event: {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
        agent_id: URL_SETTINGS.agent_id,
        tool_id: URL_SETTINGS.tool_id,
        venture_id: "60000000-0000-4000-8000-000000000001",
        tokens_consumed: 42,
        cost_usd: "0.0025",
        execution_ms: 1500,
        created_at: "2025-08-22T00:00:01.500000Z",
      },
      lookups: {},
    });
    expect(toolUsageLedger.event.safeParse(use.event).success).toBe(true);
  });

  test("needs an end", async () => {
    expect(await readReason(search(), { endTimeUnixNano: "" }))
      .toContain("endTimeUnixNano is not set");
  });

  test.each<[string, JsonSpan, Record<string, unknown>]>([
    ["its attribute", {}, { "gen_ai.tool.name": "search" }],
    ["its name by the conventions", { name: "execute_tool search" }, {}],
    ["its name by MCP", { name: "tools/call search" }, {
      "mcp.method.name": "tools/call",
    }],
    ["its name by OpenLLMetry", { name: "search.tool" }, {
      "traceloop.span.kind": "tool",
    }],
    ["OpenInference", {}, {
      "openinference.span.kind": "TOOL",
      "tool.name": "search",
    }],
    ["the AI SDK", {}, {
      "ai.operationId": "ai.toolCall",
      "ai.toolCall.name": "search",
    }],
  ])("names its tool by %s", async (_, more, attributes) => {
    const span = jsonSpan(1, {
      "gen_ai.operation.name": "execute_tool",
      ...attributes,
    }, more);
    expect((await uses([span]))[0].lookups).toEqual({ tool: "search" });
  });

  test("names its agent itself, else by an outer span, else by its resource", async () => {
    const resource = { "gen_ai.agent.name": "by resource" };
    const around = jsonSpan(1, {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "around",
    });
    const step = jsonSpan(2, { "gen_ai.operation.name": "agent_step" }, {
      parent: 1,
    });
    const plain = jsonSpan(3, search(), { parent: 2 });
    const own = jsonSpan(
      4,
      search({ "gen_ai.agent.id": "asst_1", "gen_ai.agent.name": "own" }),
      { parent: 2 },
    );
    const [first, second] = await uses([around, step, plain, own], resource);
    expect(first.lookups.agents).toEqual(["around", "by resource"]);
    expect(second.lookups.agents).toEqual([
      "asst_1",
      "own",
      "around",
      "by resource",
    ]);
  });

  test("looks up no names when ids are set", async () => {
    const [use] = await uses([jsonSpan(
      1,
      search({
        "ledger.agent_id": AGENT,
        "ledger.tool_id": TOOL,
        "gen_ai.agent.name": "x",
      }),
    )]);
    expect(use.lookups).toEqual({});
    expect(use.event).toMatchObject({ agent_id: AGENT, tool_id: TOOL });
  });

  test("needs neither firm nor task type", async () => {
    const reading = await read(
      jsonExport([jsonSpan(1, search()), jsonSpan(2, chat(1, 1))]),
      {},
    );
    expect(reading.toolUses).toHaveLength(1);
    expect(reading.rejected).toHaveLength(1);
  });
});

describe("completeToolUses()", () => {
  const named = (agent?: string, tool?: string) =>
    jsonSpan(1, {
      "gen_ai.operation.name": "execute_tool",
      ...(agent === undefined ? {} : { "gen_ai.agent.name": agent }),
      ...(tool === undefined ? {} : { "gen_ai.tool.name": tool }),
    });
  const registries = {
    agents: registry([["reviewer", AGENT], ["twin", AGENT, TOOL]]),
    tools: registry([["search", TOOL], ["twin", AGENT, TOOL]]),
  };

  test("looks up each name of an export once", async () => {
    const spans = [
      jsonSpan(1, search({ "gen_ai.agent.name": "a" })),
      jsonSpan(2, search({ "gen_ai.agent.name": "a" })),
      jsonSpan(
        3,
        search({ "gen_ai.agent.id": "b", "gen_ai.tool.name": "other" }),
      ),
    ];
    expect(collectNames(await uses(spans))).toEqual({
      agents: ["a", "b"],
      tools: ["search", "other"],
    });
  });

  test("sets the ids of the names", async () => {
    const complete = completeToolUses(
      await uses([named("reviewer", "search")]),
      registries,
    );
    expect(complete.rejected).toEqual([]);
    expect(complete.uses[0].event).toMatchObject({
      agent_id: AGENT,
      tool_id: TOOL,
    });
  });

  test("uses the first name that the registry knows", async () => {
    const span = jsonSpan(
      1,
      search({ "gen_ai.agent.id": "asst_1", "gen_ai.agent.name": "reviewer" }),
    );
    const { uses: [use] } = completeToolUses(await uses([span]), registries);
    expect(use.event.agent_id).toBe(AGENT);
  });

  test.each([
    [
      "no agent",
      undefined,
      "search",
      "ledger.agent_id is not set",
      "gen_ai.agent.name",
    ],
    [
      "no tool",
      "reviewer",
      undefined,
      "ledger.tool_id is not set",
      "gen_ai.tool.name",
    ],
    [
      "an agent that is unknown",
      "nobody",
      "search",
      "name no agent of the registry",
      "ledger.agent_id",
    ],
    [
      "an agent of a name that two have",
      "twin",
      "search",
      "name no agent of the registry, or several",
      "ledger.agent_id",
    ],
    [
      "a tool that is unknown",
      "reviewer",
      "hammer",
      "names no tool of the registry",
      "ledger.tool_id",
    ],
    [
      "a tool of a name that two have",
      "reviewer",
      "twin",
      "or several",
      "ledger.tool_id",
    ],
  ])(
    "rejects a use with %s, with the remedy",
    async (_, agent, tool, reason, wanted) => {
      const complete = completeToolUses(
        await uses([named(agent, tool)]),
        registries,
      );
      expect(complete.uses).toEqual([]);
      expect(complete.rejected).toHaveLength(1);
      expect(complete.rejected[0].spanId).toBe("0000000000000001");
      expect(complete.rejected[0].reason).toContain(reason);
      expect(complete.rejected[0].reason).toContain(wanted);
      for (const sent of ["nobody", "hammer", "twin"]) {
        expect(complete.rejected[0].reason).not.toContain(sent);
      }
    },
  );
});
