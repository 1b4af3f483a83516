import * as z from "zod";
import { MAX_EVENTS } from "../../shared/limits.ts";
import type { EventSchema, Log } from "../../shared/logs/log.ts";

/** A part of a document: a JSON object. */
export type Json = { [member: string]: unknown };

/** Formats that make zod's additional pattern redundant. */
const CLEAR_FORMATS = ["uuid", "date", "date-time", "ipv4", "ipv6"];

/** Constraints of events that stored rows may violate. */
const BOUNDS = ["minLength", "maxLength", "minimum", "maximum", "pattern"];

/** A reference to a component of the document. */
export function refer(
  kind: "schemas" | "headers" | "responses",
  name: string,
): { $ref: string } {
  return { $ref: `#/components/${kind}/${name}` };
}

/** The JSON Schema of a query parameter, in its canonical form. */
export function toParameterSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    ...DIALECT,
    io: "output",
    override: ({ jsonSchema }) => tidy(jsonSchema),
  });
  return rest;
}

/** The JSON Schemas of requests, by name, with references. */
export function toRequestSchemas(named: Record<string, z.ZodType>): Json {
  return toComponents(named, "input", tidy);
}

/**
 * The JSON Schemas of responses. They have types, formats and values, but no bounds, and
 * allow new members, because the table may hold older rows.
 */
export function toReplySchemas(named: Record<string, z.ZodType>): Json {
  return toComponents(named, "output", (schema) => {
    tidy(schema);
    for (const bound of BOUNDS) delete schema[bound];
    if (schema.additionalProperties === false) {
      delete schema.additionalProperties;
    }
  });
}

const DIALECT = {
  target: "draft-2020-12",
  // Descriptions cover constraints that JSON Schema cannot express.
  unrepresentable: "any",
} as const;

function toComponents(
  named: Record<string, z.ZodType>,
  io: "input" | "output",
  change: (schema: Json) => void,
): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) {
    registry.add(schema, { id });
  }
  const { schemas } = z.toJSONSchema(registry, {
    ...DIALECT,
    io,
    uri: (id) => refer("schemas", id).$ref,
    override: ({ jsonSchema }) => change(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(schemas).map((
      [name, { $schema: _schema, $id: _id, ...rest }],
    ) => [name, rest]),
  );
}

function tidy(schema: Json): void {
  if (CLEAR_FORMATS.includes(String(schema.format))) delete schema.pattern;
  // Keys are always strings.
  delete schema.propertyNames;
}

/** The name of a log in schemas and operations, such as `LlmUsage`. */
export function nameOf({ slug }: Log): string {
  return slug.split("-")
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join("");
}

/**
 * A row in responses, derived from the event: its required members, the id and the time
 * are never null.
 */
export function rowSchema(log: Log): z.ZodObject<Record<string, z.ZodType>> {
  return z.object(Object.fromEntries(
    log.columns.map((column) => [column, columnSchema(log, column)]),
  )).describe(`A row of ${log.table}. ${log.description}`);
}

/** One column of a row. */
export function columnSchema(log: Log, column: string): z.ZodType {
  if (log.row?.[column]) return log.row[column];
  const schema = log.event.shape[column] as z.ZodType;
  if (!(schema instanceof z.ZodOptional)) return schema;
  const present = schema.unwrap() as z.ZodType;
  return column === "id" || column === log.timeColumn
    ? present
    : z.nullable(present);
}

/** The request schemas of a log, by name. */
export function eventSchemas(log: Log): Record<string, z.ZodType> {
  const name = nameOf(log);
  const schemas: Record<string, z.ZodType> = {};
  const event = schemas[`${name}Event`] = asSent(log.event)
    .describe(`${log.description}, sent by a service`);
  let one: z.ZodType = event;
  if (log.userWrites !== null) {
    const own = schemas[`${name}UserEvent`] = asSent(log.userWrites.event)
      .describe(`${log.description}, sent by a signed-in user`);
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

/** The accepted members; null is equivalent to omission. */
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
