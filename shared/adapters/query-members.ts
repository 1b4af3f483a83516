import { readOne } from "../http/query.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../logs/index.ts";
import type { LogEvent } from "../logs/log.ts";

/**
 * The members of a log's events that the URL of a webhook sets (`urlDefaults` of
 * the log). Adapters fill in what an event leaves out; that of LiteLLM lets the URL
 * take precedence.
 *
 * @throws {ProblemError} 400 that names a parameter that is malformed or given
 * twice: the URL is wrong, whatever is posted to it.
 */
export function readQueryMembers(
  query: URLSearchParams,
  log: LogSlug,
): LogEvent {
  const members: LogEvent = {};
  const { urlDefaults, event } = LOGS_BY_SLUG[log];
  for (const name of urlDefaults) {
    const schema = event.shape[name];
    const value = readOne<unknown>(query, name, schema as never);
    if (value !== null) members[name] = value;
  }
  return members;
}
