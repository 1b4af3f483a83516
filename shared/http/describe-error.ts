import { StoreError } from "../db/call-function.ts";
import { redactSecrets } from "../redaction/secrets.ts";
import { type Problem, ProblemError } from "./problem.ts";

/** Errors described of a chain of causes. */
const MAX_DEPTH = 3;

/**
 * Characters of a message and of a stack. The platform truncates a line at 10,000,
 * and a truncated line is not valid JSON.
 */
const MAX_MESSAGE = 800;
const MAX_STACK = 1_800;

/** A code that a program chose, not text: a SQLSTATE, PGRST301, ECONNREFUSED. */
const CODE = /^[A-Z][A-Z0-9_]{2,31}$|^[0-9A-Z]{5}$/;

/** An error as the access log has it. */
export type ErrorDescription = {
  /** The class, such as TypeError. */
  name: string;
  /** Absent where it may repeat content. */
  message?: string;
  /** A SQLSTATE or another code, and the HTTP status of the REST API. */
  reason?: { status?: number; code?: string };
  cause?: ErrorDescription;
  /** The frames, without the message that a stack begins with. */
  stack?: string;
};

/**
 * Describes an error for the access log. Messages of Postgres, of its triggers and of
 * the runtime repeat values: a part of a row, a token's subject, the text around a
 * syntax error. So a message is kept only if its origin is known not to repeat any, and
 * its secrets are redacted even then.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { name: typeof error };
  const { name, message, stack, cause } = error;
  const harmless = findHarmlessMessage(error);
  return {
    name,
    message: harmless === undefined
      ? undefined
      : redactSecrets(harmless).slice(0, MAX_MESSAGE),
    reason: findReason(error),
    cause: cause !== undefined && depth < MAX_DEPTH - 1
      ? describeError(cause, depth + 1)
      : undefined,
    stack: stack && framesOf(stack, message),
  };
}

/** The message of an error, or what may be said of it; undefined where nothing may. */
function findHarmlessMessage(error: Error): string | undefined {
  if (error instanceof StoreError) return describeStoreError(error);
  if (error instanceof ProblemError) return describeProblem(error.problem);
  // A subclass is the runtime's or a package's, whose messages repeat their operands.
  return error.constructor === Error ? error.message : undefined;
}

/** A problem without the pointers of its issues, which have keys of the request. */
function describeProblem({ code, detail, errors }: Problem): string {
  const details = errors?.map((issue) => `${issue.code}: ${issue.detail}`) ??
    [detail];
  return `${code}: ${details.join("; ")}`;
}

/**
 * SQLSTATEs and codes of PostgREST whose messages name at most an object of the schema
 * or a limit of the server (PostgreSQL, appendix A): lost connections, insufficient
 * resources, operator intervention, system errors, a read-only transaction, timeouts,
 * serialization failures, deadlocks, and ours without values.
 */
const HARMLESS =
  /^(?:08|53|57|58)...$|^(?:25006|25P0[34]|40001|40P01|55P03|LF002|PT413|PGRST00[0-3])$/;

/** Classes of SQLSTATEs (PostgreSQL, appendix A), and PostgREST's codes. */
const CLASSES: [RegExp, string][] = [
  [/^PGRST/, "an error of PostgREST"],
  [/^22...$/, "a data exception"],
  [/^23...$/, "an integrity constraint violation"],
  [/^42...$/, "a syntax error or access rule violation"],
  [/^P0...$/, "an exception that a function or trigger raised"],
  [/^XX...$/, "an internal error of Postgres"],
  [/^[0-9A-Z]{5}$/, "another error of Postgres"],
];

function describeStoreError(
  { message, reason: { code = "" }, status }: StoreError,
): string {
  // Without an answer the message is the runtime's, about the connection; one about
  // the syntax of an answer repeats a part of it.
  const isOfConnection = status === 0 && !message.includes("SyntaxError");
  if (isOfConnection || HARMLESS.test(code)) return message;
  const [, kind] = CLASSES.find(([pattern]) => pattern.test(code)) ??
    [null, "an answer that is not the REST API's"];
  return `the database call failed: ${kind}`;
}

function findReason(error: Error): ErrorDescription["reason"] {
  const { reason, code = reason?.code, status } = error as {
    reason?: { code?: unknown };
    code?: unknown;
    status?: unknown;
  };
  const shown = {
    status: typeof status === "number" ? status : undefined,
    code: typeof code === "string" && CODE.test(code) ? code : undefined,
  };
  return Object.values(shown).some((value) => value !== undefined)
    ? shown
    : undefined;
}

/** The frames of a stack; none if its message cannot be told from them. */
function framesOf(stack: string, message: string): string {
  const start = stack.indexOf(message);
  if (start < 0) return "";
  return stack.slice(start + message.length).replace(/^\n/, "")
    .slice(0, MAX_STACK);
}
