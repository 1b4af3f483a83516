import * as z from "zod";
import { type Issue, toPointer } from "../issue.ts";
import { MAX_FAULTS } from "../limits.ts";
import type { EventSchema, LogEvent } from "./log.ts";

/**
 * Validates one event against a log's schema. A null member counts as omitted. Returns
 * all issues at once, none of which repeats a value. `quick` is an equivalent, faster
 * schema for valid events.
 */
export function validateEvent(
  schema: z.ZodType<LogEvent>,
  value: unknown,
  quick: z.ZodType<LogEvent> = schema,
): { event: LogEvent; issues: [] } | { event: null; issues: Issue[] } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const detail =
      "Expected an object with the members that the OpenAPI document lists";
    return {
      event: null,
      issues: [{ pointer: "", code: "invalid_type", detail }],
    };
  }
  const sent = withoutNulls(value as LogEvent);
  let result = quick.safeParse(sent);
  if (!result.success && quick !== schema) result = schema.safeParse(sent);
  if (result.success) return { event: result.data, issues: [] };
  const issues = result.error.issues.flatMap((zodIssue) =>
    toIssues(zodIssue, sent)
  );
  return { event: null, issues: issues.slice(0, MAX_FAULTS) };
}

function withoutNulls(value: LogEvent): LogEvent {
  if (!Object.values(value).includes(null)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null),
  );
}

function toIssues(zodIssue: z.core.$ZodIssue, sent: LogEvent): Issue[] {
  if (zodIssue.code === "unrecognized_keys") {
    const detail = "Is unknown; check the spelling";
    return zodIssue.keys.map((key) => ({
      pointer: toPointer([...zodIssue.path, key]),
      code: "unknown_field",
      detail,
    }));
  }
  const pointer = toPointer(zodIssue.path);
  const isMissing = zodIssue.path.length === 1 &&
    sent[String(zodIssue.path[0])] === undefined;
  return [{
    pointer,
    code: isMissing ? "required" : issueCode(zodIssue),
    detail: isMissing ? `Is required. ${zodIssue.message}` : zodIssue.message,
  }];
}

/** The code of an issue for a zod issue; a custom check may set its own. */
function issueCode(zodIssue: z.core.$ZodIssue): string {
  switch (zodIssue.code) {
    case "invalid_type":
      return zodIssue.expected === "never" ? "not_allowed" : "invalid_type";
    case "too_small":
    case "too_big":
      return zodIssue.origin === "string" ? "invalid_length" : "out_of_range";
    case "custom":
      return typeof zodIssue.params?.code === "string"
        ? zodIssue.params.code
        : "invalid_value";
    default:
      return "invalid_value";
  }
}

/** A schema, and an equivalent that is faster for valid events; both can be the same. */
type CompiledEvent = { schema: EventSchema; quick: EventSchema };

/** Compilation takes some milliseconds, once per schema and instance. */
const compiledEvents = new WeakMap<EventSchema, CompiledEvent>();

/**
 * Compiles a log's schema. Where the runtime forbids code generation, the result is
 * only as fast as the schema.
 */
export function compileEvent(schema: EventSchema): CompiledEvent {
  let compiled = compiledEvents.get(schema);
  if (compiled === undefined) {
    compiled = compile(schema);
    compiledEvents.set(schema, compiled);
  }
  return compiled;
}

/**
 * Checks with `when`, which lets them run after other issues, cannot be compiled. For
 * a valid event they run in any case, so `quick` has them without `when`.
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
