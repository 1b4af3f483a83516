import * as z from "zod";
import type { EventSchema } from "./log.ts";

/** A schema, and one that accepts the same and is faster; both can be the same. */
export type CompiledEvent = { schema: EventSchema; quick: EventSchema };

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
