import * as z from "zod";
import { readOne, requireKnown } from "../http/parameters.ts";
import { llmUsageLog } from "../logs/llm-usage-log.ts";
import { toolUsageLedger } from "../logs/tool-usage-ledger.ts";
import type { Attributes, AttributeValue, Span } from "./span.ts";

/**
 * The attribute names of a value, by precedence. Sources: the GenAI semantic
 * conventions (current, of 2025 with `cache_creation`, and of 2024 with
 * `prompt_tokens`), OpenLLMetry (`llm.usage.*`), OpenInference
 * (`llm.token_count.*`), the AI SDK (`ai.*`), OpenRouter Broadcast, LiteLLM
 * (`gen_ai.cost.*`), Pydantic AI (`gen_ai.usage.details.*`, `operation.cost`).
 */
export const ALIASES = {
  provider: [
    "gen_ai.provider.name",
    "gen_ai.system",
    "openrouter.provider_slug",
    "openrouter.provider_name",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
  ],
  // The model that answered determines the price.
  model: [
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "gen_ai.request.model",
    "ai.model.id",
    "llm.request.model_name",
    "embedding.model_name",
    "reranker.model_name",
  ],
  serviceTier: [
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "gen_ai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
    "gen_ai.request.service_tier",
  ],
  input: [
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
    "ai.usage.tokens",
  ],
  output: [
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
  ],
  total: [
    "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens",
    "llm.token_count.total",
    "ai.usage.totalTokens",
  ],
  cacheRead: [
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
    "ai.usage.cachedInputTokens",
  ],
  cacheWrite: [
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write_input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "ai.usage.inputTokenDetails.cacheWriteTokens",
  ],
  cacheWrite5m: ["gen_ai.usage.cache_creation.ephemeral_5m_input_tokens"],
  cacheWrite1h: ["gen_ai.usage.cache_creation.ephemeral_1h_input_tokens"],
  uncachedInput: ["ai.usage.inputTokenDetails.noCacheTokens"],
  reasoning: [
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens",
    "ai.usage.outputTokenDetails.reasoningTokens",
    "ai.usage.reasoningTokens",
  ],
  visibleOutput: ["ai.usage.outputTokenDetails.textTokens"],
  cost: [
    "gen_ai.usage.cost",
    "gen_ai.usage.total_cost",
    "gen_ai.cost.total_cost",
    "litellm.cost.total",
    "llm.cost.total",
    "operation.cost",
  ],
  finishReasons: ["gen_ai.response.finish_reasons"],
  errorType: ["error.type"],
  operation: ["gen_ai.operation.name"],
  aiSdkOperation: ["ai.operationId"],
  mcpMethod: ["mcp.method.name"],
  openInferenceKind: ["openinference.span.kind"],
  traceloopKind: ["traceloop.span.kind"],
  requestType: ["llm.request.type"],
  toolName: [
    "gen_ai.tool.name",
    "tool.name",
    "ai.toolCall.name",
    "mcp.tool.name",
    "traceloop.entity.name",
  ],
  agentId: ["gen_ai.agent.id"],
  // The AI SDK names the agent so since version 7; before, it was the function.
  agentName: ["gen_ai.agent.name", "agent.name", "ai.telemetry.functionId"],
} as const satisfies Record<string, readonly string[]>;

/** Settings that spans do not carry by convention, without their prefix `ledger.`. */
export const LEDGER_NAMES = [
  "firm_id",
  "cma_project_id",
  "task_type",
  "agent_id",
  "tool_id",
  "venture_id",
  "token_convention",
] as const;

type LedgerName = typeof LEDGER_NAMES[number];

/**
 * All attributes that are read. The decoders skip all others, so prompts,
 * completions, tool arguments and results are never kept.
 */
export const KEPT_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...Object.values(ALIASES).flat(),
  ...LEDGER_NAMES.map((name) => `ledger.${name}`),
]);

/** The first of the names with a value that is not empty, and the value. */
export function findAttribute(
  attributes: Attributes,
  names: readonly string[],
): { name: string; value: AttributeValue } | undefined {
  for (const name of names) {
    const value = attributes.get(name);
    if (value !== undefined && value !== "") return { name, value };
  }
}

/** The first text of the names that is not blank, trimmed; "" if there is none. */
export function findText(
  attributes: Attributes,
  names: readonly string[],
): string {
  for (const name of names) {
    const value = attributes.get(name);
    if (typeof value === "string" && value.trim() !== "") return value.trim();
  }
  return "";
}

/** The values of settings. */
export type LedgerSettings = Partial<Record<LedgerName, string>>;

/** The only setting that is not a column of one of the logs. */
const convention = z.enum(
  ["inclusive", "exclusive"],
  "Expected inclusive or exclusive",
);

/**
 * Reads the settings in the query of the endpoint's URL (`?firm_id=…`), the defaults
 * of every span.
 *
 * @throws {ProblemError} 400 that names an unknown, malformed or repeated parameter.
 */
export function readUrlSettings(query: URLSearchParams): LedgerSettings {
  requireKnown(query, [...LEDGER_NAMES]);
  const settings: LedgerSettings = {};
  for (const name of LEDGER_NAMES) {
    const value = readOne(query, name, schemaOf(name));
    if (value !== null) settings[name] = value;
  }
  return settings;
}

/** The value of a setting: of the span, else of its resource, else of the URL. */
export function findSetting(
  name: LedgerName,
  span: Span,
  url: LedgerSettings,
): string | undefined {
  const key = `ledger.${name}`;
  for (const attributes of [span.attributes, span.resource]) {
    const value = attributes.get(key);
    if (typeof value === "string" && value.trim() !== "") return value.trim();
  }
  return url[name];
}

/** The reason and the remedy for a missing setting. */
export function explainMissing(name: LedgerName): string {
  return `ledger.${name} is not set: set it as an attribute of the span or of its resource, or ${name} in the URL of the endpoint`;
}

function schemaOf(name: LedgerName): z.ZodType<string> {
  if (name === "token_convention") return convention;
  const calls = llmUsageLog.event.shape;
  const uses = toolUsageLedger.event.shape;
  return (calls[name] ?? uses[name]) as z.ZodType<string>;
}
