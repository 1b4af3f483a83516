import type { AdaptedEvent, Delivery } from "../../shared/webhooks/adapter.ts";
import { LOGS_BY_SLUG, type LogSlug } from "../../shared/logs/index.ts";
import type { Issue } from "../../shared/issue.ts";
import { validateEvent } from "../../shared/logs/validate-event.ts";

export const FIRM = "10000000-0000-4000-8000-000000000001";
export const OTHER_FIRM = "10000000-0000-4000-8000-000000000002";
export const USER = "20000000-0000-4000-8000-000000000001";
export const PROJECT = "30000000-0000-4000-8000-000000000001";

/** A delivery of text, or of a value as JSON. */
export function deliver(
  body: unknown,
  { query = "", headers = {} }: {
    query?: string;
    headers?: Record<string, string>;
  } = {},
): Delivery {
  return {
    text: typeof body === "string" ? body : JSON.stringify(body),
    headers: new Headers(headers),
    query: new URLSearchParams(query),
  };
}

/** Issues as "pointer code", which is what programs switch on. */
export function codesOf({ issues }: { issues: readonly Issue[] }): string[] {
  return issues.map(({ pointer, code }) => `${pointer} ${code}`);
}

/** The issues that its log finds in an event. */
export function validate(
  { event }: Pick<AdaptedEvent, "event">,
  log: LogSlug,
): Issue[] {
  return validateEvent(LOGS_BY_SLUG[log].event, event).issues;
}
