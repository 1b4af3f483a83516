import type { Fault } from "../../fault.ts";
import { ALIASES, LEDGER_NAMES } from "./attribute-names.ts";
import { MAX_EXPORT_ERROR_MESSAGE } from "../../limits.ts";
import type { Rejection } from "./span.ts";

/** Spans that are named for one reason; the others are only counted. */
const MAX_NAMED = 3;

/** The attribute that a member of an event comes from. */
const ATTRIBUTES: Record<string, string> = {
  ...Object.fromEntries(LEDGER_NAMES.map((name) => [name, `ledger.${name}`])),
  model: ALIASES.model[0],
  provider: ALIASES.provider[0],
  service_tier: ALIASES.serviceTier[0],
  input_tokens: ALIASES.input[0],
  output_tokens: ALIASES.output[0],
  tokens_consumed: ALIASES.total[0],
  reported_cost_usd: ALIASES.cost[0],
  cost_usd: ALIASES.cost[0],
  error_message: "status.message",
  latency_ms: "startTimeUnixNano",
  execution_ms: "startTimeUnixNano",
  created_at: "endTimeUnixNano",
};

/**
 * One text for all rejections: how many spans, then each reason once with its
 * count and the ids of some of its spans. At most `MAX_EXPORT_ERROR_MESSAGE` characters;
 * reasons that do not fit are counted.
 */
export function explainRejections(rejected: readonly Rejection[]): string {
  const byReason = new Map<string, (string | null)[]>();
  for (const { spanId, reason } of rejected) {
    const spans = byReason.get(reason);
    if (spans === undefined) byReason.set(reason, [spanId]);
    else spans.push(spanId);
  }
  const noun = rejected.length === 1 ? "span was" : "spans were";
  let text = `${rejected.length} ${noun} not recorded.`;
  let left = byReason.size;
  for (const [reason, spans] of byReason) {
    const sentence = ` ${explainReason(reason, spans)}`;
    if (text.length + sentence.length > MAX_EXPORT_ERROR_MESSAGE - 50) break;
    text += sentence;
    left--;
  }
  return left === 0 ? text : `${text} There are ${left} more reasons.`;
}

/** The faults of an event as one reason, by the names that a span has for them. */
export function explainFaults(faults: readonly Fault[]): string {
  return faults.map(({ pointer, detail }) => {
    const [, member = ""] = pointer.split("/");
    const attribute = Object.hasOwn(ATTRIBUTES, member)
      ? ATTRIBUTES[member]
      : member;
    return attribute === "" ? detail : `${attribute}: ${detail}`;
  }).join("; ");
}

function explainReason(reason: string, spans: (string | null)[]): string {
  const named = spans.filter((id) => id !== null).slice(0, MAX_NAMED);
  const more = named.length > 0 && named.length < spans.length ? ", …" : "";
  const ids = named.length === 0 ? "" : ` (${named.join(", ")}${more})`;
  return `${spans.length}×${ids}: ${reason}.`;
}
