import { newId } from "./running-stack.ts";

/** A function that makes traces of a model call and a tool use, each with fresh ids. */
export function createOtlpSpan(
  { firm_id, agent, tool }: { firm_id: string; agent: string; tool: string },
): () => unknown {
  const attributes = (values: Record<string, string | number>) =>
    Object.entries(values).map(([key, value]) => ({
      key,
      value: typeof value === "number"
        ? { intValue: String(value) }
        : { stringValue: value },
    }));
  const hex = (length: number) => newId().replaceAll("-", "").slice(-length);
  return () => {
    const traceId = hex(32);
    const span = (name: string, values: Record<string, string | number>) => ({
      traceId,
      spanId: hex(16),
      name,
      kind: 3,
      startTimeUnixNano: "1764000000000000000",
      endTimeUnixNano: "1764000001000000000",
      attributes: attributes(values),
    });
    const call = span("chat", {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 10,
    });
    const use = span("execute_tool", {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "web-search",
      "ledger.agent_id": agent,
      "ledger.tool_id": tool,
    });
    const resource = attributes({
      "ledger.firm_id": firm_id,
      "ledger.task_type": "extraction",
    });
    return {
      resourceSpans: [{
        resource: { attributes: resource },
        scopeSpans: [{ spans: [call, use] }],
      }],
    };
  };
}
