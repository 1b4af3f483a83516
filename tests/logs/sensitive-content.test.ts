import { describe, expect, test } from "vitest";
import { MAX_MODEL_METADATA_BYTES } from "../../shared/limits.ts";
import { auditLog } from "../../shared/logs/audit-log.ts";
import { llmUsageLog } from "../../shared/logs/llm-usage-log.ts";
import type { Log } from "../../shared/logs/log.ts";
import { modelUsageLog } from "../../shared/logs/model-usage-log.ts";
import { validateEvent } from "../../shared/logs/validate-event.ts";

const KEY = "sk-" + "ant-api03-aB3dE6gH9jK2mN5pQ8sT1vW4";

/** Code and pointer of the issues of a log's example with other members. */
function issuesOf(log: Log, members: Record<string, unknown>) {
  return validateEvent(log.event, { ...log.example, ...members }).issues
    .map(({ code, pointer }) => [code, pointer]);
}

const NAMES: [Log, string][] = [
  [auditLog, "action"],
  [auditLog, "entity_type"],
  [llmUsageLog, "model"],
  [llmUsageLog, "provider"],
  [llmUsageLog, "api_flavor"],
  [modelUsageLog, "session_id"],
  [modelUsageLog, "sd_id"],
  [modelUsageLog, "subagent_type"],
  [modelUsageLog, "subagent_configured_model"],
  [modelUsageLog, "reported_model_name"],
  [modelUsageLog, "reported_model_id"],
];

describe("a name", () => {
  test.each(NAMES.map(([log, member]) => [log.slug, member, log] as const))(
    "of %s, %s, must not have financial data or a secret",
    (_slug, member, log) => {
      const at = `/${member}`;
      for (
        const [text, code] of [
          ["4111.1111.1111.1111", "financial_data"],
          ["paid $1,200.00", "financial_data"],
          ["password hunter2", "secret"],
          ["ｐａｓｓｗｏｒｄ=hunter2", "secret"],
        ]
      ) {
        const { issues } = validateEvent(log.event, {
          ...log.example,
          [member]: text,
        });
        expect(issues.map((issue) => [issue.code, issue.pointer]), text)
          .toContainEqual([code, at]);
        expect(JSON.stringify(issues)).not.toMatch(/hunter2|4111|1,200/);
      }
    },
  );

  test("of a model or an action passes as senders write it", () => {
    for (
      const model of [
        "gpt-4.1-mini-2025-04-14",
        "claude-sonnet-4-5-20250929",
        "ft:gpt-4o-mini-2024-07-18:acme::A1B2c3D4",
        "accounts/fireworks/models/llama-v3p1-405b-instruct",
        "gemini-2.5-pro-preview-05-06",
        "arn:aws:bedrock:us-east-1:234123412346:inference-profile/us.amazon.nova-pro-v1:0",
        "projects/415104041262/locations/europe-west1/endpoints/4111111111111111",
        "Qwen/Qwen2.5-72B-Instruct",
        "o200k_base",
      ]
    ) expect(issuesOf(llmUsageLog, { model }), model).toEqual([]);
    for (
      const action of [
        "create_project",
        "password_changed",
        "otp.verified",
        "token.refresh",
        "payment approved",
        "POST /v1/invoices",
      ]
    ) expect(issuesOf(auditLog, { action }), action).toEqual([]);
  });
});

describe("the metadata of a model report", () => {
  test.each<[string, unknown, [string, string][]]>([
    ["a key of a provider", { note: KEY }, [["secret", "/metadata/note"]]],
    ["a credential", { api_key: "x" }, [[
      "sensitive_key",
      "/metadata/api_key",
    ]]],
    ["a card", { a: [{ b: "4111 1111 1111 1111" }] }, [
      ["financial_data", "/metadata/a/0/b"],
    ]],
    ["the digits of a card", { n: 4111111111111111 }, [
      ["financial_data", "/metadata/n"],
    ]],
    ["a key with a card", { "4111111111111111": { x: 1 } }, [
      ["financial_data", "/metadata"],
    ]],
  ])("must not have %s", (_what, metadata, issues) => {
    expect(issuesOf(modelUsageLog, { metadata })).toEqual(issues);
  });

  test.each([
    { cost_usd: 0.0012, price: "$3 per million tokens", total: 5 },
    { tokens: 1200, input_tokens: 5, token_type: "text", ratio: 0.5 },
    {
      has_api_key: true,
      api_key: null,
      api_key_id: "key_7Q2",
      authorized: true,
    },
    { nested: [[[[[[{ deep: true }]]]]]], at: "2026-11-21T10:30:00Z" },
    { trace: "4bf92f3577b34da6a3ce929d0e0e4736", epoch: 1795257000000 },
  ])("may have %j", (metadata) => {
    expect(issuesOf(modelUsageLog, { metadata })).toEqual([]);
  });

  test("above its size is not searched", () => {
    const metadata = {
      list: Array(MAX_MODEL_METADATA_BYTES).fill("4111111111111111"),
    };
    expect(issuesOf(modelUsageLog, { metadata })).toEqual([
      ["invalid_value", "/metadata"],
    ]);
  });

  test("has at most 100 issues, none of which repeats a value", () => {
    const metadata = { list: Array(200).fill("password=hunter2") };
    const { issues } = validateEvent(modelUsageLog.event, {
      ...modelUsageLog.example,
      metadata,
    });
    expect(issues).toHaveLength(100);
    expect(JSON.stringify(issues)).not.toContain("hunter2");
  });
});

test("the error message of a call is redacted, and its amounts stay", () => {
  const { event } = validateEvent(llmUsageLog.event, {
    ...llmUsageLog.example,
    success: false,
    error_message:
      `402: limit of $5 reached for card 4111 1111 1111 1111, ｋｅｙ ${KEY}`,
  });
  expect(event?.error_message).toBe(
    "402: limit of $5 reached for card [redacted:card_number], ｋｅｙ [redacted:anthropic_api_key]",
  );
});
