import * as z from "zod";
import { type Issue, toPointer } from "../issue.ts";
import { MAX_FAULTS } from "../limits.ts";
import type { EventSchema, LogEvent } from "./log.ts";

/**
 * Checks one event against a log's schema. A member that is null counts as left
 * out. All issues are returned at once, none of them repeating a value. `quick`,
 * which accepts the same, is asked first.
 */
export function validateEvent(
  schema: z.ZodType<LogEvent>,
  value: unknown,
  quick: z.ZodType<LogEvent> = schema,
): { event: LogEvent; issues: [] } | { event: null; issues: Issue[] } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const detail = "Expected an object with the columns of the log as keys";
    return {
      event: null,
      issues: [{ pointer: "", code: "invalid_type", detail }],
    };
  }
  const sent = withoutNulls(value as LogEvent);
  let result = quick.safeParse(sent);
  if (!result.success && quick !== schema) result = schema.safeParse(sent);
  if (result.success) return { event: result.data, issues: [] };
  const issues = result.error.issues.flatMap((issue) => toIssues(issue, sent));
  return { event: null, issues: issues.slice(0, MAX_FAULTS) };
}

function withoutNulls(value: LogEvent): LogEvent {
  if (!Object.values(value).includes(null)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null),
  );
}

function toIssues(issue: z.core.$ZodIssue, sent: LogEvent): Issue[] {
  if (issue.code === "unrecognized_keys") {
    const detail = "This log has no such field; check the spelling";
    return issue.keys.map((key) => ({
      pointer: toPointer([...issue.path, key]),
      code: "unknown_field",
      detail,
    }));
  }
  const pointer = toPointer(issue.path);
  const missing = issue.path.length === 1 &&
    sent[String(issue.path[0])] === undefined;
  return [{
    pointer,
    code: missing ? "required" : issueCode(issue),
    detail: missing ? `Is required. ${issue.message}` : issue.message,
  }];
}

/** Our code for a zod issue; a custom check may bring its own. */
function issueCode(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "never" ? "not_allowed" : "invalid_type";
    case "too_small":
    case "too_big":
      return issue.origin === "string" ? "invalid_length" : "out_of_range";
    case "custom":
      return typeof issue.params?.code === "string"
        ? issue.params.code
        : "invalid_value";
    default:
      return "invalid_value";
  }
}

/** A schema, and one that accepts the same and is faster; both can be the same. */
type CompiledEvent = { schema: EventSchema; quick: EventSchema };

/** Compiling takes some milliseconds, once for each schema and instance. */
const known = new WeakMap<EventSchema, CompiledEvent>();

/**
 * A log's schema with a quick way for events that are acceptable. Where code may
 * not be made at run time, it is only as quick as the schema.
 */
export function compileEvent(schema: EventSchema): CompiledEvent {
  let compiled = known.get(schema);
  if (compiled === undefined) {
    compiled = compile(schema);
    known.set(schema, compiled);
  }
  return compiled;
}

/**
 * Checks with `when`, which says whether they run although something is wrong,
 * cannot be compiled. Where nothing is wrong they run in any case.
 */
function compile(schema: EventSchema): CompiledEvent {
  const { checks = [] } = schema.def;
  if (!checks.some((check) => check._zod.def.when)) {
    const compiled = z.compile(schema);
    return { schema: compiled, quick: compiled };
  }
  const unconditional = schema.clone({ ...schema.def, checks: [] }).check(
    ...checks.map(({ _zod: { check } }) => (payload: z.core.ParsePayload) =>
      void check(payload as never)
    ),
  );
  return { schema, quick: z.compile(unconditional) };
}
