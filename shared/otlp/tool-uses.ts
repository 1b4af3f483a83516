import { spanEventId } from "../ingest/ids.ts";
import {
  ALIASES,
  explainMissing,
  findAttribute,
  findSetting,
  findText,
  type LedgerSettings,
} from "./attributes.ts";
import {
  MISSING_END,
  readReportedCost,
  withoutUndefined,
} from "./model-calls.ts";
import {
  formatNanoseconds,
  readDuration,
  type Rejection,
  type Span,
} from "./span.ts";

/**
 * An event of tool-usage, not yet validated by the log's schema. The ledger has
 * no column for success: a use that failed is a use.
 */
type ToolUseEvent = {
  id: string;
  /** Set, or to be found by name. */
  agent_id?: string;
  /** As `agent_id`. */
  tool_id?: string;
  venture_id?: string;
  tokens_consumed?: number;
  /** US dollars, a decimal string; of more than six decimals it is refused later. */
  cost_usd?: string;
  execution_ms?: number;
  /** The end of the span, in UTC with microseconds. */
  created_at: string;
};

/** Names whose rows in the registries give the ids that an event lacks. */
type ToolUseLookups = {
  /** Name of the tool; left out when `tool_id` is set or no name is known. */
  tool?: string;
  /** Names of the agent, best first; as `tool` for `agent_id`. */
  agents?: string[];
};

/** A tool use that needs its names looked up before it is an event. */
type ToolUse = { event: ToolUseEvent; lookups: ToolUseLookups };

/** Turns the span of a tool use into an event, or says what it lacks. */
export async function readToolUse(
  { span, agents }: { span: Span; agents: string[] },
  url: LedgerSettings,
): Promise<ToolUse | { reason: string }> {
  if (span.end === null) return { reason: MISSING_END };
  const event: ToolUseEvent = withoutUndefined({
    id: await spanEventId("tool-usage", span),
    agent_id: findSetting("agent_id", span, url),
    tool_id: findSetting("tool_id", span, url),
    venture_id: findSetting("venture_id", span, url),
    tokens_consumed: readTokensConsumed(span),
    cost_usd: readReportedCost(span.attributes),
    execution_ms: readDuration(span),
    created_at: formatNanoseconds(span.end),
  });
  const lookups: ToolUseLookups = {};
  const tool = readToolName(span);
  if (event.tool_id === undefined && tool !== "") lookups.tool = tool;
  if (event.agent_id === undefined && agents.length > 0) {
    lookups.agents = agents;
  }
  return { event, lookups };
}

/** The span's total; the validation rejects a number that is not a count. */
function readTokensConsumed({ attributes }: Span): number | undefined {
  const total = findAttribute(attributes, ALIASES.total)?.value;
  return typeof total === "number" ? total : undefined;
}

/** Ids of the rows of a registry by name. */
type Registry = ReadonlyMap<string, readonly string[]>;

/** A tool use, and the span that it comes from. */
export type SpanToolUse = ToolUse & { spanId: string };

/** A tool use whose agent and tool are known. */
type CompleteToolUse = {
  spanId: string;
  event: ToolUseEvent & { agent_id: string; tool_id: string };
};

/** The names to be looked up for a whole export, each once. */
export function collectNames(
  uses: readonly SpanToolUse[],
): { agents: string[]; tools: string[] } {
  const agents = uses.flatMap(({ lookups }) => lookups.agents ?? []);
  const tools = uses.flatMap(({ lookups }) => lookups.tool ?? []);
  return { agents: [...new Set(agents)], tools: [...new Set(tools)] };
}

/**
 * Gives each tool use the ids that its names stand for. A use whose agent or tool
 * stays unknown is rejected with a reason that says what to set.
 */
export function completeToolUses(
  uses: readonly SpanToolUse[],
  registries: { agents: Registry; tools: Registry },
): { uses: CompleteToolUse[]; rejected: Rejection[] } {
  const complete: CompleteToolUse[] = [];
  const rejected: Rejection[] = [];
  for (const { spanId, event, lookups } of uses) {
    const agent_id = event.agent_id ??
      findId(lookups.agents ?? [], registries.agents);
    const tool_id = event.tool_id ??
      findId(
        lookups.tool === undefined ? [] : [lookups.tool],
        registries.tools,
      );
    if (agent_id === undefined) {
      const known = lookups.agents !== undefined;
      rejected.push({ spanId, reason: known ? UNKNOWN_AGENT : NO_AGENT });
    } else if (tool_id === undefined) {
      const known = lookups.tool !== undefined;
      rejected.push({ spanId, reason: known ? UNKNOWN_TOOL : NO_TOOL });
    } else {
      complete.push({ spanId, event: { ...event, agent_id, tool_id } });
    }
  }
  return { uses: complete, rejected };
}

const NO_AGENT = `${
  explainMissing("agent_id")
}, or name an agent of the registry in gen_ai.agent.name`;
const NO_TOOL = `${
  explainMissing("tool_id")
}, or name a tool of the registry in gen_ai.tool.name`;
const UNKNOWN_AGENT =
  "gen_ai.agent.id and gen_ai.agent.name name no agent of the registry, or several: register it, or set ledger.agent_id";
const UNKNOWN_TOOL =
  "gen_ai.tool.name names no tool of the registry, or several: register it, or set ledger.tool_id";

/** The id of the first name that stands for exactly one row. */
function findId(
  names: readonly string[],
  registry: Registry,
): string | undefined {
  for (const name of names) {
    const ids = registry.get(name);
    if (ids?.length === 1) return ids[0];
  }
}

/** Span names that hold the name of a tool, by the conventions and OpenLLMetry. */
const SPAN_NAME = /^(?:execute_tool|tools\/call)\s+(\S.*)$|^(\S.*)\.tool$/;

/** The name of the tool that a span used, "" when it says none. */
export function readToolName({ attributes, name }: Span): string {
  const found = findText(attributes, ALIASES.toolName);
  if (found !== "") return found;
  const [, convention, openLLMetry] = SPAN_NAME.exec(name.trim()) ?? [];
  return convention ?? openLLMetry ?? "";
}
