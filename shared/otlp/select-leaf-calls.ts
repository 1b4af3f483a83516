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

/** What an export says happened, each thing once. */
type LeafCalls = {
  modelCalls: Span[];
  /** `agents`: names of the agent, of the span, of one around it, of the resource. */
  toolUses: { span: Span; agents: string[] }[];
  /** Spans that are nothing of this, or the same seen from further out or in. */
  ignored: number;
};

/**
 * Picks the spans of an export that are recorded. The spans of one trace may nest
 * views of the same call: a wrapper, an SDK, a gateway.
 *
 * - Of model calls within one another the innermost that count tokens are
 *   recorded; what is around them is a wrapper or a sum. One that counts nothing
 *   below one that does is the same call seen with less detail.
 * - A tool or an agent between two model calls makes them two calls: the inner
 *   one was made while the tool ran.
 * - A span that is a model call only by its tokens (`counted`) gives way to any
 *   other that it contains, and to a named one that contains it.
 * - Of tool spans within one another, with nothing else between them, the
 *   outermost of the same tool is recorded: it is the agent's view.
 *
 * Only spans of the same export can be compared. A call that two senders report,
 * or that one sends in two exports, is recorded twice under two ids.
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
      !isSeenFurtherOut(spans, roles, index, enclosing[index])
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
  /** The model call around each one, when nothing else lies between. */
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

/** Whether the tool span around a tool span is of the same use. */
function isSeenFurtherOut(
  spans: readonly Span[],
  roles: readonly SpanRole[],
  index: number,
  outer: number,
): boolean {
  if (outer === NONE || roles[outer] !== "tool") return false;
  const outerName = readToolName(spans[outer]);
  const name = readToolName(spans[index]);
  if (outerName === name || outerName === "" || name === "") return true;
  // Agents put a server's name in front of the names of its tools.
  return isMcpSpan(spans[index]) && outerName.endsWith(name) &&
    /[^a-z0-9]/i.test(outerName.at(-name.length - 1)!);
}

function readAgents(attributes: Attributes): string[] {
  return [ALIASES.agentId, ALIASES.agentName]
    .map((names) => findText(attributes, names))
    .filter((name) => name !== "");
}

/**
 * What a span is by its own attributes:
 * - `model`: named as one request to a model;
 * - `counted`: not named, but a client's span that counts tokens;
 * - `tool`: one use of a tool;
 * - `aggregate`: an agent, a step, a workflow: its usage is that of its parts;
 * - `other`: nothing that is recorded.
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

/** The AI SDK's spans of one request; what is around them adds up. */
const AI_SDK_CALL = /\.do(?:Generate|Stream|Embed|Rerank)$/;

/** What a span is, as far as it can be told from the span alone. */
function classifySpan(span: Span): SpanRole {
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
function isMcpSpan(span: Span): boolean {
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
