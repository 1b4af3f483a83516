import postgres from "postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createDatabase } from "../../local/postgres.ts";
import { joinPreamble, type Run } from "../../local/transaction-preamble.ts";

let sql: postgres.Sql;
let sent: string[];
let run: Run;

beforeAll(async () => {
  const url = await createDatabase({ url: inject("postgresUrl") });
  sql = postgres(url, { max: 1, onnotice: () => {} });
  run = joinPreamble((statement, parameters) => {
    sent.push(statement);
    return sql.unsafe(statement, parameters as never[]);
  });
});
afterAll(() => sql.end());

async function begin(...settings: [string, unknown[]][]): Promise<void> {
  sent = [];
  await run("begin", []);
  for (const [statement, parameters] of settings) {
    await run(statement, parameters);
  }
}

test("settings apply to the statement after them, and reach the server unchanged", async () => {
  const hostile = `'; drop table x; -- \\' $1 E'\\x00 "é" \\`;
  await begin(
    ["SELECT set_config('a.b', $1, true)", [hostile]],
    ['SET LOCAL ROLE "pg_monitor"', []],
  );
  expect(sent).toEqual([]);
  const rows = await run(
    "select current_setting('a.b') as value, current_user::text as role, $1::text as own",
    ["x"],
  );
  expect([...rows]).toEqual([{ value: hostile, role: "pg_monitor", own: "x" }]);
  expect(sent).toHaveLength(3);
  await run("commit", []);
  const [after] = await run("select current_user::text as role", []);
  expect(after).not.toEqual({ role: "pg_monitor" });
});

test.each([
  ["is refused", 'SET LOCAL ROLE "nobody-of-that-name"', "22023"],
  ["is not a statement", "select set_config('", "42601"],
])(
  "a setting that %s prevents the statement after it, which gets its error",
  async (_, setting, code) => {
    await begin([setting, []]);
    await expect(run("create table made_without_role ()", [])).rejects
      .toMatchObject({ code });
    await run("rollback", []);
    expect([
      ...await run("select to_regclass('made_without_role')::text as t", []),
    ]).toEqual([{ t: null }]);
  },
);

test("settings become one select, as PostgREST sends them, and the last one wins", async () => {
  await begin(
    ["select set_config('role', $1, true)", ["pg_monitor"]],
    ["select set_config('a.d', $1, true)", ["first"]],
    ["select set_config('a.d', $1, true)", ["last"]],
    ['set local role "pg_read_all_data"', []],
    ["select set_config('a.e', '', true)", []],
  );
  const [found] = await run(
    "select current_setting('a.d') as d, current_user::text as role",
    [],
  );
  expect(found).toEqual({ d: "last", role: "pg_read_all_data" });
  expect(sent[1]).toBe(
    "select set_config('role', E'pg_monitor', true), set_config('a.d', E'first', true), " +
      "set_config('a.d', E'last', true), set_config('role', E'pg_read_all_data', true), " +
      "set_config('a.e', '', true)",
  );
  await run("rollback", []);
});

test("a setting that cannot be part of a select list keeps its position", async () => {
  await begin(["select set_config('a.f', 'first', true)", []], [
    "select set_config('a.f', current_setting('a.f') || x, true) from (values ('+')) as v (x)",
    [],
  ], ["select set_config('a.g', current_setting('a.f'), true)", []]);
  const [found] = await run(
    "select current_setting('a.f') as f, current_setting('a.g') as g",
    [],
  );
  expect(found).toEqual({ f: "first+", g: "first+" });
  await run("rollback", []);
});

test("a setting outside of a transaction runs alone", async () => {
  sent = [];
  await run("select set_config('a.c', $1, false)", ["kept"]);
  expect(sent).toHaveLength(1);
  expect([...await run("select current_setting('a.c') as value", [])])
    .toEqual([{ value: "kept" }]);
});
