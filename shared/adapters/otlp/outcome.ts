import { redactSecrets } from "../../redaction/secrets.ts";
import { ALIASES, findAttribute, findText } from "./attribute-names.ts";
import { MAX_SPAN_ERROR_TEXT } from "../../limits.ts";
import type { Span } from "./span.ts";

/** Characters of a status message that are looked at. */
const MAX_READ = 16_384;

/** Whether the operation of a span succeeded, and what went wrong if not. */
export type Outcome = { success: boolean; error_message?: string };

/**
 * The outcome of a span: a failure when its status is an error, when it has an
 * `error.type`, or when a model call finished for an error. The text is that of
 * the status, else the type; without secrets, and cut off at `MAX_SPAN_ERROR_TEXT`.
 */
export function readOutcome(
  { failed, statusMessage, attributes }: Span,
): Outcome {
  const type = findText(attributes, ALIASES.errorType);
  const reasons = findAttribute(attributes, ALIASES.finishReasons)?.value;
  const aborted = Array.isArray(reasons) && reasons.includes("error");
  if (!failed && type === "" && !aborted) return { success: true };
  // Redacted before it is cut off: half of a secret would not be recognised.
  const text = redactSecrets((statusMessage || type).slice(0, MAX_READ))
    .slice(0, MAX_SPAN_ERROR_TEXT).toWellFormed().trim();
  return text === ""
    ? { success: false }
    : { success: false, error_message: text };
}
