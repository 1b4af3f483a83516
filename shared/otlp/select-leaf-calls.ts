import { ALIASES, findText } from "./attributes.ts";
import {
  type Attributes,
  findParents,
  nearestAncestors,
  NONE,
  type Span,
  SPAN_KIND,
} from "./span.ts";
import { countsTokens } from "./token-convention.ts";
import { readToolName } from "./tool-uses.ts";

/** The calls of an export, each once. */
type LeafCalls = {
  modelCalls: Span[];
  /** `agents`: names of the agent, of the span, its nearest ancestor with one, and the resource. */
  toolUses: { span: Span; agents: string[] }[];
  /** The number of other spans, views of the same calls included. */
  ignored: number;
};

/**
 * Selects the spans of an export to record. A trace may nest several views of one
 * call: of a wrapper, an SDK, a gateway.
 *
 * - Of nested model calls, the innermost ones that count tokens are recorded; their
 *   ancestors are wrappers or sums. A descendant without counts is a less detailed
 *   view of the same call.
 * - A tool or an agent between two model calls separates them: the inner call was made
 *   while the tool ran.
 * - A span that is a model call by its tokens only (`counted`) yields to any model call
 *   that it contains, and to a named one that contains it.
 * - Of directly nested spans of one tool, the outermost is recorded: it is the agent's
 *   view.
 *
 * Only spans of one export are compared. A call that two senders report, or one sender
 * in two exports, is recorded twice under two ids.
 */
export function selectLeafCalls(spans: readonly Span[]): LeafCalls {
  const roles = spans.map(classifySpan);
  const parents = findParents(spans);
  const enclosing = nearestAncestors(
    parents,
    (index) => roles[index] !== "other",
  );
  const isModelCall = selectModelCalls(spans, roles, enclosing);
  const agents = nearestAncestors(
    parents,
    (index) => readAgents(spans[index].attributes).length > 0,
  );
  const calls: LeafCalls = { modelCalls: [], toolUses: [], ignored: 0 };
  for (const [index, span] of spans.entries()) {
    if (isModelCall(index)) calls.modelCalls.push(span);
    else if (
      roles[index] === "tool" &&
      !isInnerView(spans, roles, index, enclosing[index])
    ) {
      const around = agents[index] === NONE
        ? []
        : readAgents(spans[agents[index]].attributes);
      const names = [
        ...readAgents(span.attributes),
        ...around,
        ...readAgents(span.resource),
      ];
      calls.toolUses.push({ span, agents: [...new Set(names)] });
    } else calls.ignored++;
  }
  return calls;
}

function selectModelCalls(
  spans: readonly Span[],
  roles: readonly SpanRole[],
  enclosing: readonly number[],
): (index: number) => boolean {
  const isModel = (index: number) =>
    roles[index] === "model" || roles[index] === "counted";
  const counts = spans.map(({ attributes }, index) =>
    isModel(index) && countsTokens(attributes)
  );
  const isNamedCall = (index: number) =>
    roles[index] === "model" && counts[index];
  /** The directly enclosing model call of each span. */
  const direct = enclosing.map((index) =>
    index !== NONE && isModel(index) ? index : NONE
  );
  const outerNamed = nearestAncestors(direct, isNamedCall);
  const outerCounted = nearestAncestors(
    enclosing,
    (index) => roles[index] === "counted",
  );
  const wrappers = new Set<number>();
  for (const index of spans.keys()) {
    if (!isModel(index)) continue;
    if (direct[index] !== NONE && !counts[direct[index]]) {
      wrappers.add(direct[index]);
    }
    if (isNamedCall(index)) wrappers.add(outerNamed[index]);
    if (counts[index]) wrappers.add(outerCounted[index]);
  }
  return (index) =>
    isModel(index) && !wrappers.has(index) &&
    (isNamedCall(index) || outerNamed[index] === NONE ||
      wrappers.has(outerNamed[index]));
}

/** Whether the enclosing tool span is a view of the same tool use. */
function isInnerView(
  spans: readonly Span[],
  roles: readonly SpanRole[],
  index: number,
  outer: number,
): boolean {
  if (outer === NONE || roles[outer] !== "tool") return false;
  const outerName = readToolName(spans[outer]);
  const name = readToolName(spans[index]);
  if (outerName === name || outerName === "" || name === "") return true;
  // Agents prefix the names of tools with the name of their MCP server.
  return isMcpSpan(spans[index]) && outerName.endsWith(name) &&
    /[^a-z0-9]/i.test(outerName.at(-name.length - 1)!);
}

function readAgents(attributes: Attributes): string[] {
  return [ALIASES.agentId, ALIASES.agentName]
    .map((names) => findText(attributes, names))
    .filter((name) => name !== "");
}

/**
 * The role of a span by its own attributes:
 * - `model`: its operation is one request to a model;
 * - `counted`: a client span that counts tokens, without such an operation;
 * - `tool`: one use of a tool;
 * - `aggregate`: an agent, a step or a workflow, whose usage is the sum of its parts;
 * - `other`: not recorded.
 */
type SpanRole = "model" | "counted" | "tool" | "aggregate" | "other";

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

/** The AI SDK's spans of one request; their parents have sums. */
const AI_SDK_CALL = /\.do(?:Generate|Stream|Embed|Rerank)$/;

/** The role of a span, from the span alone. */
function classifySpan(span: Span): SpanRole {
  const { attributes } = span;
  const role = fromAiSdk(findText(attributes, ALIASES.aiSdkOperation)) ??
    roleOf(OPERATIONS, findText(attributes, ALIASES.operation).toLowerCase()) ??
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
  if (role === "tool" && isServedForTracedCaller(span)) return "other";
  if (role !== undefined) return role;
  return isClient(span) && countsTokens(attributes) ? "counted" : "other";
}

/** Whether a span describes a message of the Model Context Protocol. */
function isMcpSpan(span: Span): boolean {
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
