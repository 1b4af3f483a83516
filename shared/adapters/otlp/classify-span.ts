import { ALIASES, findText } from "./attribute-names.ts";
import { type Span, SPAN_KIND } from "./span.ts";
import { countsTokens } from "./token-counts.ts";

/**
 * What a span is by its own attributes:
 * - `model`: named as one request to a model;
 * - `counted`: not named, but a client's span that counts tokens;
 * - `tool`: one use of a tool;
 * - `aggregate`: an agent, a step, a workflow: its usage is that of its parts;
 * - `other`: nothing that is recorded.
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

/** The AI SDK's spans of one request; what is around them adds up. */
const AI_SDK_CALL = /\.do(?:Generate|Stream|Embed|Rerank)$/;

/** What a span is, as far as it can be told from the span alone. */
export function classifySpan(span: Span): SpanRole {
  const { attributes } = span;
  const role = fromAiSdk(findText(attributes, ALIASES.aiSdkOperation)) ??
    own(OPERATIONS, findText(attributes, ALIASES.operation).toLowerCase()) ??
    fromMcp(findText(attributes, ALIASES.mcpMethod)) ??
    own(
      OPEN_INFERENCE_KINDS,
      findText(attributes, ALIASES.openInferenceKind).toUpperCase(),
    ) ??
    own(
      TRACELOOP_KINDS,
      findText(attributes, ALIASES.traceloopKind).toLowerCase(),
    ) ??
    fromRequestType(findText(attributes, ALIASES.requestType));
  if (role === "tool" && isServedForTracedCaller(span)) return "other";
  if (role !== undefined) return role;
  return isClient(span) && countsTokens(attributes) ? "counted" : "other";
}

/** Whether a span describes a message of the Model Context Protocol. */
export function isMcpSpan(span: Span): boolean {
  return findText(span.attributes, ALIASES.mcpMethod) !== "";
}

/**
 * The server's view of a tool call that came in with the caller's trace: the
 * caller has a span of the same use.
 */
function isServedForTracedCaller(span: Span): boolean {
  return span.kind === SPAN_KIND.server && span.remoteParent;
}

/** OpenRouter sends what it did as a server. */
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

function fromMcp(method: string): SpanRole | undefined {
  if (method === "") return undefined;
  return method === "tools/call" ? "tool" : "other";
}

function fromRequestType(type: string): SpanRole | undefined {
  return REQUEST_TYPE.test(type.toLowerCase()) ? "model" : undefined;
}

/** Names come from outside, so that "constructor" must not find anything. */
function own(
  roles: Record<string, SpanRole>,
  name: string,
): SpanRole | undefined {
  return Object.hasOwn(roles, name) ? roles[name] : undefined;
}
