import type * as z from "zod";
import { createProblem, ProblemError } from "./problem.ts";

/** Parameters that the platform itself reads from a function's URL. */
const PLATFORM = new Set(["forceFunctionRegion"]);

/** A 400 that names the query parameter at fault, never its value. */
export function refuseParameter(name: string, fault: string): ProblemError {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return new ProblemError(
    createProblem("invalid_parameter", `The query parameter ${shown} ${fault}`),
  );
}

/** @throws {ProblemError} 400 that names a parameter outside of `known`. */
export function requireKnown(query: URLSearchParams, known: string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name) && !PLATFORM.has(name)) {
      throw refuseParameter(
        name,
        `is unknown here. Known are: ${known.join(", ")}`,
      );
    }
  }
}

/**
 * The only value of a parameter, or null when it is not given.
 *
 * @throws {ProblemError} 400 when it is given twice or not as `schema` wants it.
 */
export function readOne<Value>(
  query: URLSearchParams,
  name: string,
  schema: z.ZodType<Value>,
): Value | null {
  const values = query.getAll(name);
  if (values.length === 0) return null;
  if (values.length > 1) throw refuseParameter(name, "is given more than once");
  return parse(name, values[0], schema);
}

/**
 * Every value of a parameter that may be repeated.
 *
 * @throws {ProblemError} 400 when one is not as `schema` wants it.
 */
export function readAll<Value>(
  query: URLSearchParams,
  name: string,
  schema: z.ZodType<Value>,
): Value[] {
  return query.getAll(name).map((value) => parse(name, value, schema));
}

function parse<Value>(
  name: string,
  value: string,
  schema: z.ZodType<Value>,
): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refuseParameter(
    name,
    `is malformed: ${result.error.issues[0].message}`,
  );
}
