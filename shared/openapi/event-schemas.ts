import * as z from "zod";
import { MAX_EVENTS } from "../limits.ts";
import type { EventSchema, Log } from "../logs/log.ts";
import { nameOf } from "./name-of.ts";

/** What may be sent to a log, by the names of the schemas in the document. */
export function eventSchemas(log: Log): Record<string, z.ZodType> {
  const name = nameOf(log);
  const schemas: Record<string, z.ZodType> = {};
  const event = schemas[`${name}Event`] = asSent(log.event)
    .describe(`${log.description}, as a service sends it`);
  let one: z.ZodType = event;
  if (log.userWrites !== null) {
    const own = schemas[`${name}UserEvent`] = asSent(log.userWrites.event)
      .describe(`${log.description}, as a signed-in user sends it`);
    one = z.union([event, own]);
  }
  const many = schemas[`${name}Events`] = z.array(one).min(1).max(MAX_EVENTS);
  schemas[`${name}Body`] = z.union([
    one,
    many,
    z.strictObject({ events: many }),
  ]);
  return schemas;
}

/** The members that may be sent; null is as good as leaving one out. */
export function asSent({ shape }: EventSchema): EventSchema {
  return z.strictObject(Object.fromEntries(
    Object.entries(shape)
      .filter(([, schema]) => !isForbidden(schema))
      .map(([column, schema]) => [
        column,
        schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
          ? z.nullable(schema)
          : schema,
      ]),
  ));
}

function isForbidden(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodOptional &&
    schema.unwrap() instanceof z.ZodNever;
}
