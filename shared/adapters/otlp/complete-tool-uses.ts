import { explainMissing } from "./ledger-settings.ts";
import type { ToolUse, ToolUseEvent } from "./read-tool-use.ts";
import type { Rejection } from "./span.ts";

/** Ids of the rows of a registry by name. */
export type Registry = ReadonlyMap<string, readonly string[]>;

/** A tool use, and the span that it comes from. */
export type SpanToolUse = ToolUse & { spanId: string };

/** A tool use whose agent and tool are known. */
export type CompleteToolUse = {
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
