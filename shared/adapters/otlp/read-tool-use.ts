import { ALIASES, findAttribute } from "./attribute-names.ts";
import { findSetting, type LedgerSettings } from "./ledger-settings.ts";
import { NO_END, withoutUndefined } from "./read-model-call.ts";
import { readReportedCost } from "./reported-cost.ts";
import type { Span } from "./span.ts";
import { spanEventId } from "./span-id.ts";
import { formatNanoseconds, readDuration } from "./span-time.ts";
import { readToolName } from "./tool-name.ts";

/**
 * An event of tool-usage, not yet validated by the log's schema. The ledger has
 * no column for success: a use that failed is a use.
 */
export type ToolUseEvent = {
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
export type ToolUseLookups = {
  /** Name of the tool; left out when `tool_id` is set or no name is known. */
  tool?: string;
  /** Names of the agent, best first; as `tool` for `agent_id`. */
  agents?: string[];
};

/** A tool use that needs its names looked up before it is an event. */
export type ToolUse = { event: ToolUseEvent; lookups: ToolUseLookups };

/** Turns the span of a tool use into an event, or says what it lacks. */
export async function readToolUse(
  { span, agents }: { span: Span; agents: string[] },
  url: LedgerSettings,
): Promise<ToolUse | { reason: string }> {
  if (span.end === null) return { reason: NO_END };
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
