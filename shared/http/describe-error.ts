import { redactSecrets } from "../redaction/secrets.ts";
import { StoreError } from "../db/store-error.ts";

/** Depth of nested causes to describe. */
const MAX_DEPTH = 3;

/**
 * Characters of a message and of a stack. The platform truncates a line at 10,000,
 * and a truncated line is not valid JSON.
 */
const MAX_MESSAGE = 800;
const MAX_STACK = 1_800;

/** All that is known of an error, for our own log. */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return shorten(String(error));
  const { name, message, stack, cause } = error;
  const reason = error instanceof StoreError
    // Postgres's details can repeat stored values.
    ? { status: error.status, code: error.reason.code }
    : undefined;
  return {
    name,
    message: shorten(message),
    reason,
    cause: cause && depth < MAX_DEPTH - 1
      ? describeError(cause, depth + 1)
      : undefined,
    stack: stack && framesOf(stack),
  };
}

function shorten(message: string): string {
  return redactSecrets(message).slice(0, MAX_MESSAGE);
}

/** A stack without the message that it begins with. */
function framesOf(stack: string): string {
  const start = stack.indexOf("\n    at ");
  return stack.slice(start + 1, start + 1 + MAX_STACK);
}
