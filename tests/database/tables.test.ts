import { describe, expect, test } from "vitest";
import { ENGINES, useDatabase } from "../support/databases.ts";
import {
  APPEND_ONLY,
  SIDE_TABLE_NAMES,
  SIDE_TABLES,
} from "../support/side-tables.ts";
import {
  type Column,
  LOGS,
  MEASURED_INDEXES,
  TABLES,
} from "../support/specification.ts";

describe.each(ENGINES)("the tables on $name", (engine) => {
  const db = useDatabase(engine.migrated);

  describe.each(LOGS)("%s", (log) => {
    test("has the documented columns in order, with type, nullability and default", async () => {
      const rows = await db.query<{ column: Column }>(
        `select jsonb_build_array(
            a.attname,
            format_type(a.atttypid, a.atttypmod),
            case when a.attnotnull then 'not null' else 'null' end,
            pg_get_expr(d.adbin, d.adrelid)) as column
          from pg_attribute a
          left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
          order by a.attnum`,
        [`public.${log}`],
      );
      expect(rows.map((row) => row.column)).toEqual(TABLES[log].columns);
    });

    test("has the documented keys and checks and no other", async () => {
      const rows = await db.query<{ name: string; definition: string }>(
        `select conname as name, pg_get_constraintdef(oid) as definition
          from pg_constraint where conrelid = $1::regclass and contype <> 'n'`,
        [`public.${log}`],
      );
      expect(byName(rows)).toEqual(TABLES[log].constraints);
    });

    test("has the documented and measured indexes and no other", async () => {
      const rows = await db.query<{ name: string; definition: string }>(
        `select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
          from pg_index i join pg_class c on c.oid = i.indexrelid
          where i.indrelid = $1::regclass and i.indisvalid`,
        [`public.${log}`],
      );
      expect(byName(rows)).toEqual({
        ...TABLES[log].indexes,
        ...MEASURED_INDEXES[log],
      });
    });
  });

  describe.each(APPEND_ONLY)("%s", (log) => {
    test("has no generated column and no column collation", async () => {
      const rows = await db.query(
        `select a.attname from pg_attribute a join pg_type t on t.oid = a.atttypid
          where a.attrelid = $1::regclass and a.attnum > 0
            and (a.attgenerated <> '' or a.attidentity <> '' or a.attcollation <> t.typcollation)`,
        [`public.${log}`],
      );
      expect(rows).toEqual([]);
    });

    test("has validated keys and checks that cannot be deferred", async () => {
      const rows = await db.query(
        `select conname from pg_constraint where conrelid = $1::regclass
          and (not convalidated or condeferrable)`,
        [`public.${log}`],
      );
      expect(rows).toEqual([]);
    });

    test("is an ordinary, logged table without parents or partitions", async () => {
      const rows = await db.query(
        `select relkind::text, relpersistence::text, relhassubclass, relispartition
          from pg_class where oid = $1::regclass`,
        [`public.${log}`],
      );
      expect(rows).toEqual([{
        relkind: "r",
        relpersistence: "p",
        relhassubclass: false,
        relispartition: false,
      }]);
    });
  });

  test.each(SIDE_TABLE_NAMES)(
    "%s has the documented foreign keys and no other",
    async (table) => {
      const rows = await db.query<{ name: string; definition: string }>(
        `select conname as name, pg_get_constraintdef(oid) as definition
          from pg_constraint where conrelid = $1::regclass and contype = 'f'`,
        [`public.${table}`],
      );
      expect(byName(rows)).toEqual(SIDE_TABLES[table].foreignKeys);
    },
  );
});

function byName(rows: { name: string; definition: string }[]) {
  return Object.fromEntries(rows.map((row) => [row.name, row.definition]));
}
