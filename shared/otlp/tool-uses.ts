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
 * An event of tool-usage, not yet validated by the log's schema. The log has no
 * column for success, so a failed use counts as a use.
 */
type ToolUseEvent = {
  id: string;
  /** Set by the sender, else looked up by name. */
  agent_id?: string;
  /** As `agent_id`. */
  tool_id?: string;
  venture_id?: string;
  tokens_consumed?: number;
  /** US dollars, a decimal string; validation rejects more than six decimals. */
  cost_usd?: string;
  execution_ms?: number;
  /** The end of the span, in UTC with microseconds. */
  created_at: string;
};

/** Names to look up in the registries for missing ids. */
type ToolUseLookups = {
  /** Name of the tool; omitted if `tool_id` is set or the span has no name. */
  tool?: string;
  /** Names of the agent, by precedence; omitted likewise for `agent_id`. */
  agents?: string[];
};

/** A tool use before the look-up of its names. */
type ToolUse = { event: ToolUseEvent; lookups: ToolUseLookups };

/** The event of a tool use's span, or the reason why the span is rejected. */
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

/** The span's total; validation rejects a number that is not a count. */
function readTokensConsumed({ attributes }: Span): number | undefined {
  const total = findAttribute(attributes, ALIASES.total)?.value;
  return typeof total === "number" ? total : undefined;
}

/** Ids of the rows of a registry by name. */
type Registry = ReadonlyMap<string, readonly string[]>;

/** A tool use with its span. */
export type SpanToolUse = ToolUse & { spanId: string };

/** A tool use with the ids of its agent and tool. */
type CompleteToolUse = {
  spanId: string;
  event: ToolUseEvent & { agent_id: string; tool_id: string };
};

/** The distinct names of an export to look up. */
export function collectNames(
  uses: readonly SpanToolUse[],
): { agents: string[]; tools: string[] } {
  const agents = uses.flatMap(({ lookups }) => lookups.agents ?? []);
  const tools = uses.flatMap(({ lookups }) => lookups.tool ?? []);
  return { agents: [...new Set(agents)], tools: [...new Set(tools)] };
}

/**
 * Sets the ids of each tool use from its names. A use whose agent or tool stays
 * unknown is rejected with a remedy.
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

/** The id of the first name with exactly one row. */
function findId(
  names: readonly string[],
  registry: Registry,
): string | undefined {
  for (const name of names) {
    const ids = registry.get(name);
    if (ids?.length === 1) return ids[0];
  }
}

/** Span names with the name of a tool, by the semantic conventions and OpenLLMetry. */
const SPAN_NAME = /^(?:execute_tool|tools\/call)\s+(\S.*)$|^(\S.*)\.tool$/;

/** The name of a span's tool; "" if it has none. */
export function readToolName({ attributes, name }: Span): string {
  const found = findText(attributes, ALIASES.toolName) ||
    findText(attributes, ALIASES.genkitName);
  if (found !== "") return found;
  // Langfuse and LangSmith name the span itself after the tool.
  if (findText(attributes, ALIASES.langfuseType) === "tool") return name.trim();
  if (findText(attributes, ALIASES.langsmithKind) === "tool") {
    return name.trim();
  }
  const [, convention, openLLMetry] = SPAN_NAME.exec(name.trim()) ?? [];
  return convention ?? openLLMetry ?? "";
}
