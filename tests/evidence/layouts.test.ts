import { describe, expect, test } from "vitest";
import { committedColumns, layouts } from "../../shared/evidence/leaf.ts";
import { LOG_NAMES } from "../../shared/logs/index.ts";
import { ENGINES, useDatabase } from "../support/databases.ts";
import { LOGS } from "../support/specification.ts";

/** Layouts' names of types by those of format_type, without what a column adds. */
const TYPES: Record<string, string> = {
  "timestamp with time zone": "timestamptz",
};

describe.each(ENGINES)("the layouts of leaves on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  test("are those of the four logs", () => {
    expect([...LOG_NAMES].sort()).toEqual([...LOGS].sort());
  });

  test("are those of the captured tables", async () => {
    const rows = await db.query<{ log: string }>(
      `select distinct c.relname as log from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgname like 'capture\\_%' order by 1`,
    );
    expect(rows.map(({ log }) => log)).toEqual([...LOG_NAMES].sort());
  });

  describe.each(LOG_NAMES)("%s", (log) => {
    test("has the table's columns without the id, in its order, with their types", async () => {
      const rows = await db.query<{ name: string; type: string }>(
        `select attname as name, format_type(atttypid, null) as type from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
        [`public.${log}`],
      );
      expect(rows[0]).toEqual({ name: "id", type: "uuid" });
      expect(layouts[log].map(({ name, type }) => ({ name, type }))).toEqual(
        rows.slice(1).map(({ name, type }) => ({
          name,
          type: TYPES[type] ?? type,
        })),
      );
    });

    test("commits to the columns that the database commits to", async () => {
      const [{ names }] = await db.query<{ names: string[] }>(
        "select ledger.committed_columns($1)::text[] as names",
        [log],
      );
      expect(committedColumns[log].map(({ name }) => name)).toEqual(names);
    });

    test("lists the columns that a parent's deletion sets to NULL", async () => {
      const rows = await db.query<{ name: string }>(
        `select a.attname as name from pg_constraint k
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
          where k.conrelid = $1::regclass and k.contype = 'f' and k.confdeltype = 'n' order by a.attnum`,
        [`public.${log}`],
      );
      const nulled = layouts[log].filter(({ setNull }) => setNull);
      expect(nulled.map(({ name }) => name)).toEqual(
        rows.map(({ name }) => name),
      );
    });

    test("commits to nullable columns only", async () => {
      const rows = await db.query<{ name: string }>(
        `select attname as name from pg_attribute
          where attrelid = $1::regclass and attnotnull and attname = any ($2)`,
        [`public.${log}`, committedColumns[log].map(({ name }) => name)],
      );
      expect(rows).toEqual([]);
    });
  });
});
