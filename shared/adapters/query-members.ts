import { readOne } from "../endpoint/query.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";

/**
 * What a webhook's URL may say of events, by log: whom they belong to and what
 * they are part of, never what was counted. It fills in what an event does not
 * say; of LiteLLM's calls it decides.
 */
export const QUERY_MEMBERS: Record<LogSlug, readonly string[]> = {
  "llm-usage": ["firm_id", "cma_project_id", "task_type"],
  "tool-usage": ["agent_id", "tool_id", "venture_id"],
  "model-usage": ["session_id", "sd_id", "phase", "subagent_type"],
  "audit": ["firm_id", "user_id"],
};

/**
 * The members that the query says.
 *
 * @throws {ProblemError} 400 that names a parameter that is malformed or given
 * twice: the URL is wrong, whatever is posted to it.
 */
export function readQueryMembers(
  query: URLSearchParams,
  log: LogSlug,
): LogEvent {
  const members: LogEvent = {};
  for (const name of QUERY_MEMBERS[log]) {
    const schema = LOGS_BY_SLUG[log].event.shape[name];
    const value = readOne<unknown>(query, name, schema as never);
    if (value !== null) members[name] = value;
  }
  return members;
}
