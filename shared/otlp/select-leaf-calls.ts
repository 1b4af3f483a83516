import { ALIASES, findText } from "./attributes.ts";
import {
  classifySpan,
  isCodex,
  isMcpSpan,
  isPending,
  type SpanRole,
} from "./roles.ts";
import {
  type Attributes,
  findParents,
  nearestAncestors,
  NONE,
  type Span,
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
  /** Whether no span of the export has a known role. */
  unrecognized: boolean;
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
  const withModel = nearestAncestors(
    parents,
    (index) => hasModel(spans[index]),
  );
  const calls: LeafCalls = {
    modelCalls: [],
    toolUses: [],
    ignored: 0,
    unrecognized: spans.every((span, index) =>
      roles[index] === "other" && !isPending(span)
    ),
  };
  for (const [index, span] of spans.entries()) {
    if (isModelCall(index)) {
      calls.modelCalls.push(completeModel(span, spans[withModel[index]]));
    } else if (
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
  const outerView = nearestAncestors(direct, (index) => counts[index]);
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
  const isFree = (outer: number) => outer === NONE || wrappers.has(outer);
  return (index) => {
    if (!isModel(index) || wrappers.has(index)) return false;
    if (!counts[index]) return isFree(outerView[index]);
    return isNamedCall(index) || isFree(outerNamed[index]);
  };
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

function hasModel({ attributes }: Span): boolean {
  return findText(attributes, ALIASES.model) !== "";
}

/** A call of Codex with the model of the span around it. */
function completeModel(span: Span, outer: Span | undefined): Span {
  if (!isCodex(span) || hasModel(span) || outer === undefined) return span;
  const attributes = new Map(span.attributes);
  attributes.set(ALIASES.model[0], findText(outer.attributes, ALIASES.model));
  return { ...span, attributes };
}

function readAgents(attributes: Attributes): string[] {
  return [ALIASES.agentId, ALIASES.agentName]
    .map((names) => findText(attributes, names))
    .filter((name) => name !== "");
}
