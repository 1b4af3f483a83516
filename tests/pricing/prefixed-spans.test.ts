import { expect, test } from "vitest";
import { FIRM, SERVER_ONLY, useStack } from "../support/running-stack.ts";

const ledger = useStack(SERVER_ONLY[0]);

function makeSpan(system: string | null, model: string) {
  const hex = crypto.randomUUID().replaceAll("-", "");
  const attributes = {
    "gen_ai.operation.name": "chat",
    ...(system && { "gen_ai.system": system }),
    "gen_ai.request.model": model,
  };
  const counts = {
    "gen_ai.usage.input_tokens": "1000",
    "gen_ai.usage.output_tokens": "100",
  };
  return {
    traceId: hex,
    spanId: hex.slice(0, 16),
    name: "chat",
    kind: 3,
    startTimeUnixNano: "1791192600000000000",
    endTimeUnixNano: "1791192601500000000",
    attributes: [
      ...Object.entries(attributes).map(([key, stringValue]) => ({
        key,
        value: { stringValue },
      })),
      ...Object.entries(counts).map(([key, intValue]) => ({
        key,
        value: { intValue },
      })),
    ],
  };
}

test.each([
  [
    "strands-agents",
    "us.anthropic.claude-sonnet-4-20250514-v1:0",
    "aws",
    "0.0045",
  ],
  ["gateway", "openai/gpt-4o", "openai", "0.0035"],
  ["Langchain", "gpt-4o", "openai", "0.0035"],
  ["_OTHER", "azure/gpt-4o", "azure", "0.0035"],
  ["gcp.vertex.agent", "gemini-2.5-flash", "google", "0.00055"],
  [null, "openai/gpt-4o-mini", "openai", "0.00021"],
  [null, "bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0", "aws", "0.0045"],
  ["house", "gpt-4o", "house", "0"],
])(
  "a span of %s with the model %s is a call of %s",
  async (system, model, provider, cost) => {
    const span = makeSpan(system, model);
    const path = `otlp/v1/traces?firm_id=${FIRM}&task_type=extraction`;
    await ledger.post(path, {
      resourceSpans: [{ scopeSpans: [{ spans: [span] }] }],
    });
    const rows = await ledger.rows("llm_usage_log", { model });
    const details = await ledger.rows("llm_usage_details", {
      id: rows.at(-1)!.id,
    });
    expect(details).toMatchObject([{ provider }]);
    expect(Number(details[0].cost_usd_exact)).toBe(Number(cost));
  },
);
