import { EVENTS } from "../support/running-stack.ts";
import type { Sent } from "./exactly-once.ts";

/** An event of llm_usage_log with a unique mark. */
export type MarkedEvent =
  & Omit<(typeof EVENTS)["llm-usage"], "input_tokens" | "cost_usd">
  & { id: string; input_tokens: number; cost_usd: string };

/** An event with a mark, under an id of its own or the given one. */
export function makeEvent(
  mark: number,
  id: string = crypto.randomUUID(),
): MarkedEvent {
  const cost = `0.${String(mark * 7 % 1_000_000).padStart(6, "0")}`;
  return { ...EVENTS["llm-usage"], id, input_tokens: mark, cost_usd: cost };
}

/** Events with the marks from `from` on. */
export function makeEvents(from: number, count: number): MarkedEvent[] {
  return Array.from({ length: count }, (_, n) => makeEvent(from + n));
}

/** The members of an event that the check compares. */
export function toSent(event: MarkedEvent): Sent & { id: string } {
  return { id: event.id, mark: event.input_tokens, cost: event.cost_usd };
}

/** POSTs a batch of llm-usage as a service. */
export function postBatch(
  url: string,
  secretKey: string,
  events: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: {
      apikey: secretKey,
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(events),
  });
}
