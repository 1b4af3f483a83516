import { spanEventId } from "../ingest/ids.ts";
import { MAX_ERROR_MESSAGE, MAX_SPAN_ERROR_TEXT } from "../limits.ts";
import { toDecimalText } from "../pricing/decimals.ts";
import { redactSecrets } from "../redaction/secrets.ts";
import {
  ALIASES,
  explainMissing,
  findAttribute,
  findSetting,
  findText,
  type LedgerSettings,
} from "./attributes.ts";
import { readTokens, type TokenUsage } from "./read-tokens.ts";
import { countsTokens } from "./token-convention.ts";
import { isCodex } from "./roles.ts";
import { sourceConvention } from "./source-convention.ts";
import {
  type Attributes,
  formatNanoseconds,
  readDuration,
  type Span,
} from "./span.ts";

/** An event of llm-usage, not yet validated by the log's schema. */
export type ModelCallEvent = TokenUsage & SpanStatus & {
  id: string;
  firm_id: string;
  cma_project_id?: string;
  model: string;
  task_type: string;
  /**
   * US dollars, a decimal of any scale without exponent: spans carry doubles
   * such as 0.0001234567. Omitted if the span has no cost.
   */
  reported_cost_usd?: string;
  latency_ms?: number;
  /** The end of the span, in UTC with microseconds. */
  created_at: string;
  /** As the sender wrote it. */
  provider?: string;
  service_tier?: string;
};

/** The event of a model call's span, or the reason why the span is rejected. */
export async function readModelCall(
  span: Span,
  url: LedgerSettings,
): Promise<{ event: ModelCallEvent } | { reason: string }> {
  const firm_id = findSetting("firm_id", span, url);
  if (firm_id === undefined) return { reason: explainMissing("firm_id") };
  const task_type = findSetting("task_type", span, url);
  if (task_type === undefined) return { reason: explainMissing("task_type") };
  const { provider, model } = readModel(span);
  if (model === "") return { reason: explainModel(span) };
  if (span.end === null) return { reason: MISSING_END };
  const status = readSpanStatus(span);
  const declared = findSetting("token_convention", span, url);
  if (!isConvention(declared)) {
    return {
      reason: "ledger.token_convention is neither inclusive nor exclusive",
    };
  }
  const usage = readTokens(
    span,
    status.success,
    sourceConvention(span, declared),
  );
  if ("reason" in usage) return usage;
  const event: ModelCallEvent = {
    id: await spanEventId("llm-usage", span),
    firm_id,
    cma_project_id: findSetting("cma_project_id", span, url),
    model,
    task_type,
    ...usage.tokens,
    reported_cost_usd: readChargedCost(span.attributes, model),
    latency_ms: readDuration(span),
    ...status,
    created_at: formatNanoseconds(span.end),
    provider: provider || undefined,
    service_tier: readServiceTier(span.attributes) ?? usage.tokens.service_tier,
  };
  return { event: withoutUndefined(event) };
}

/** The reason to reject a span without an end. */
export const MISSING_END =
  `endTimeUnixNano is not set: send the nanoseconds since 1970 at which the span ended`;

/** The reason and the remedy for a missing model. */
function explainModel(span: Span): string {
  const missing = `${ALIASES.model[0]} is not set`;
  return isCodex(span)
    ? `${missing}: export the span with the spans around it, of which one names the model`
    : `${missing}: set it, or gen_ai.request.model`;
}

/** An object without the members that are undefined. */
export function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as T;
}

function isConvention(
  value: string | undefined,
): value is "inclusive" | "exclusive" | undefined {
  return value === undefined || value === "inclusive" || value === "exclusive";
}

/** Whether the operation of a span succeeded, and its error message. */
type SpanStatus = { success: boolean; error_message?: string };

/**
 * The status of a span: a failure if its status code is an error, if it has an
 * `error.type`, when `error` is a finish reason, if it has an exception but no usage, or
 * as a sender's own attribute says. The message is that of the status, else the sender's,
 * else the type, redacted and truncated to `MAX_SPAN_ERROR_TEXT` characters.
 */
function readSpanStatus(
  { failed, statusMessage, hasException, attributes }: Span,
): SpanStatus {
  const type = findText(attributes, ALIASES.errorType);
  const reasons = findAttribute(attributes, ALIASES.finishReasons)?.value;
  const aborted = Array.isArray(reasons) && reasons.includes("error");
  // An exception may have been handled, unless the call has no usage.
  const isUnfinished = hasException === true && !countsTokens(attributes);
  const isFailed = failed || type !== "" || aborted || isUnfinished ||
    saysFailed(attributes);
  if (!isFailed) return { success: true };
  const own = findText(attributes, [
    ...ALIASES.langfuseMessage,
    ...ALIASES.codingAgentError,
  ]);
  // Redacted before truncating, because a truncated secret is not recognised.
  const text = redactSecrets(
    (statusMessage || own || type).slice(0, MAX_ERROR_MESSAGE),
  )
    .slice(0, MAX_SPAN_ERROR_TEXT).toWellFormed().trim();
  return text === ""
    ? { success: false }
    : { success: false, error_message: text };
}

/** Whether an attribute of Langfuse, Genkit, Claude Code or Qwen Code says that a call failed. */
function saysFailed(attributes: Attributes): boolean {
  const success = findAttribute(attributes, ALIASES.codingAgentSuccess)?.value;
  return findText(attributes, ALIASES.langfuseLevel) === "ERROR" ||
    findText(attributes, ALIASES.genkitState) === "error" ||
    success === false || success === "false";
}

/** The model and its provider, as the sender wrote them; "" for one that is missing. */
function readModel({ attributes }: Span): { provider: string; model: string } {
  const provider = findText(attributes, ALIASES.provider);
  const model = findText(attributes, ALIASES.model);
  if (model !== "") return { provider, model };
  // Genkit prefixes the name of a model with its plugin.
  const [, plugin = "", name = ""] =
    /^([^/]+)\/(.+)$/s.exec(findText(attributes, ALIASES.genkitName)) ?? [];
  return {
    provider: provider || (plugin === "googleai" ? "google" : plugin),
    model: name,
  };
}

/** Claude Code's fast mode has prices of its own. */
function readServiceTier(attributes: Attributes): string | undefined {
  const isFast = findText(attributes, ALIASES.codingAgentSpeed) === "fast";
  return findText(attributes, ALIASES.serviceTier) ||
    (isFast ? "fast" : undefined);
}

/**
 * The reported cost of a model call. A cost of 0 is no charge but says that the sender
 * did not bill the call, or does not know its price; only free models cost nothing.
 */
function readChargedCost(
  attributes: Attributes,
  model: string,
): string | undefined {
  const cost = readReportedCost(attributes);
  if (cost === undefined || Number(cost) > 0 || model.endsWith(":free")) {
    return cost;
  }
  const upstream = readReportedCost(attributes, ALIASES.upstreamCost);
  return Number(upstream) > 0 ? upstream : undefined;
}

/**
 * The cost of a span in US dollars, as a decimal string without exponent: the digits
 * of a text, or the shortest decimal of a double. Undefined for a missing, negative,
 * infinite or malformed cost.
 */
export function readReportedCost(
  attributes: Attributes,
  names: readonly string[] = ALIASES.cost,
): string | undefined {
  const value = findAttribute(attributes, names)?.value;
  // Text may have an exponent, as senders write doubles.
  const text = toDecimalText(value) ??
    (typeof value === "string" ? toDecimalText(Number(value)) : null);
  return text === null || text.startsWith("-") ? undefined : text;
}
