import { ALIASES, findText } from "./attribute-names.ts";
import { classifySpan, isMcpSpan, type SpanRole } from "./classify-span.ts";
import { readToolName } from "./tool-name.ts";
import type { Attributes, Span } from "./span.ts";
import { findParents, nearestAncestors, NONE } from "./span-tree.ts";
import { countsTokens } from "./token-counts.ts";

/** What an export says happened, each thing once. */
export type LeafCalls = {
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
