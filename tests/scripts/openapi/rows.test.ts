import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOGS } from "../../../shared/logs/index.ts";
import { createDocument } from "../../../scripts/openapi/create-document.ts";
import { nameOf } from "../../../scripts/openapi/schemas.ts";
import { ENGINES, type TestDatabase } from "../../support/databases.ts";

const { components } = await createDocument(LOGS);

/** The JSON type of a column in a response. */
const TYPES: Record<string, string | undefined> = {
  "uuid": "string",
  "text": "string",
  "numeric": "string",
  "timestamp with time zone": "string",
  "integer": "integer",
  "boolean": "boolean",
  "jsonb": "object",
  "ARRAY": "array",
};

/**
 * The table beside a log that has the details of its rows, and which of its
 * columns a row shows even when it was written around the functions, and so
 * without details.
 */
const DETAILS: Record<string, { table: string; always: string[] }> = {
  llm_usage_log: {
    table: "llm_usage_details",
    always: ["cost_source", "cost_usd_exact"],
  },
};

type Column = { column_name: string; data_type: string; is_nullable: string };
type Schema = { type?: string | string[]; anyOf?: Schema[] };

describe("the schema of a row is that of the table and of its details", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await ENGINES[0].migrated();
  });
  afterAll(() => database?.close());

  const columnsOf = (table: string) =>
    database.query<Column>(
      `select column_name, data_type, is_nullable
        from information_schema.columns
        where table_schema = 'public' and table_name = $1
        order by ordinal_position`,
      [table],
    );

  test.each([...LOGS])("$table", async (log) => {
    const { table } = log;
    const own = await columnsOf(table);
    const names = own.map((column) => column.column_name);
    const { properties, required } = (components.schemas as Record<
      string,
      { properties: Record<string, Schema>; required: string[] }
    >)[`${nameOf(log)}Row`];
    const shown = Object.keys(properties);
    expect(required).toEqual(shown);
    expect(shown.slice(0, names.length)).toEqual(names);
    for (const { column_name: name, data_type, is_nullable } of own) {
      const nullable = is_nullable === "YES" && name !== log.timeColumn;
      expectTypes(name, properties[name], data_type, nullable);
    }

    const { table: beside, always } = DETAILS[table] ??
      { table: "", always: [] };
    const details = (await columnsOf(beside))
      .filter(({ column_name }) => !names.includes(column_name));
    expect(details.length > 0).toBe(table in DETAILS);
    // The declaration's order is not that of the table.
    expect(shown.slice(names.length).sort())
      .toEqual(details.map(({ column_name }) => column_name).sort());
    for (const { column_name: name, data_type } of details) {
      const nullable = !always.includes(name);
      expectTypes(name, properties[name], data_type, nullable);
    }
  });
});

function expectTypes(
  name: string,
  schema: Schema,
  dataType: string,
  nullable: boolean,
): void {
  const wanted = [TYPES[dataType], ...nullable ? ["null"] : []];
  expect([name, typesOf(schema).sort()]).toEqual([name, wanted.sort()]);
}

function typesOf({ type, anyOf }: Schema): string[] {
  const types = anyOf === undefined
    ? [type ?? "any"].flat()
    : anyOf.flatMap(typesOf);
  return [...new Set(types)];
}
