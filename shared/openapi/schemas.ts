import * as z from "zod";

/** A part of a document: a JSON object. */
export type Json = { [member: string]: unknown };

/** Formats that say more than the pattern that zod puts beside them. */
const CLEAR_FORMATS = ["uuid", "date", "date-time", "ipv4", "ipv6"];

/** What an event must keep to, but a stored row need not. */
const BOUNDS = ["minLength", "maxLength", "minimum", "maximum", "pattern"];

/** Refers to a component of the document. */
export function refer(
  kind: "schemas" | "headers" | "responses",
  name: string,
): { $ref: string } {
  return { $ref: `#/components/${kind}/${name}` };
}

/** The JSON Schema of a query parameter: of its one way to write a value. */
export function toParameterSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    ...DIALECT,
    io: "output",
    override: ({ jsonSchema }) => tidy(jsonSchema),
  });
  return rest;
}

/** The JSON Schemas of what is sent, by name; one refers to another. */
export function toRequestSchemas(named: Record<string, z.ZodType>): Json {
  return toComponents(named, "input", tidy);
}

/**
 * The JSON Schemas of what is answered. They name types, formats and values, but
 * no bounds, and leave room for new members: the table may hold older rows.
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
  // What JSON Schema cannot say is said in words.
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
