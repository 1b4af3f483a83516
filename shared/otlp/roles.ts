import { ALIASES, findText } from "./attributes.ts";
import { isUsageName, isWithoutPrice } from "./aliases.ts";
import { type Attributes, type Span, SPAN_KIND } from "./span.ts";
import { countsTokens } from "./token-convention.ts";

/**
 * The role of a span by its own attributes:
 * - `model`: its operation is one request to a model;
 * - `counted`: a span that counts tokens, of a client or with a model, without such an
 *   operation;
 * - `tool`: one use of a tool;
 * - `aggregate`: an agent, a step or a workflow, whose usage is the sum of its parts;
 * - `other`: not recorded.
 */
export type SpanRole = "model" | "counted" | "tool" | "aggregate" | "other";

const OPERATIONS: Record<string, SpanRole> = {
  chat: "model",
  completion: "model",
  embedding: "model",
  embeddings: "model",
  generate_content: "model",
  rerank: "model",
  text_completion: "model",
  execute_tool: "tool",
  agent_step: "aggregate",
  create_agent: "aggregate",
  invoke_agent: "aggregate",
  invoke_workflow: "aggregate",
  plan: "aggregate",
  // Gemini CLI.
  llm_call: "model",
  tool_call: "tool",
  agent_call: "aggregate",
  schedule_tool_calls: "aggregate",
  system_prompt: "aggregate",
  user_prompt: "aggregate",
  // Microsoft.Extensions.AI.
  orchestrate_tools: "aggregate",
  // LangSmith and others.
  agent: "aggregate",
  agent_run: "aggregate",
  chain: "aggregate",
  workflow: "aggregate",
};

/** OpenInference (spec/semantic_conventions.md, Span Kinds). */
const OPEN_INFERENCE_KINDS: Record<string, SpanRole> = {
  LLM: "model",
  EMBEDDING: "model",
  RERANKER: "model",
  TOOL: "tool",
  AGENT: "aggregate",
  CHAIN: "aggregate",
};

/** Langfuse (observation types); a call that it wraps is a span of its own. */
const LANGFUSE_TYPES: Record<string, SpanRole> = {
  generation: "model",
  embedding: "model",
  tool: "tool",
  agent: "aggregate",
  chain: "aggregate",
  evaluator: "aggregate",
  event: "aggregate",
  guardrail: "aggregate",
  retriever: "aggregate",
  span: "aggregate",
};

/** LangSmith (run types), whose operations name prompts and retrievers as model calls. */
const LANGSMITH_KINDS: Record<string, SpanRole> = {
  llm: "model",
  embedding: "model",
  tool: "tool",
  chain: "aggregate",
  parser: "aggregate",
  prompt: "aggregate",
  retriever: "aggregate",
};

/** Genkit (subtypes of actions, else types of spans). */
const GENKIT_TYPES: Record<string, SpanRole> = {
  model: "model",
  embedder: "model",
  reranker: "model",
  tool: "tool",
};

/** Claude Code and Qwen Code, by the last part of the span's name. */
const CODING_AGENT_SPANS: Record<string, SpanRole> = {
  llm_request: "model",
  interaction: "aggregate",
  subagent: "aggregate",
};
const CODING_AGENT_NAME = /^(?:claude_code|qwen-code)\.([a-z_]+)$/;

/** Sums of frameworks that name no operation, by the names of their spans. */
const AGGREGATE_NAME =
  /^(?:agent[ _]run|agent_turn|agent_session|invocation|invoke_agent|running \d+ tools?|session_task)\b/i;

/** OpenLLMetry (TraceloopSpanKindValues). */
const TRACELOOP_KINDS: Record<string, SpanRole> = {
  tool: "tool",
  agent: "aggregate",
  task: "aggregate",
  workflow: "aggregate",
};

/** OpenLLMetry and LiteLLM (`acompletion`, `aembedding`, … when asynchronous). */
const REQUEST_TYPE =
  /^a?(?:chat|completion|text_completion|embeddings?|rerank|responses|anthropic_messages)$/;

/** The AI SDK's spans of one request; their parents have sums. */
const AI_SDK_CALL = /\.do(?:Generate|Stream|Embed|Rerank)$/;

/** The role of a span, from the span alone. */
export function classifySpan(span: Span): SpanRole {
  if (isPending(span)) return "other";
  const role = fromSender(span) ?? fromConventions(span);
  if (role === "tool" && isServedForTracedCaller(span)) return "other";
  if (role !== undefined && role !== "other") return role;
  return isCounted(span) ? "counted" : "other";
}

/**
 * Whether this only announces a span that is still open, with the same attributes under
 * another id (Logfire).
 */
export function isPending({ attributes }: Span): boolean {
  return findText(attributes, ALIASES.logfireType) === "pending_span";
}

/** The role by the names of one sender, which take precedence over the conventions. */
function fromSender(span: Span): SpanRole | undefined {
  const { attributes, name } = span;
  const by = (roles: Record<string, SpanRole>, names: readonly string[]) =>
    roleOf(roles, findText(attributes, names).toLowerCase());
  const [, codingAgentSpan = ""] = CODING_AGENT_NAME.exec(name) ?? [];
  return by(LANGFUSE_TYPES, ALIASES.langfuseType) ??
    by(LANGSMITH_KINDS, ALIASES.langsmithKind) ??
    fromGenkit(span) ??
    roleOf(CODING_AGENT_SPANS, codingAgentSpan) ??
    by({ llm_request: "model" }, ALIASES.codingAgentType) ??
    fromAiSdk(findText(attributes, ALIASES.aiSdkOperation)) ??
    (span.scope === GOOGLE_ADK && name === "call_llm" ? "model" : undefined);
}

/** The role by the semantic conventions and those of instrumentation libraries. */
function fromConventions({ attributes }: Span): SpanRole | undefined {
  return roleOf(
    OPERATIONS,
    findText(attributes, ALIASES.operation).toLowerCase(),
  ) ??
    fromMcp(findText(attributes, ALIASES.mcpMethod)) ??
    roleOf(
      OPEN_INFERENCE_KINDS,
      findText(attributes, ALIASES.openInferenceKind).toUpperCase(),
    ) ??
    roleOf(
      TRACELOOP_KINDS,
      findText(attributes, ALIASES.traceloopKind).toLowerCase(),
    ) ??
    fromRequestType(findText(attributes, ALIASES.requestType));
}

/** Google's Agent Development Kit. */
export const GOOGLE_ADK = "gcp.vertex.agent";

/** Whether a span of no known operation is a call: it counts tokens and names a model. */
function isCounted(span: Span): boolean {
  const { attributes, name } = span;
  if (!countsUsage(attributes) || AGGREGATE_NAME.test(name)) return false;
  if (isClient(span) || isCodex(span)) return true;
  // Mastra sums the calls of a model in spans around them.
  const isSum = findText(attributes, ALIASES.mastraType) !== "";
  return !isSum && findText(attributes, ALIASES.model) !== "";
}

/** Whether a span counts tokens or another unit, by a known name or not. */
function countsUsage(attributes: Attributes): boolean {
  if (countsTokens(attributes)) return true;
  for (const [name, value] of attributes) {
    if (isUsageName(name) && Number(value) > 0 && !isWithoutPrice(name)) {
      return true;
    }
  }
  return false;
}

/** Whether this is a span of Codex, which has the model of a call on an outer span. */
export function isCodex({ scope }: Span): boolean {
  return scope.startsWith("codex");
}

/** Whether a span describes a message of the Model Context Protocol. */
export function isMcpSpan(span: Span): boolean {
  return findText(span.attributes, ALIASES.mcpMethod) !== "";
}

/**
 * Whether this is the server's view of a tool call of a traced caller, who has a span
 * of the same use.
 */
function isServedForTracedCaller(span: Span): boolean {
  return span.kind === SPAN_KIND.server && span.remoteParent;
}

/** OpenRouter sends its client spans with the kind server. */
function isClient(span: Span): boolean {
  return span.kind === SPAN_KIND.client ||
    span.attributes.has("openrouter.provider_slug") ||
    span.attributes.has("openrouter.provider_name");
}

function fromAiSdk(operation: string): SpanRole | undefined {
  if (!operation.startsWith("ai.")) return undefined;
  if (operation === "ai.toolCall") return "tool";
  return AI_SDK_CALL.test(operation) ? "model" : "aggregate";
}

function fromGenkit({ attributes }: Span): SpanRole | undefined {
  const type = findText(attributes, ALIASES.genkitType);
  if (type === "") return undefined;
  return roleOf(GENKIT_TYPES, type) ?? "aggregate";
}

function fromMcp(method: string): SpanRole | undefined {
  if (method === "") return undefined;
  return method === "tools/call" ? "tool" : "other";
}

function fromRequestType(type: string): SpanRole | undefined {
  return REQUEST_TYPE.test(type.toLowerCase()) ? "model" : undefined;
}

/** The role of a name; names are untrusted, so "constructor" must not match. */
function roleOf(
  roles: Record<string, SpanRole>,
  name: string,
): SpanRole | undefined {
  return Object.hasOwn(roles, name) ? roles[name] : undefined;
}
