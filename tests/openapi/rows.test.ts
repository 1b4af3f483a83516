import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectLogs } from "../../scripts/openapi.ts";
import { createDocument } from "../../shared/openapi/create-document.ts";
import { nameOf } from "../../shared/openapi/name-of.ts";
import { ENGINES, type TestDatabase } from "../database/databases.ts";

const logs = await collectLogs();
const { components } = await createDocument(logs);

/** What JSON type a column of the table has in a reply. */
const TYPES: Record<string, string | undefined> = {
  "uuid": "string",
  "text": "string",
  "numeric": "string",
  "timestamp with time zone": "string",
  "integer": "integer",
  "boolean": "boolean",
  "jsonb": "object",
};

type Column = { column_name: string; data_type: string; is_nullable: string };
type Schema = { type?: string | string[]; anyOf?: Schema[] };

describe("the schema of a row is that of the table", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await ENGINES[0].migrated();
  }, 30_000);
  afterAll(() => database?.close());

  test.each(logs.map((log) => [log.table, log] as const))(
    "%s",
    async (table, log) => {
      const columns = await database.query<Column>(
        `select column_name, data_type, is_nullable
        from information_schema.columns
        where table_schema = 'public' and table_name = $1
        order by ordinal_position`,
        [table],
      );
      const { properties, required } = (components.schemas as Record<
        string,
        { properties: Record<string, Schema>; required: string[] }
      >)[`${nameOf(log)}Row`];
      const names = columns.map((column) => column.column_name);
      expect(Object.keys(properties)).toEqual(names);
      expect(required).toEqual(names);
      for (const { column_name: name, data_type, is_nullable } of columns) {
        const types = typesOf(properties[name]);
        const nullable = is_nullable === "YES" && name !== log.timeColumn;
        expect([name, types.sort()]).toEqual([
          name,
          [TYPES[data_type], ...nullable ? ["null"] : []].sort(),
        ]);
      }
    },
  );
});

function typesOf({ type, anyOf }: Schema): string[] {
  const types = anyOf === undefined
    ? [type ?? "any"].flat()
    : anyOf.flatMap(typesOf);
  return [...new Set(types)];
}
